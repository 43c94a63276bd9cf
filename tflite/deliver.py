"""From a run folder to `.tflite` files: `export` converts, `quantize` fine-tunes first."""

from __future__ import annotations

import logging
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np

from keras_inception import load_model
from keras_inception.errors import BadInput
from keras_inception.files import write_bytes, write_json
from keras_inception.training import data
from keras_inception.training.batches import TrainingBatches, pixels
from keras_inception.training.run_folder import Run, trained

from . import qat
from .agreement import agreement
from .audit import audit
from .convert import IO_TYPES, SCHEMES, convert
from .twin import twin

log = logging.getLogger(__name__)

CALIBRATION_IMAGES = 200


def _calibration(run: Run, split: data.Split) -> np.ndarray:
    """Clean, class-balanced training images, preprocessed as for evaluation; seeded."""
    chosen = split.train.balanced(CALIBRATION_IMAGES, run.recipe.seed)
    return run.preprocessing(pixels(chosen, run.recipe.image_size))


def _split(run: Run) -> data.Split:
    split = run.split()
    if split.train.fingerprint != run.data["fingerprint"]:
        log.warning("the images of %s have changed since the run was trained", run.recipe.data)
    return split


def _twin(run: Run, images: np.ndarray):
    return twin(run.network, load_model(run.model, compile=False), images)


def _check_io(io_type: str) -> None:
    if io_type not in IO_TYPES:
        raise BadInput(f"io must be one of {', '.join(IO_TYPES)}; got {io_type!r}")


def export(
    folder: str | Path, scheme: str, io_type: str = "uint8", allow_float: bool = False
) -> Path:
    """Convert the trained network of a run, without training further; returns the file.

    `scheme` is a name in SCHEMES; `io_type`, for int8 only, the type of input and output.
    Raises BadInput if an int8 file is not integer throughout, unless `allow_float`.
    """
    if scheme not in SCHEMES:
        raise BadInput(f"scheme must be one of {', '.join(SCHEMES)}; got {scheme!r}")
    _check_io(io_type)
    run = trained(folder)
    images = _calibration(run, _split(run))
    model = _twin(run, images)
    if scheme != "int8":
        return _write(run, scheme, convert(model, scheme), "float32", {})
    content = convert(model, scheme, io_type, images, run.preprocessing.range)
    _require_integer(content, allow_float)
    details = {"calibration": _provenance(images)}
    return _write(run, "int8", content, io_type, details)


def quantize(
    folder: str | Path,
    epochs: int | None = None,
    learning_rate: float | None = None,
    io_type: str = "uint8",
    allow_float: bool = False,
) -> Path:
    """Fine-tune a run's network under fake quantization and convert it; returns the file.

    By default a tenth of the run's epochs (at least one) from a hundredth of its learning rate.
    Raises BadInput if the quantized network is not the trained one, the file is not integer
    throughout (unless `allow_float`), or its outputs depart from the fake-quantized model's.
    """
    _check_io(io_type)
    run = trained(folder)
    epochs = max(1, round(run.recipe.epochs / 10)) if epochs is None else epochs
    rate = run.recipe.learning_rate / 100 if learning_rate is None else learning_rate
    if epochs < 0 or rate <= 0:
        raise BadInput(f"epochs must be at least 0 and the rate above 0; got {epochs} and {rate}")
    split = _split(run)
    images = _calibration(run, split)
    quantized = qat.quantize(_twin(run, images), images, run.preprocessing.range)
    if epochs:
        # Epochs are counted on from the run's own, so that the crops are new ones.
        batches = TrainingBatches(split.train, run.recipe, run.preprocessing, run.recipe.epochs)
        qat.fine_tune(quantized, batches, epochs, rate)
    content = convert(quantized, "int8", io_type)
    _require_integer(content, allow_float)
    details = {
        "calibration": _provenance(images),
        "quantization_aware_training": {"epochs": epochs, "learning_rate": rate},
    }
    check = run.preprocessing(pixels(split.test.balanced(500, 0), run.recipe.image_size))
    agrees = agreement(content, quantized, check)
    log.info("%s", agrees)
    if not agrees.holds:
        raise BadInput(f"the file departs from the model it came from: {agrees}; it was not kept")
    details["agreement"] = asdict(agrees)
    return _write(run, "int8_qat", content, io_type, details)


def _require_integer(content: bytes, allow_float: bool) -> None:
    found = audit(content)
    if found.integer or allow_float:
        log.info("audit: %s", found)
    else:
        raise BadInput(
            f"the file is not integer throughout: {found}; "
            "change what is in float, or pass --allow-float to keep the file all the same"
        )


def _provenance(images: np.ndarray) -> dict:
    return {"images": len(images), "sha256": sha256(images.tobytes()).hexdigest()}


def _write(run: Run, kind: str, content: bytes, io_type: str, details: dict) -> Path:
    """The file and, beside it, a JSON that says what goes in, what comes out, and whence."""
    path = run.folder / f"{run.network.name}_{kind}.tflite"
    write_bytes(path, content)
    write_json(
        path.with_suffix(".json"),
        {
            "classes": run.classes,
            "preprocessing": asdict(run.preprocessing),
            "io_type": io_type,
            "sha256": sha256(content).hexdigest(),
            "data": {
                "source": run.recipe.data,
                "holdout": run.recipe.holdout,
                "seed": run.recipe.seed,
            },
            **details,
        },
    )
    log.info("%s: %d bytes", path, len(content))
    return path
