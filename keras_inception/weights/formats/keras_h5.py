"""Keras' HDF5 files, read in a process of their own.

HDF5's library crashes on some damaged files and never comes back from others; that must end in a
sentence, and not take along the process that asked.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from ...children import command
from ...errors import BadInput

# Seconds for starting, and bytes a second for reading: ten times what a slow machine needs.
START, SPEED = 20, 10e6


def read(path: Path) -> dict[str, np.ndarray]:
    """`layer/variable` -> array, layers in the file's order.

    Keras 3's `save_weights` keeps numbers in place of variable names: `layer/0`, `layer/1`, …
    Layers that Keras numbered itself are called by their order of creation: `conv2d:0`.
    Raises BadInput if the file is in neither layout, damaged, or its weights are not in it.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "arrays.npz")
        try:
            done = subprocess.run(
                [*command(f"{__package__}.keras_h5_layouts"), str(path), str(out)],
                capture_output=True,
                text=True,
                timeout=START + path.stat().st_size / SPEED,
            )
        except subprocess.TimeoutExpired as error:
            raise BadInput("HDF5 comes to no end with it; get the file again") from error
        if done.returncode:
            # A crash has no last words.
            reason = done.stderr.strip().splitlines()[-1:] if done.returncode == 1 else []
            raise BadInput(*(reason or ["HDF5 crashes on it; get the file again"]))
        with np.load(out) as archive:
            return dict(archive)
