"""The training state after every epoch: whole or not there, and never the only copy."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from keras_inception.builder import MAIN
from keras_inception.errors import BadInput
from keras_inception.files import replacing

from ..tensorboard.gradient_norms import GradientNorms
from .run_folder import Run

log = logging.getLogger(__name__)

NEWEST = 2
_DIGEST = hashlib.sha256().digest_size


@dataclass
class Progress:
    """The finished epochs: the rows of `log.csv`, and the seconds spent in earlier sittings."""

    rows: list[dict] = field(default_factory=list)
    before: float = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def epochs(self) -> int:
        return len(self.rows)

    @property
    def seconds(self) -> float:
        """Those of this sitting and of the earlier ones, as far as their epochs were kept."""
        return self.before + time.monotonic() - self.began

    def with_epoch(self, epoch: int, logs: dict[str, float]) -> list[dict]:
        """The rows with one more, training's values before validation's, as Keras' own CSV log
        has them."""
        keys = sorted(logs, key=lambda k: (k.startswith("val_"), k))
        return [*self.rows, {"epoch": epoch, **{key: float(logs[key]) for key in keys}}]


def path_of(folder: Path, epochs: int) -> Path:
    """The state in which `epochs` epochs are finished."""
    return folder / f"epoch-{epochs:04d}.npz"


class Checkpoint(keras.callbacks.Callback):
    """The whole training state after every epoch; the newest ones and the best one are kept.

    Weights, moving averages, optimizer and random-generator states, in the order in which Keras
    lists them: a `.keras` file would leave the generators out. The rows of the log are part of
    it, so that the log can be no epoch ahead or behind. The last 32 bytes are the SHA-256 of
    those before them. The best is by the main output's accuracy on the validation images.
    """

    def __init__(self, run: Run, progress: Progress):
        super().__init__()
        self.run, self.progress = run, progress

    def on_epoch_end(self, epoch, logs=None):
        rows = self.progress.with_epoch(epoch, logs)
        progress = json.dumps({"rows": rows, "before": self.progress.seconds})
        arrays = {str(i): np.array(v.numpy()) for i, v in enumerate(_state(self.model))}
        path = path_of(self.run.checkpoints, len(rows))
        with replacing(path) as temporary:
            np.savez(temporary, progress=np.array(progress), **arrays)
            with open(temporary, "rb+") as file:
                file.write(hashlib.file_digest(file, "sha256").digest())
        self.progress.rows = rows
        self.run.write_log(rows)
        accuracies = [row.get(f"val_{MAIN}_accuracy", row.get("val_accuracy")) for row in rows]
        best = accuracies.index(max(accuracies)) + 1
        kept = {best, *range(len(rows) - NEWEST + 1, len(rows) + 1)}
        for old in _all(self.run.checkpoints) - {path_of(path.parent, n) for n in kept}:
            old.unlink()


class Following(keras.callbacks.Callback):
    """In the place of Board and Checkpoint in a process that writes nothing: the same log, and the
    same assignments in the same order, whose values JAX compares between processes."""

    def __init__(self, norms: GradientNorms, progress: Progress):
        super().__init__()
        self.norms, self.progress = norms, progress

    def on_epoch_end(self, epoch, logs=None):
        self.norms.take()
        self.progress.rows = self.progress.with_epoch(epoch, logs)


def newest(folder: Path) -> bytes:
    """The newest whole state in `folder`; nothing if there is none at all.

    Damaged ones are named in a warning. Raises BadInput if none is whole.
    """
    if not _all(folder):
        return b""
    for path in sorted(_all(folder), key=lambda path: (len(path.name), path.name), reverse=True):
        content = memoryview(path.read_bytes())
        if hashlib.sha256(content[:-_DIGEST]).digest() == content[-_DIGEST:]:
            return bytes(content[:-_DIGEST])
        log.warning("%s is damaged; going on from the checkpoint before it", path)
    raise BadInput(
        f"none of the checkpoints in {folder} is whole; restore one from a copy, or remove "
        "the folder to train from the start"
    )


def restore(model, state: bytes) -> Progress:
    """Put what `newest` gave into a freshly compiled `model`."""
    with np.load(io.BytesIO(state)) as arrays:
        values = [arrays[str(i)] for i in range(len(arrays.files) - 1)]
        progress = Progress(**json.loads(str(arrays["progress"])))
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(_state(model), values, strict=True):
        variable.assign(value)
    return progress


def _all(folder: Path) -> set[Path]:
    return set(folder.glob("epoch-*.npz"))


def _state(model) -> list:
    return model.variables + model.optimizer.variables
