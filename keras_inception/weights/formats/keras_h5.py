"""Keras' HDF5 files, read in a process of their own.

HDF5's library crashes on some damaged files and never comes back from others; that must end in a
sentence, and not take along the process that asked. What comes back are NumPy's arrays: no byte
that a stranger wrote is given to HDF5 here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from ... import children
from ...errors import BadInput
from .numpy_arrays import INFLATION, MOST

# Seconds for starting, and bytes a second for reading: ten times what a slow machine needs.
START, SPEED = 10, 10e6


def read(path: Path) -> dict[str, np.ndarray]:
    """`layer/variable` -> array, layers in the file's order.

    Keras 3's `save_weights` keeps numbers in place of variable names: `layer/0`, `layer/1`, …
    Layers that Keras numbered itself are called by their order of creation: `conv2d:0`.
    Raises BadInput if the file is in neither layout, damaged, or its weights are not in it.
    """
    with _asked("layers", path, path) as archive:
        return dict(archive)


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
    asked = [*children.command(f"{__package__}.keras_h5_layouts"), key, str(given)]
    # Twice, as bfloat16 is widened; and the heads that NumPy and the archive write.
    most = 2 * INFLATION * given + 1000 * MOST
    with tempfile.TemporaryFile() as out:
        try:
            with open(path, "rb") as file:
                seconds = START + path.stat().st_size / SPEED
                status, words = children.answer(asked, file, out, seconds, most)
        except children.Late as error:
            raise BadInput("HDF5 comes to no end with it; get the file again") from error
        if status:
            # A crash has no last words.
            raise BadInput(words if status == 1 and words else "HDF5 crashes on it; get it again")
        out.seek(0)
        with np.load(out) as archive:
            yield archive
