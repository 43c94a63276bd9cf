"""What a file may unfold to: weights hardly compress, so much from a small file is a trap."""

from __future__ import annotations

from pathlib import Path

from ...errors import BadInput

INFLATION = 100


def require_plausible(path: Path, size: int) -> None:
    """Raises BadInput if `size` bytes of arrays are more than a file like `path` can mean."""
    if size > INFLATION * path.stat().st_size:
        raise BadInput(
            f"it unfolds to {size} bytes, more than {INFLATION} times its own size; "
            "get it from where it was published"
        )
