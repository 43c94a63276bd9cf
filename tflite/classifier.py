"""Something that classifies, whatever holds it: a run, a Keras model, a file, published weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_inception.classes import class_names
from keras_inception.crops import views
from keras_inception.errors import BadInput
from keras_inception.images import UNREADABLE, decode, upright
from keras_inception.inference import outputs_of
from keras_inception.layers import default_keras
from keras_inception.preprocess import Preprocessing
from keras_inception.saving import load_model
from keras_inception.training.data.examples import mode_of
from keras_inception.training.run import run_folder
from keras_inception.weights import published

from .keras_graph import keras_classifier
from .keras_graph.to_keras import to_keras


@dataclass(frozen=True)
class ModelInfo:
    """What a classifier says of itself: the preprocessing it expects, the names of its classes
    (none if it does not say), and the data set it was trained on, with its split."""

    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    classes: tuple[str, ...] = ()
    data: tuple[str, float, int] | None = None


@dataclass(frozen=True)
class Classifier:
    """Something that tells the classes of photographs, whatever holds it.

    `probabilities` maps preprocessed images, (n, size, size, channels) float32, to (n, classes)
    float32; `run_once` classifies one image, for timing. `path` is None for published weights.
    """

    name: str
    path: Path | None
    size: int
    channels: int
    probabilities: Callable[[np.ndarray], np.ndarray]
    run_once: Callable[[], None]
    info: ModelInfo

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes, in the order of its outputs; none if it does not say them."""
        return self.info.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """What it expects of RGB pixels 0..255."""
        return self.info.preprocessing

    def scores(self, photographs, *, crops: int = 1) -> np.ndarray:
        """Probabilities of photographs, (n, classes) float32.

        photographs: paths of image files, Pillow images, or uint8 arrays, (height, width,
            channels) each, in RGB; of any size. One of them may stand by itself.
        crops: 1 (the centre), 10, 12 or 144 views of each, averaged.

        Raises BadInput for a photograph that is missing or cannot be read.
        """
        rows = []
        for photograph in _several(photographs):
            image = _image(photograph, mode_of(self.channels))
            seen = views(image, self.size, self.preprocessing, crops)
            rows.append(self.of_views(seen).mean(axis=0))
        return np.stack(rows)

    def of_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities of uint8 pixels, (n, size, size, channels), (n, classes)."""
        return self.probabilities(self.preprocessing(pixels))

    def of_views(self, seen: Sequence[Image.Image]) -> np.ndarray:
        """Probabilities of images that have its size and channels already, (n, classes)."""
        shape = (len(seen), self.size, self.size, self.channels)
        stacked = np.stack([np.asarray(view) for view in seen]).reshape(shape)
        return self.of_pixels(stacked)


def _several(photographs) -> list:
    alone = isinstance(photographs, str | Path | Image.Image)
    if alone or (isinstance(photographs, np.ndarray) and photographs.ndim < 4):
        photographs = [photographs]
    if not len(photographs):
        raise BadInput("there are no photographs to classify; give at least one")
    return list(photographs)


def _image(photograph, mode: str) -> Image.Image:
    if isinstance(photograph, Image.Image):
        return upright(photograph, mode)
    if isinstance(photograph, np.ndarray):
        if photograph.dtype != np.uint8:
            raise BadInput(f"pixels must be uint8, 0..255; got {photograph.dtype}")
        return upright(Image.fromarray(photograph.squeeze()), mode)
    path = Path(photograph)
    if not path.is_file():
        raise BadInput(f"there is no photograph {str(path)!r}")
    try:
        return decode(path.read_bytes(), mode)
    except UNREADABLE as error:
        raise BadInput(f"{path} is not an image that can be read: {error}") from error


def open_classifier(
    subject: Any,
    *,
    classes: str | Path | None = None,
    preprocessing: str | Preprocessing | None = None,
) -> Classifier:
    """Something that classifies photographs, ready to be asked.

    subject: a run folder (its trained model), a `.keras` or `.tflite` file, published weights (a
        tag of `list_weights`, or a file of them), a Keras 3 model, or a Classifier, given back.
    classes: for a Keras model outside a run, which does not say them: a text file with the name
        of a class on every line, or "imagenet".
    preprocessing: for the same, how pixels 0..255 become its input, unless it begins with that
        itself: a `Preprocessing` or the name of one, as "tf", "torch", "caffe", "unit", "raw".

    Raises BadInput for anything else, and for files that are damaged.

    >>> import keras_inception
    >>> classifier = keras_inception.open_classifier("runs/hands")  # doctest: +SKIP
    >>> classifier.scores(["left.jpg", "right.jpg"]).shape  # doctest: +SKIP
    (2, 10)
    """
    if isinstance(subject, Classifier):
        return subject
    in_memory = hasattr(subject, "output_shape")
    path = Path("model.keras") if in_memory else Path(subject)
    if not in_memory and path.is_dir():
        path = run_folder.trained(path).model
    foreign_model = in_memory or (path.suffix == ".keras" and not run_folder.exists(path.parent))
    if (preprocessing or classes) and not foreign_model:
        raise BadInput(
            f"{subject} says itself which preprocessing and classes it has; leave them out"
        )
    if path.suffix == ".tflite":
        height, width, channels, outputs, run_once = _file(path)
        info = info_of_file(path)
    elif foreign_model:
        model = subject if in_memory else load_model(path, compile=False)
        expected = preprocessing or getattr(model, "preprocessing", None)
        network, expected = keras_classifier.classifier(model, expected)
        plain = to_keras(network, default_keras())
        height, width, channels, outputs, run_once = _keras_model(plain)
        names = () if classes is None else keras_classifier.labels(classes)
        if names:
            keras_classifier.require_named(network, names)
        info = ModelInfo(expected, names)
    elif path.suffix == ".keras":
        height, width, channels, outputs, run_once = _keras_model(load_model(path, compile=False))
        info = _info_of_run(path.parent)
    elif not published.exists(subject):
        raise BadInput(
            f"{subject} is neither a run folder nor a .keras or .tflite file, nor a file of "
            "weights, nor a tag that `keras-inception weights` lists; give one of these"
        )
    else:
        found = published.load(subject).with_classes(1000)
        height, width, channels, outputs, run_once = _keras_model(found.model())
        info = ModelInfo(found.preprocessing, class_names(found.net.classes))
    if height != width or not height:
        raise BadInput(f"{subject} needs a fixed square input; it takes {height}x{width}")
    name = subject.name if in_memory else str(subject)
    where = path if path.suffix in (".keras", ".tflite") and not in_memory else None
    return Classifier(name, where, height, channels, outputs, run_once, info)


def _file(path: Path):
    # What opens files is not installed where only Keras models are looked at.
    from .file import guard
    from .file.interpreter import File
    from .file.outputs import probabilities

    file = File(path)
    guard.require_sound(path, file.content)
    return *file.input_shape, probabilities(file), file.invoke


def _keras_model(model):
    _, height, width, channels = model.input_shape
    blank = np.zeros((1, height or 1, width or 1, channels), np.float32)
    return (
        height,
        width,
        channels,
        lambda images: outputs_of(model, images),
        lambda: model.predict_on_batch(blank),
    )


def info_of_file(path: Path) -> ModelInfo:
    """What a `.tflite` file says of itself, by the JSON beside it if there is one."""
    beside = path.with_suffix(".json")
    if not beside.is_file():
        from . import metadata

        run = _info_of_run(path.parent)
        said = metadata.read(path.read_bytes(), path)
        return run if said is None else ModelInfo(said.preprocessing, said.labels, run.data)
    try:
        record = json.loads(beside.read_text())
        data = record.get("data")
        return ModelInfo(
            Preprocessing(**record["preprocessing"]),
            tuple(record["classes"]),
            (data["source"], data["holdout"], data["seed"]) if data else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{beside} is damaged ({error!r}); export {path.name} again, or remove it and "
            "name the images with --data"
        ) from error


def _info_of_run(folder: Path) -> ModelInfo:
    if not run_folder.exists(folder):
        return ModelInfo()
    run = run_folder.read(folder)
    recipe = run.recipe
    return ModelInfo(run.preprocessing, run.classes, (recipe.data, recipe.holdout, recipe.seed))
