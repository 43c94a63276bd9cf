"""NumPy's archives, `.npz`, and what the other formats need to make arrays of their bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import BadInput

#: How much a file may unfold: weights hardly compress, so much from a small file is a trap.
INFLATION = 100
#: Arrays, and groups of them, in a file: a large network has some thousands.
MOST = 100_000


def read(path: Path) -> dict[str, np.ndarray]:
    """Every array under its name; nothing pickled."""
    with np.load(path, allow_pickle=False) as archive:
        unfolded = sum(member.file_size for member in archive.zip.infolist())
        require_plausible(path.stat().st_size, unfolded)
        return dict(archive)


def require_plausible(given: int, size: int) -> None:
    """Raises BadInput if `size` bytes of arrays are more than a file of `given` bytes can mean."""
    if size > INFLATION * given:
        raise BadInput(
            f"it unfolds to {size} bytes, more than {INFLATION} times its own size; "
            "get it from where it was published"
        )


def widened(halves: np.ndarray) -> np.ndarray:
    """float32 of the same shape and value, from bfloat16, which NumPy lacks, held as uint16."""
    return np.left_shift(halves.astype(np.uint32), 16).view(np.float32)
