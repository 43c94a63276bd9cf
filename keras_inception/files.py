"""Writing so that what existed is never lost: under another name, then moved.

What is not whole yet is called MARK and something. Where a process dies before the move, the next
that writes into the same folder removes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import locks
from .errors import BadInput

MARK = ".partial-"


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved onto it at the end of the block.

    Keeps the suffix, which Keras and NumPy read. If the block or the move fails (a full disk,
    say) the temporary file is removed and what stood at `path` is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    temporary = _unused(path.parent, path.suffix)
    try:
        # Whoever sweeps sees by the lock that this is not left over.
        with _held(temporary):
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: str | Path) -> Iterator[Path]:
    """A temporary folder that becomes `folder` at the end of the block, whole or not at all.

    Raises BadInput if `folder` has something in it, at the beginning or by then.
    """
    folder = Path(folder)
    require_empty(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder.parent)
    temporary = _unused(folder.parent)
    temporary.mkdir()
    try:
        with _held(temporary):
            yield temporary
            require_empty(folder)
            if os.name == "nt" and folder.exists():  # It moves nothing onto what is there.
                folder.rmdir()
            os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_empty(folder: str | Path) -> None:
    """Raises BadInput if there is something in `folder`, or if it is a file."""
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} has something in it; name a folder that does not exist yet")


def _unused(parent: Path, suffix: str = "") -> Path:
    # A suffix may be as long as a name can be: then nobody reads it.
    return parent / f"{MARK}{secrets.token_hex(8)}{suffix if len(os.fsencode(suffix)) < 32 else ''}"


@contextmanager
def _held(temporary: Path) -> Iterator[None]:
    if not locks.fcntl:  # Windows does not remove what is open, and its locks forbid writing.
        yield
    elif temporary.is_dir():
        number = os.open(temporary, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # Network file systems lock files only.
                locks.locked(number)
            yield
        finally:
            os.close(number)
    else:
        file = locks.acquired(temporary)
        assert file, "nobody else knows this name"
        with file:
            yield


def _sweep(folder: Path) -> None:
    """Remove what dead processes left in `folder`: nobody holds it."""
    for left in folder.glob(f"{MARK}*"):
        with contextlib.suppress(OSError):
            if not _is_held(left):
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def _is_held(left: Path) -> bool:
    if not locks.fcntl:
        return False
    number = os.open(left, os.O_RDONLY if left.is_dir() else os.O_RDWR)
    try:
        return not locks.locked(number)
    finally:
        os.close(number)


def write_bytes(path: str | Path, data: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: str | Path, value) -> None:
    write_bytes(path, (json.dumps(value, indent=2) + "\n").encode())
