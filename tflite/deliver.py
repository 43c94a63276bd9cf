"""From a trained network to `.tflite` files: `export` converts, `quantize` fine-tunes first."""

from __future__ import annotations

import logging
from hashlib import sha256
from pathlib import Path

import numpy as np
import tf_keras

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.training import precision
from keras_inception.training.batches import TrainingBatches

from . import gates
from .contest import Contest
from .conversion.convert import convert, left_to_the_user
from .conversion.stem import faster_stem
from .engines import engine as engine_named
from .gates.ranges import ALLOWED, ALLOWED_AFTER_TRAINING
from .metadata import Metadata, labels
from .metadata.saving import save
from .model import lrn
from .model.twin import twin
from .schemes import io_type_for, scheme_named
from .source import Source, open_source

log = logging.getLogger(__name__)


def _model(source: Source, float_lrn: bool, keras=tf_keras, bounded: bool = False):
    """The network in `keras`, its local response normalization in integers unless `float_lrn`, and
    `bounded` where it is not to be fake-quantized."""
    images = source.preprocessing(source.calibration)
    model = twin(source.model, images) if keras is tf_keras else source.model
    return model if float_lrn else lrn.in_integers(model, images, bounded)


def export(
    subject: str | Path | Source,
    scheme: str,
    io_type: str | None = None,
    allow_float: bool = False,
    float_lrn: bool = False,
    images: str | Path | None = None,
    out: str | Path | None = None,
    classes: str | Path | None = None,
    preprocessing: str | Preprocessing | None = None,
    logits: bool = False,
) -> Path:
    """Convert a trained network, without training further; returns the file.

    `subject` is a run folder, or published weights (a tag or a file) or any `.keras` file, whose
    file goes to the folder `out`, or a Source. `classes` and `preprocessing` belong to a `.keras`
    file, as `open_source` says. `scheme` is a name in SCHEMES, and `io_type` one of its types of
    input and output. With `logits` the file ends before the softmax. For calibrated schemes only:
    `images` is the folder of photographs to calibrate on, and `float_lrn` leaves local response
    normalization to TFLite's own operator, slow and in float.
    Raises BadInput if a file of a calibrated scheme is not integer throughout, unless
    `allow_float`, or does not pass the other `gates`.
    """
    io_type = io_type_for(scheme, io_type)
    source = open_source(subject, images, out, classes, preprocessing)
    expected = source.preprocessing
    if not scheme_named(scheme).calibrated:
        content = convert(_model(source, float_lrn=True), scheme, expected, logits=logits)
        return _write(source, scheme, content, io_type, {})
    if not source.calibrated:
        raise BadInput(
            f"{scheme} takes its ranges from photographs: name a folder of them with --images, a "
            "hundred or more of the kind that will be classified"
        )
    model = _model(source, float_lrn, bounded=True)
    content = convert(model, scheme, expected, io_type, source.calibration, logits)
    gates.require(content, model, source.calibration, expected, allow_float or float_lrn, ALLOWED)
    return _write(source, scheme, content, io_type, {"calibration": _provenance(source)})


def quantize(
    subject: str | Path | Source,
    epochs: int | None = None,
    learning_rate: float | None = None,
    io_type: str | None = None,
    allow_float: bool = False,
    data: str | None = None,
    preprocessing: str | Preprocessing | None = None,
    out: str | Path | None = None,
    engine: str = "tfmot",
    logits: bool = False,
) -> Path:
    """Fine-tune a network under fake quantization and convert it; returns the file.

    `subject` is a run folder, or any `.keras` file with `data`, `preprocessing` and `out` as
    `open_source` says, or a Source. By default a tenth of the recipe's epochs (at least one) from
    a hundredth of its learning rate. `engine` is a name in ENGINES; "keras" trains in the recipe's
    precision, "tfmot" in float32. The file is the most accurate of those after each epoch, the
    post-training one among them.
    Raises BadInput if the quantized network is not the trained one, the file is not integer
    throughout (unless `allow_float`), or its outputs depart from the fake-quantized model's.
    """
    io_type = io_type_for("int8", io_type)
    chosen = engine_named(engine)
    source = open_source(subject, out=out, preprocessing=preprocessing, data=data)
    recipe, split = source.recipe, source.split
    if recipe is None:
        raise BadInput(f"say with --data which images {subject} is to be fine-tuned on")
    epochs = max(1, round(recipe.epochs / 10)) if epochs is None else epochs
    rate = recipe.learning_rate / 100 if learning_rate is None else learning_rate
    if epochs < 0 or rate <= 0:
        raise BadInput(f"epochs must be at least 0 and the rate above 0; got {epochs} and {rate}")
    expected = source.preprocessing
    quantized = chosen.quantize(
        _model(source, False, chosen.KERAS), expected(source.calibration), expected.range
    )

    def make() -> bytes:
        content = convert(quantized, "int8", expected, io_type, logits=logits)
        with chosen.fake_quantization_off():
            gates.require(
                content,
                quantized,
                source.calibration,
                expected,
                allow_float,
                ALLOWED_AFTER_TRAINING,
            )
        return content

    contest = Contest(
        source,
        split.test,
        quantized,
        make,
        source.folder / "tensorboard",
        recipe.epochs,
    )
    contest.enter(0)
    if epochs:
        # Epochs are counted on from the run's own, so that the crops are new ones.
        batches = TrainingBatches(split.train, recipe.with_hard_labels, expected, recipe.epochs)
        policy = precision.resolve(recipe.precision) if chosen.KERAS is not tf_keras else "float32"
        chosen.KERAS.utils.set_random_seed(recipe.seed)
        chosen.fine_tune(quantized, batches, epochs, rate, contest.enter, policy)
    best, measured = contest.best()
    details = {
        "calibration": _provenance(source),
        "quantization_aware_training": {"engine": engine, "epochs": epochs, "learning_rate": rate},
        **measured,
    }
    return _write(source, "int8_qat", best.content, io_type, details)


def _provenance(source: Source) -> dict:
    images = np.ascontiguousarray(source.calibration)
    return {"images": len(images), "sha256": sha256(images.tobytes()).hexdigest()}


def _write(source: Source, kind: str, content: bytes, io_type: str, details: dict) -> Path:
    """The file and, beside it, its labels and a JSON that says what goes in and out, and whence."""
    path = source.folder / f"{source.name}_{kind}.tflite"
    said = Metadata(
        source.name,
        f"{len(source.classes)} classes of images, {kind}",
        preprocessing=left_to_the_user(source.preprocessing),
        labels=labels.distinct(source.classes),
    )
    save(path, faster_stem(content), said, {"io_type": io_type, "data": source.data, **details})
    log.info("%s: %d bytes", path, path.stat().st_size)
    return path
