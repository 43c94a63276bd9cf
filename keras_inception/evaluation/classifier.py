"""Something that classifies, whatever holds it: a run, a Keras model, a file, published weights."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from timeit import repeat
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from PIL import Image

from keras_inception import label_files
from keras_inception.class_matching import match
from keras_inception.crops import stacked, views
from keras_inception.errors import BadInput
from keras_inception.imagenet import class_names
from keras_inception.images import photograph, upright
from keras_inception.outputs import CLASSES, LABELS, NUMBERS, Kind, kind_named
from keras_inception.preprocess import Preprocessing
from keras_inception.saving import load_model
from keras_inception.training.data import DataRef
from keras_inception.training.data.examples import mode_of
from keras_inception.training.run import run_folder
from keras_inception.training.run.run_folder import Run
from keras_inception.weights import pretrained
from keras_inception.weights.whole_models import holds_model

if TYPE_CHECKING:
    from keras_inception.tflite.file.interpreter import File
    from keras_inception.tflite.keras_graph.plain import PlainNetwork

log = logging.getLogger(__name__)

#: What Teachable Machine and others call the names of a file's outputs, in its folder.
BESIDE = "labels.txt"


@dataclass(frozen=True, kw_only=True)
class Classifier(ABC):
    """Something that tells the classes of photographs, whatever holds it.

    `path` is its file, None where it has none. It takes images of `size` x `size` pixels and
    `channels`, which `preprocessing` makes of RGB pixels 0..255. `classes` are their names in the
    order of its outputs, none if it does not say them; `kind` is what these outputs are. `data` are
    the images it was trained on and `run` its run folder, each None if it is not known.
    """

    name: str
    path: Path | None = None
    size: int
    channels: int
    preprocessing: Preprocessing
    classes: tuple[str, ...] = ()
    kind: Kind = CLASSES
    data: DataRef | None = None
    run: Run | None = None

    @abstractmethod
    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Preprocessed images, (n, size, size, channels) float32 -> (n, outputs) float32: what its
        `kind` of output is, probabilities of classes or labels, or numbers."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers it gives for an image."""

    @abstractmethod
    def seconds(self, runs: int) -> list[float]:
        """The seconds that one image takes, so many times."""

    def scores(self, photographs, *, crops: int = 1) -> np.ndarray:
        """Probabilities of photographs, (n, classes) float32.

        photographs: paths of image files, Pillow images, or uint8 arrays, (height, width,
            channels) each, in RGB; of any size. One of them may stand by itself.
        crops: 1 (the centre), 10, 12 or 144 views of each, averaged.

        Raises BadInput for a photograph that is missing or cannot be read.
        """
        rows = []
        for given in _several(photographs):
            image = _image(given, mode_of(self.channels))
            seen = views(image, self.size, self.preprocessing, crops)
            rows.append(self.of_pixels(stacked(seen, self.channels)).mean(axis=0))
        return np.stack(rows)

    def expecting(self, preprocessing: Preprocessing) -> Classifier:
        """It with another record of what pixels become. Raises BadInput if it cannot take that."""
        return replace(self, preprocessing=preprocessing.for_channels(self.channels))

    def of_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities of uint8 pixels, (n, size, size, channels), (n, classes)."""
        return self.probabilities(self.preprocessing(pixels))


@dataclass(frozen=True, kw_only=True)
class KerasClassifier(Classifier):
    """A Keras 3 model of one output, which ends as its kind of outputs does."""

    model: Any
    lowered: PlainNetwork | None = None

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        from keras_inception.inference import outputs_of

        return outputs_of(self.model, images)

    @property
    def outputs(self) -> int:
        return self.model.output_shape[-1]

    def seconds(self, runs: int) -> list[float]:
        image = np.zeros((1, self.size, self.size, self.channels), np.float32)
        return repeat(lambda: self.model.predict_on_batch(image), number=1, repeat=runs)

    @cached_property
    def network(self) -> PlainNetwork:
        """It in plain layers, which compute the same. Raises BadInput if there are none."""
        if self.lowered is not None:
            return self.lowered
        from keras_inception.tflite.keras_graph import keras_classifier

        return keras_classifier.classifier(self.model, self.preprocessing, kind=self.kind)[0]


@dataclass(frozen=True, kw_only=True)
class FileClassifier(Classifier):
    """A `.tflite` file, run by LiteRT alone."""

    file: File

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return self.file.probabilities(images, self.kind)

    @property
    def outputs(self) -> int:
        return 2 if self.kind is CLASSES and self.file.classes == 1 else self.file.classes

    def require_shown(self) -> None:
        """Raise BadInput unless an app or a page can show what the file gives: a probability, or a
        logit, of each class, or a probability of each label."""
        if self.kind.ends == "linear":
            raise BadInput(
                f"{self.name} gives {self.kind.name}; what is written here shows classes or labels"
            )
        if self.outputs != self.file.classes or (
            self.kind is LABELS and self.file.ending == "linear"
        ):
            raise BadInput(
                f"{self.name} gives {self.file.classes} numbers that are no probabilities of each "
                "class or label yet; export its model with keras-inception, without --logits"
            )

    def expecting(self, preprocessing: Preprocessing) -> Classifier:
        from keras_inception.tflite.metadata.input_pixels import require_held

        require_held(self.file, self.name, preprocessing)
        return super().expecting(preprocessing)

    def seconds(self, runs: int) -> list[float]:
        return self.file.seconds(runs)


Opened = TypeVar("Opened", bound=Classifier)


def _several(photographs) -> list:
    alone = isinstance(photographs, str | Path | Image.Image)
    if alone or (isinstance(photographs, np.ndarray) and photographs.ndim < 4):
        photographs = [photographs]
    if not len(photographs):
        raise BadInput("there are no photographs to classify; give at least one")
    return list(photographs)


def _image(given, mode: str) -> Image.Image:
    if isinstance(given, Image.Image):
        return upright(given, mode)
    if isinstance(given, np.ndarray):
        if given.dtype != np.uint8:
            raise BadInput(f"pixels must be uint8, 0..255; got {given.dtype}")
        return upright(Image.fromarray(given.squeeze()), mode)
    return photograph(given, mode)


def open_classifier(
    subject: Any,
    *,
    classes: str | Path | Sequence[str] | None = None,
    preprocessing: str | Preprocessing | None = None,
    image_size: int | None = None,
    kind: str | None = None,
    head: str | None = None,
    trust: bool = False,
) -> Classifier:
    """Something that classifies photographs, ready to be asked.

    subject: a run, or its folder or model; a `.tflite` file, which LiteRT runs, without a
        framework; any other whole model that `load_model` takes, or a Keras 3 model; published
        weights (a tag of `list_weights`, or a file of them); or a Classifier, given back.
    classes: the names of its classes in the order of its outputs, or a file of them as
        `label_files.read` takes it, or "imagenet", for what does not name them: a Keras model
        outside a run, a `.tflite` file without labels inside or beside it, weights of one's own.
    preprocessing: for the same, how pixels 0..255 become its input: a `Preprocessing` or the name
        of one, as "tf", "torch", "caffe", "unit", "raw". It is never guessed.
    image_size: of a Keras model outside a run, pixels each way, in place of an input that is open,
        not square or of another size; its layers must fit.
    kind: what the outputs are, where their end does not tell: "classes" (one is right), "labels"
        (any number are), "numbers" or "features". Of one number, "classes" are two: the first has
        what the second has not.
    head: the name, or the number from 0, of the output of a Keras model that has several.
    trust: whether whoever made the file is trusted with whatever it may run: Keras opens a
        `.keras`, as for `load_model`, and LiteRT a `.tflite` in this process.

    Raises Unsaid where nobody says what pixels become, and BadInput for anything else, for files
    that are damaged, and where a file says otherwise than you.

    >>> import keras_inception
    >>> classifier = keras_inception.open_classifier("runs/hands")  # doctest: +SKIP
    >>> classifier.scores(["left.jpg", "right.jpg"]).shape  # doctest: +SKIP
    (2, 10)
    """
    if isinstance(classes, str | Path):
        classes = label_files.read(classes)
    elif classes is not None:
        label_files.check(classes, "the list of classes")
    is_model = hasattr(subject, "output_shape")
    given = isinstance(subject, Classifier)
    if image_size is not None and not is_model and (given or not _is_model(subject)):
        name = getattr(subject, "name", subject)
        raise BadInput(f"{name} has a size of its own; leave out --image-size")
    if isinstance(subject, Classifier):
        _require_nothing_said(subject.name, preprocessing, kind, head)
        return _named(subject, classes)
    told = preprocessing, image_size, kind, head
    if is_model:
        return _named(_of_model(subject, subject.name, None, *told), classes)
    path = Path(subject)
    if _is_model(path):
        model = load_model(path, compile=False, trust=trust)
        return _named(_of_model(model, str(path), path, *told), classes)
    if path.suffix == ".tflite" and not path.is_dir():
        _require_nothing_said(subject, None, None, head)
        said = {"preprocessing": preprocessing, "kind": kind, "trust": trust}
        return open_file(path, classes=classes, **said)
    if path.suffix == ".keras" or path.is_dir():
        _require_nothing_said(subject, preprocessing, kind, head)
        run = run_folder.trained(path if path.is_dir() else path.parent)
        return _named(_of_run(run, trust), classes)
    if pretrained.exists(subject):
        _require_nothing_said(subject, None, kind, head)
        return _named(_of_weights(subject, preprocessing), classes)
    raise BadInput(
        f"{subject} is neither a run folder nor a .keras or .tflite file, nor a file of weights, "
        "nor a tag that `keras-inception weights` lists; give one of these"
    )


def _is_model(subject: str | Path) -> bool:
    """Whether it is a whole model outside of a run."""
    path = Path(subject)
    in_run = path.name == "model.keras" and run_folder.exists(path.parent)
    return holds_model(path) and not in_run


def _require_nothing_said(subject, preprocessing, kind, head) -> None:
    said = {"preprocessing": preprocessing, "kind": kind, "head": head}
    if given := [name for name, value in said.items() if value is not None]:
        raise BadInput(f"{subject} says itself which {' and '.join(given)} it has; leave it out")


def _named(opened: Opened, classes: Sequence[str] | None) -> Opened:
    """It with the names that are given; its own hold, which must be the same ones."""
    if not classes:
        return opened
    if len(classes) != opened.outputs:
        raise BadInput(
            f"{opened.name} has {opened.outputs} classes; {len(classes)} are named: give --classes "
            "a file with a name for each, in the order of the outputs"
        )
    if not opened.classes:
        return replace(opened, classes=tuple(classes))
    who = f"{opened.name}, which names its classes itself,"
    match(classes, opened.classes, what="the given names", who=who, advice="leave --classes out")
    return opened


def _of_model(
    model,
    name: str,
    path: Path | None,
    preprocessing: str | Preprocessing | None,
    image_size: int | None,
    kind: str | None,
    head: str | None,
) -> KerasClassifier:
    """A model that somebody made: what it is given, and whether it gives probabilities, is found
    out by taking it apart."""
    from keras_inception.layers import default_keras
    from keras_inception.tflite.keras_graph import keras_classifier
    from keras_inception.tflite.keras_graph.to_keras import to_keras

    expected = preprocessing or getattr(model, "preprocessing", None)
    of = kind_named(kind) if kind else None
    said = {"name": name, "image_size": image_size, "kind": of, "head": head}
    network, found, expected = keras_classifier.classifier(model, expected, **said)
    plain = to_keras(network, default_keras())
    return _keras(plain, name, path, preprocessing=expected, lowered=network, kind=found)


def _of_run(run: Run, trust: bool) -> KerasClassifier:
    model = load_model(run.model, compile=False, trust=trust)
    return _keras(
        model,
        str(run.model),
        run.model,
        preprocessing=run.preprocessing,
        classes=run.classes,
        data=run.data_ref,
        run=run,
    )


def _of_weights(weights: str | Path, preprocessing: str | Preprocessing | None) -> KerasClassifier:
    found = pretrained.load(weights).expecting(preprocessing).with_classes(1000)
    # A file of somebody's own classes does not say their names.
    names = class_names(1000) if found.net.classes == 1000 else ()
    return _keras(
        found.model(),
        found.name,
        None,
        preprocessing=found.preprocessing,
        classes=names,
    )


def _keras(model, name: str, path: Path | None, **said) -> KerasClassifier:
    _, height, width, channels = model.input_shape
    size = _square(name, height, width)
    return KerasClassifier(name=name, path=path, size=size, channels=channels, model=model, **said)


def open_file(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    preprocessing: str | Preprocessing | None = None,
    kind: str | None = None,
    trust: bool = False,
) -> FileClassifier:
    """A `.tflite` file as `open_classifier` opens it.

    What it says of itself is in it; another tool's may lack what is then given. Of a file without
    labels the classes are its run's, else those given, else those in a file beside it, called as it
    is or labels.txt. Of the record beside it the digest alone is looked at; the images that it was
    trained on are known only where it lies in its run's folder.
    """
    # What opens files is not installed where only Keras models are looked at.
    from keras_inception.tflite.file.interpreter import File
    from keras_inception.tflite.metadata import beside, reading
    from keras_inception.tflite.metadata.input_pixels import expected_by

    file = File(path, trust=trust)
    beside.record(path, file.content)
    run = run_folder.read(path.parent) if run_folder.exists(path.parent) else None
    said = reading.read(file.content, path)
    expected = expected_by(file, path, said and said.preprocessing, preprocessing)
    own = (said.labels if said else ()) or (run.classes if run else ())
    if own and len(own) != file.classes:
        raise BadInput(
            f"{path} names {len(own)} classes and has {file.classes} outputs; write the names "
            "into it: keras-inception metadata"
        )
    found = _kind_of(path, file, said.kind if said else "", kind)
    height, width, channels = file.input_shape
    opened = FileClassifier(
        name=str(path),
        path=path,
        size=_square(path, height, width),
        channels=channels,
        preprocessing=expected,
        classes=tuple(own),
        kind=found,
        data=run.data_ref if run else None,
        file=file,
    )
    if not own and not classes:
        classes = _labels_beside(path, opened.outputs)
    return _named(opened, classes)


def _kind_of(path: Path, file: File, said: str, given: str | None) -> Kind:
    """What a file says its outputs are, or what is given; else what their end tells."""
    if said and given and said != given:
        raise BadInput(f"{path} says itself that its outputs are {said}; leave --kind out")
    if said or given:
        return kind_named(said or given or "")
    if file.classes == 1 and file.ending == "linear":
        raise BadInput(
            f"{path} gives one number, which may be many things; say with --kind classes that it "
            f"is the logit of the second of two, or with --kind {NUMBERS.name} that it is meant"
        )
    return LABELS if file.ending == "sigmoid" and file.classes > 1 else CLASSES


def _labels_beside(path: Path, outputs: int) -> tuple[str, ...]:
    for beside in (path.with_suffix(".labels.txt"), path.with_suffix(".txt"), path.parent / BESIDE):
        if beside.is_file():
            found = label_files.read(beside)
            if len(found) == outputs:
                log.info("the classes of %s are those in %s beside it", path, beside.name)
                return found
            log.warning(
                "%s has %d names, %s %d outputs: its names are not used",
                beside,
                len(found),
                path.name,
                outputs,
            )
    return ()


def _square(name: str | Path, height: int | None, width: int | None) -> int:
    if height != width or not height:
        raise BadInput(f"{name} needs a fixed square input; it takes {height}x{width}")
    return height
