"""From a trained network to `.tflite` files: `export` converts, `quantize` fine-tunes first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from keras_inception.class_matching import listed, reordered
from keras_inception.errors import BadInput
from keras_inception.evaluation.known_classes import Map
from keras_inception.label_files import distinct
from keras_inception.preprocess import Preprocessing
from keras_inception.training.data.batches import TrainingBatches
from keras_inception.training.recipes import precision

from . import checks
from .best_file import Candidates
from .checks.closeness import Closeness, closeness
from .convert.calibration import calibrated_ranges
from .convert.rounding import Ranges
from .convert.to_tflite import convert
from .file.graph import Graph
from .file.interpreter import File
from .keras_graph.integer_operators import in_integers
from .keras_graph.plain import PlainNetwork
from .metadata import Metadata, Said, embed
from .metadata.saving import save
from .qat import engine as engine_named
from .schemes import io_type_for, scheme_named
from .source import Source, open_source

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exported:
    """A `.tflite` file that was written; it stands for its path wherever one is taken.

    `figures` is what its `.json` says of it: types, data, calibration; of an exported file, how
    close it is to the float model on the calibration images; and, of a fine-tuned one, the
    accuracy of the float network and of the file, each on the test images, and on those that the
    file was chosen by.
    """

    path: Path
    figures: dict

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self):
        return str(self.path)


def export(
    subject: Any,
    *,
    scheme: str,
    images: str | Path | np.ndarray | None = None,
    classes: str | Path | Sequence[str] | None = None,
    preprocessing: str | Preprocessing | None = None,
    image_size: int | None = None,
    kind: str | None = None,
    head: str | None = None,
    io: str | None = None,
    logits: bool = False,
    allow_float: bool = False,
    float_lrn: bool = False,
    out: str | Path | None = None,
    trust: bool = False,
    **said: Unpack[Said],
) -> Exported:
    """Convert a trained network to `.tflite`, without training further.

    subject: a run folder; or a Keras 3 model, a `.keras` file, or published weights (a tag or a
        file), whose file goes to the folder `out`.
    scheme: the number format, a name in `tflite.schemes.SCHEMES`: "float32", "float16",
        "dynamic", "int8" or "int16x8".
    images: a folder of photographs to calibrate integer schemes on, a hundred or more, or uint8
        pixels, (n, size, size, channels); a run has its own.
    classes, preprocessing, image_size, kind, head: for a Keras model, as for
        `keras_inception.open_classifier`; the names of the classes may be a list.
    trust: as for `keras_inception.open_classifier`.
    io: the type of an integer file's input and output: "uint8" (the default: raw pixels), "int8"
        or "float32".
    logits: end before the softmax.
    allow_float: keep an integer file although it has float operators.
    float_lrn: leave local response normalization to TFLite's own operator, slow and in float.
    said: what the file is to say of itself, as on the command line: `name`, `description`,
        `author`, `license`, `version`, `labels` (files of one name per line, those of other locales
        called labels_de.txt) and MediaPipe's `threshold`.

    How close the file is to the model on the calibration images is said at the end, and stands in
    its `.json`: where the first class is another on more than 2 % of them, as a warning. Raises
    BadInput if the file of an integer scheme is not integer throughout, or is not the network that
    was given.

    >>> from keras_inception.tflite import export
    >>> export("runs/hands", scheme="int8").path  # doctest: +SKIP
    PosixPath('runs/hands/googlenet_int8.tflite')
    """
    io_type = io_type_for(scheme, io)
    source = open_source(
        subject,
        images=images,
        out=out,
        classes=classes,
        preprocessing=preprocessing,
        image_size=image_size,
        kind=kind,
        head=head,
        trust=trust,
    )
    calibrated = scheme_named(scheme).calibrated
    if calibrated and not source.calibrated:
        raise BadInput(
            f"{scheme} takes its ranges from photographs: name a folder of them with --images, a "
            "hundred or more of the kind that will be classified"
        )
    if io_type != "float32":
        source = source.on_whole_pixels
    file = _File(source, scheme, scheme, io_type, logits, allow_float or float_lrn, said)
    network = source.network
    if calibrated and not float_lrn:
        network = in_integers(network, source.images)
    ranges = file.ranges(network) if calibrated else {}
    graph = file.made(network, ranges)
    file.require(graph, network, ranges)
    details = {"calibration": _provenance(source)} if calibrated else {}
    if source.calibrated:
        close = file.closeness(graph)
        close.say()
        details["closeness"] = asdict(close)
    return file.write(graph, details)


def quantize(
    subject: Any,
    *,
    data: str | None = None,
    classes: str | Path | Sequence[str] | None = None,
    classes_map: Map = None,
    accept: bool = False,
    preprocessing: str | Preprocessing | None = None,
    image_size: int | None = None,
    kind: str | None = None,
    head: str | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    engine: str = "tfmot",
    io: str | None = None,
    logits: bool = False,
    allow_float: bool = False,
    out: str | Path | None = None,
    trust: bool = False,
    **said: Unpack[Said],
) -> Exported:
    """Fine-tune a network under fake quantization and convert it to an INT8 `.tflite`.

    subject: a run folder; or a Keras 3 model or a `.keras` file, whose file goes to `out`.
    data: the images to fine-tune a Keras model on, a source as for training.
    classes, preprocessing, image_size, kind, head, trust: for a Keras model, as for
        `keras_inception.open_classifier`; labels and numbers take `csv:FILE` as data, a table with
        a column for each.
    classes_map: which of its classes are those of the images that are called otherwise, as for
        `keras_inception.evaluate`.
    accept: go on with a model that knows the images' classes no better than chance.
    epochs: None means a tenth of the recipe's, at least one.
    learning_rate: None means a hundredth of the recipe's.
    engine: "tfmot" (tensorflow-model-optimization, in float32), or "keras", which trains in the
        recipe's precision.
    io, logits, allow_float, said: as for `export`.

    The file is the best, on the validation images, of those after each epoch, the post-training one
    among them: of classes by top-1 and then the loss, of labels by their mean average precision, of
    numbers by their mean absolute error. The figures "float" and "int8" are of the test images.
    Raises BadInput if a network from elsewhere knows what is right no better than chance, if the
    quantized network is not the trained one, the file is not integer throughout, or an operator of
    it computes something else than its layer; outputs that depart from the fake-quantized model's
    are warned of.

    >>> from keras_inception.tflite import quantize
    >>> quantize("runs/hands").figures["float"]["top1"]  # doctest: +SKIP
    0.9903
    """
    io_type = io_type_for("int8", io)
    chosen = engine_named(engine)
    source = open_source(
        subject,
        out=out,
        classes=classes,
        classes_map=classes_map,
        preprocessing=preprocessing,
        image_size=image_size,
        data=data,
        kind=kind,
        head=head,
        trust=trust,
    )
    recipe, split = source.recipe, source.split
    if recipe is None or split is None:
        raise BadInput(f"say with --data which images {subject} is to be fine-tuned on")
    epochs = max(1, round(recipe.epochs / 10)) if epochs is None else epochs
    rate = recipe.learning_rate / 100 if learning_rate is None else learning_rate
    if epochs < 0 or rate <= 0:
        raise BadInput(f"epochs must be at least 0 and the rate above 0; got {epochs} and {rate}")
    if not accept:
        source.require_better_than_chance()
    if io_type != "float32":
        source = source.on_whole_pixels
    file = _File(source, "int8_qat", "int8", io_type, logits, allow_float, said)
    network, expected = in_integers(source.network, source.images), source.preprocessing
    quantized = chosen(network, source.images, expected.range)

    def make() -> tuple[Graph, str]:
        trained, ranges = quantized.trained(), quantized.ranges()
        graph, fault = file.made(trained, ranges), ""
        try:
            file.require(graph, trained, ranges)
        except BadInput as error:
            fault = str(error)
        return graph, fault

    candidates = Candidates(source, quantized, make)
    candidates.consider(0)
    if epochs:
        # Epochs are counted on from the run's own, so that the crops are new ones.
        batches = TrainingBatches(split.train, recipe.with_hard_labels, expected, recipe.epochs)
        policy = precision.resolve(recipe.precision) if chosen.MIXED else "float32"
        chosen.KERAS.utils.set_random_seed(recipe.seed)
        given = source.classifier.kind
        quantized.fine_tune(batches, epochs, rate, candidates.consider, policy, given)
    graph, measured = candidates.best()
    tuning = {"engine": engine, "epochs": epochs, "learning_rate": rate}
    details = {"calibration": _provenance(source), "quantization_aware_training": tuning}
    return file.write(graph, details | measured)


@dataclass
class _File:
    """A file of `source` to be made: of the number format `scheme`, called by its `kind`."""

    source: Source
    kind: str
    scheme: str
    io_type: str
    logits: bool
    allow_float: bool
    said: Said

    def __post_init__(self):
        """Raises BadInput, before any work, for what does not fit into what is `said`."""
        source, classes = self.source, self.source.classes
        kind, (outputs,) = source.classifier.kind, source.network.output_shape
        if self.logits and kind.ends == "linear":
            raise BadInput(f"{source.name} gives {kind.name}: it has no softmax to end before")
        self.metadata = Metadata(
            source.name,
            f"{outputs} {kind.name} of images, {self.kind}",
            preprocessing=source.preprocessing.caller,
            labels=distinct(classes),
            kind=kind.name,
        ).saying(**self.said)
        self.metadata.check(outputs)
        if reordered(self.metadata.labels, classes):
            raise BadInput(
                f"--labels names the classes of {source.name} in another order than its outputs: "
                f"{listed(classes)}; give them in this order, or leave them out"
            )

    def ranges(self, network: PlainNetwork) -> Ranges:
        """The ranges of the network's tensors on the calibration images."""
        if self.scheme == "int16x8":  # It has bits enough for whatever there is.
            network = network.without_ranges()
        source = self.source
        return calibrated_ranges(network, source.images, source.preprocessing.range)

    def made(self, network: PlainNetwork, ranges: Ranges) -> Graph:
        """The file of `network` as it ships, metadata and all."""
        source = self.source
        wide = self.scheme == "int16x8"
        graph = convert(
            network,
            self.scheme,
            source.preprocessing,
            self.io_type,
            pixels=source.calibration if wide else None,
            logits=self.logits,
            ranges=None if wide else ranges,
        )
        return embed(graph, self.metadata)

    def require(self, graph: Graph, network: PlainNetwork, ranges: Ranges) -> None:
        """Raise BadInput unless the file passes what files of its format must."""
        images, expected = self.source.calibration, self.source.preprocessing
        if scheme_named(self.scheme).calibrated:
            checks.require(graph, network, images, expected, ranges, self.allow_float)
        elif self.scheme == "float32":
            checks.require_operators(graph, network, images, expected)

    def closeness(self, graph: Graph) -> Closeness:
        """How far the file is from the float model on the calibration images."""
        source = self.source
        expected = source.classifier.of_pixels(source.calibration)
        given = source.preprocessing.caller(source.calibration)
        kind = source.classifier.kind
        return closeness(File(graph).probabilities(given, kind), expected, kind)

    def write(self, graph: Graph, details: dict) -> Exported:
        """The file and, beside it, its labels and a JSON that says what goes in and out, and
        whence."""
        path = self.source.folder / f"{self.source.name}_{self.kind}.tflite"
        data = asdict(self.source.data) if self.source.data else {}
        figures = {"io_type": self.io_type, "data": data, **details}
        save(path, graph.content, self.metadata, figures)
        log.info("%s: %d bytes", path, path.stat().st_size)
        return Exported(path, figures)


def _provenance(source: Source) -> dict:
    images = np.ascontiguousarray(source.calibration)
    return {"images": len(images), "sha256": sha256(images.tobytes()).hexdigest()}
