"""Keras' HDF5 files, read in a process of their own.

HDF5's library crashes on some damaged files and never comes back from others; that must end in a
sentence, and not take along the process that asked. What comes back are NumPy's arrays: no byte
that a stranger wrote is given to HDF5 here.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from ... import children
from ...errors import BadInput
from . import keras_h5_layouts
from .numpy_arrays import INFLATION, MOST

# Seconds of computing for starting, and bytes a second for reading: ten times what a slow machine
# needs; and how much longer the clock on the wall may run, where others compute too.
START, SPEED, BUSY = 10, 10e6, 10
#: What a process has for a status that the system ended for that: -SIGXCPU, on all of them.
_COMPUTED_TOO_LONG = -24
# Keras numbers the layers nobody named through a whole session: only their order means anything.
NUMBERED = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")


def read(path: Path, within: Path | None = None) -> dict[str, np.ndarray]:
    """`layer/variable` -> array, layers in the file's order; `model/layer/variable` in a model
    within the model.

    Keras 3's `save_weights` keeps numbers in place of variable names: `layer/0`, `layer/1`, …
    Layers that Keras numbered itself are called by their order of creation: `conv2d:0`.
    within: as for `copy`. Raises BadInput if the file is in neither layout, damaged, or its
    weights are not in it.
    """
    with _asked("layers", path, within or path) as archive:
        return dict(zip(by_order(archive.files), archive.values(), strict=True))


def read_model(path: Path) -> tuple[bytes, dict[str, np.ndarray]]:
    """The config of the model that the file holds, as JSON, and `layer/variable` -> array, under
    the names that it has for them.

    Raises BadInput as `read` does, and if the file holds weights alone.
    """
    with _asked("model", path, path) as archive:
        arrays = dict(archive)
    config = arrays.pop(keras_h5_layouts.CONFIG).tobytes()
    if not config:
        raise BadInput("it holds weights and no model; build the model, and load them into it")
    return config, arrays


def read_paths(path: Path, within: Path) -> dict[str, np.ndarray]:
    """All arrays in `path` by where they lie. Raises BadInput as `copy` does."""
    with _asked("paths", path, within) as archive:
        return dict(archive)


def by_order(keys: list[str]) -> list[str]:
    """`layer/variable` of layers that Keras numbered by their order: `conv2d_7/kernel`,
    `conv2d_12/kernel` become `conv2d:0/kernel`, `conv2d:1/kernel`; within a model in it, too."""
    kinds: dict[tuple[str, str], list[tuple[int, str]]] = {}
    layers = dict.fromkeys(key.rpartition("/")[0] for key in keys)
    for layer in layers:
        within, _, name = layer.rpartition("/")
        if match := NUMBERED.fullmatch(name):
            kinds.setdefault((within, match[1]), []).append((int(match[2] or 0), layer))
    names = {layer: layer for layer in layers}
    for (within, kind), found in kinds.items():
        inside = f"{within}/" if within else ""
        names |= {layer: f"{inside}{kind}:{i}" for i, (_, layer) in enumerate(sorted(found))}
    return [f"{names[layer]}/{name}" for layer, _, name in (key.rpartition("/") for key in keys)]


def copy(path: Path, target: Path, within: Path) -> int:
    """Write an HDF5 file `target` of all arrays in `path`; the number of their numbers.

    within: the file that somebody gave, which `path` is or was packed in: it bounds their size.
    Raises BadInput if the file is damaged, or if it holds anything but groups and numbers.
    """
    held = 0
    with _asked("paths", path, within) as archive, h5py.File(target, "w") as file:
        for name in archive.files:
            array = archive[name]
            file[name] = array
            held += array.size
    return held


@contextmanager
def _asked(key: str, path: Path, within: Path) -> Iterator[np.lib.npyio.NpzFile]:
    """The arrays of the file by `key`, as `keras_h5_layouts` says, each read when it is used."""
    given = within.stat().st_size
    seconds = round(START + path.stat().st_size / SPEED)
    module = f"{__package__}.keras_h5_layouts"
    asked = [*children.command(module), key, str(given), str(seconds)]
    # Twice, as bfloat16 is widened; and the heads that NumPy and the archive write.
    most = 2 * INFLATION * given + 1000 * MOST
    with tempfile.TemporaryFile() as out:
        try:
            with open(path, "rb") as file:
                status, words = children.answer(asked, file, out, BUSY * seconds, most)
        except children.Late:
            status = _COMPUTED_TOO_LONG
        if status == _COMPUTED_TOO_LONG:
            raise BadInput("HDF5 comes to no end with it; get the file again")
        if status == keras_h5_layouts.NAMELESS:
            raise keras_h5_layouts.Nameless(words)
        if status:
            # A crash has no last words.
            raise BadInput(words if status == 1 and words else "HDF5 crashes on it; get it again")
        out.seek(0)
        with np.load(out) as archive:
            yield archive
