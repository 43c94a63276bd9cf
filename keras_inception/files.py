"""Writing files so that what existed is never lost: to a temporary name, then moved."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved onto it at the end of the block.

    Keeps the suffix, which Keras and TFLite read. If the block or the move fails (a full disk,
    say) the temporary file is removed and what stood at `path` is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: str | Path, value) -> None:
    write_bytes(path, (json.dumps(value, indent=2) + "\n").encode())


def sweep(path: str | Path) -> None:
    """Remove what killed processes left of writing `path`, whose name may be a pattern."""
    path = Path(path)
    for left in path.parent.glob(f".{path.stem}.*{path.suffix}"):
        left.unlink()
