"""NumPy archives, `.npz`: arrays only, nothing pickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import BadInput
from .bounds import require_plausible


def read(path: Path) -> dict[str, np.ndarray]:
    """Every array under its name. Raises BadInput if a member is no plain array."""
    arrays = {}
    with np.load(path, allow_pickle=False) as archive:
        require_plausible(path, sum(member.file_size for member in archive.zip.infolist()))
        for name in archive.files:
            try:
                arrays[name] = archive[name]
            except ValueError as error:
                raise BadInput(
                    f"its member {name} is no plain array ({error}); save numbers with np.savez"
                ) from error
            if not isinstance(arrays[name], np.ndarray):
                raise BadInput(f"its member {name} is no array; np.savez writes arrays only")
    return arrays
