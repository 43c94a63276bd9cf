"""From a trained network to `.tflite` files: `export` converts, `quantize` fine-tunes first."""

from __future__ import annotations

import logging
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np
import tf_keras

from keras_inception.errors import BadInput
from keras_inception.files import write_bytes, write_json
from keras_inception.training import precision, run_folder
from keras_inception.training.batches import TrainingBatches, pixels

from . import lrn
from .agreement import agreement
from .audit import audit
from .convert import IO_TYPES, SCHEMES, convert, left_to_the_user
from .engines import engine as engine_named
from .engines.fake_quant import fake_quantization_off
from .interpreter import File
from .ranges import ALLOWED, ALLOWED_AFTER_TRAINING, require_input, require_ranges
from .source import Source, of_run, open_source
from .twin import twin

log = logging.getLogger(__name__)


def _check_io(io_type: str) -> None:
    if io_type not in IO_TYPES:
        raise BadInput(f"io must be one of {', '.join(IO_TYPES)}; got {io_type!r}")


def _model(source: Source, float_lrn: bool, keras=tf_keras):
    """The network in `keras`, its local response normalization in integers unless `float_lrn`."""
    images = source.preprocessing(source.calibration)
    model = twin(source.network, source.model, images) if keras is tf_keras else source.model
    return model if float_lrn else lrn.in_integers(model, images)


def export(
    subject: str | Path,
    scheme: str,
    io_type: str = "uint8",
    allow_float: bool = False,
    float_lrn: bool = False,
    images: str | Path | None = None,
    out: str | Path | None = None,
) -> Path:
    """Convert a trained network, without training further; returns the file.

    `subject` is a run folder, or published weights (a tag or a file), whose file goes to the
    folder `out`. `scheme` is a name in SCHEMES. For int8 only: `io_type` is the type of input and
    output, `images` the folder of photographs that published weights are calibrated on, and
    `float_lrn` leaves local response normalization to TFLite's own operator, slow and in float.
    Raises BadInput if an int8 file is not integer throughout, unless `allow_float`.
    """
    if scheme not in SCHEMES:
        raise BadInput(f"scheme must be one of {', '.join(SCHEMES)}; got {scheme!r}")
    _check_io(io_type)
    source = open_source(subject, images, out)
    if scheme != "int8":
        content = convert(_model(source, float_lrn=True), scheme, source.preprocessing)
        return _write(source, scheme, content, "float32", {})
    if not source.calibrated:
        raise BadInput(
            "int8 takes its ranges from photographs: name a folder of them with --images, a "
            "hundred or more of the kind that will be classified"
        )
    model = _model(source, float_lrn)
    content = convert(model, "int8", source.preprocessing, io_type, source.calibration)
    _require_integer(content, allow_float or float_lrn)
    _require_contract(content, model, source, ALLOWED)
    return _write(source, "int8", content, io_type, {"calibration": _provenance(source)})


def quantize(
    folder: str | Path,
    epochs: int | None = None,
    learning_rate: float | None = None,
    io_type: str = "uint8",
    allow_float: bool = False,
    engine: str = "tfmot",
) -> Path:
    """Fine-tune a run's network under fake quantization and convert it; returns the file.

    By default a tenth of the run's epochs (at least one) from a hundredth of its learning rate.
    `engine` is a name in ENGINES; "keras" trains in the run's precision, "tfmot" in float32.
    Raises BadInput if the quantized network is not the trained one, the file is not integer
    throughout (unless `allow_float`), or its outputs depart from the fake-quantized model's.
    """
    _check_io(io_type)
    chosen = engine_named(engine)
    run = run_folder.trained(folder)
    epochs = max(1, round(run.recipe.epochs / 10)) if epochs is None else epochs
    rate = run.recipe.learning_rate / 100 if learning_rate is None else learning_rate
    if epochs < 0 or rate <= 0:
        raise BadInput(f"epochs must be at least 0 and the rate above 0; got {epochs} and {rate}")
    split = run.split()
    source = of_run(run, split)
    expected = source.preprocessing
    quantized = chosen.quantize(
        _model(source, False, chosen.KERAS), expected(source.calibration), expected.range
    )
    if epochs:
        # Epochs are counted on from the run's own, so that the crops are new ones.
        recipe = run.recipe.with_hard_labels
        batches = TrainingBatches(split.train, recipe, expected, recipe.epochs)
        policy = precision.resolve(recipe.precision) if chosen.KERAS is not tf_keras else "float32"
        chosen.fine_tune(quantized, batches, epochs, rate, precision=policy)
    content = convert(quantized, "int8", expected, io_type)
    _require_integer(content, allow_float)
    with chosen.fake_quantization_off():
        _require_contract(content, quantized, source, ALLOWED_AFTER_TRAINING)
    details = {
        "calibration": _provenance(source),
        "quantization_aware_training": {"engine": engine, "epochs": epochs, "learning_rate": rate},
    }
    held_out = pixels(split.test.balanced(500, 0), run.recipe.image_size, expected)
    agrees = agreement(content, quantized, held_out, expected)
    log.info("%s", agrees)
    if not agrees.holds:
        raise BadInput(f"the file departs from the model it came from: {agrees}; it was not kept")
    details["agreement"] = asdict(agrees)
    return _write(source, "int8_qat", content, io_type, details)


def _require_integer(content: bytes, allow_float: bool) -> None:
    found = audit(content)
    if found.integer or allow_float:
        log.info("audit: %s", found)
    else:
        raise BadInput(
            f"the file is not integer throughout: {found}; "
            "change what is in float, or pass --allow-float to keep the file all the same"
        )


def _require_contract(content: bytes, model, source: Source, allowed: float) -> None:
    """Raise BadInput unless the file's ranges are those of `model`, which computes in float, and
    its input's that of the preprocessing."""
    require_input(File(content), source.preprocessing)
    with fake_quantization_off():
        floats = convert(model, "float32", source.preprocessing)
    require_ranges(content, floats, source.calibration, source.preprocessing, allowed)


def _provenance(source: Source) -> dict:
    images = np.ascontiguousarray(source.calibration)
    return {"images": len(images), "sha256": sha256(images.tobytes()).hexdigest()}


def _write(source: Source, kind: str, content: bytes, io_type: str, details: dict) -> Path:
    """The file and, beside it, a JSON that says what goes in, what comes out, and whence."""
    path = source.folder / f"{source.name}_{kind}.tflite"
    write_bytes(path, content)
    write_json(
        path.with_suffix(".json"),
        {
            "classes": source.classes,
            "preprocessing": asdict(left_to_the_user(source.preprocessing)),
            "io_type": io_type,
            "sha256": sha256(content).hexdigest(),
            "data": source.data,
            **details,
        },
    )
    log.info("%s: %d bytes", path, len(content))
    return path
