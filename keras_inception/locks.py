"""Locks on open files: they go when their process dies, however it dies."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import BadInput

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    fcntl = None

log = logging.getLogger(__name__)

#: Seconds between two looks whether the other is gone.
PAUSE = 0.05


def locked(number: int) -> bool:
    """Try to lock the open file `number` until it is closed; False if another holds it."""
    try:
        if fcntl:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    return True


def acquired(path: Path) -> BinaryIO | None:
    """The file at `path`, made if there is none, locked until it is closed; None if another holds
    it."""
    while True:
        file = open(path, "ab")  # noqa: SIM115 - it stays open with the lock
        if not locked(file.fileno()):
            file.close()
            return None
        # Who held it before may have removed it since it was opened.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        file.close()


@contextlib.contextmanager
def alone(path: Path, otherwise: str = "") -> Iterator[None]:
    """Nobody else is in a block for the same `path`, a file that is there as long as the block.

    Waits for another to leave it, or raises BadInput that says `otherwise`, if that is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    told = False
    while not (file := acquired(path)):
        if otherwise:
            raise BadInput(otherwise)
        if not told:
            log.info("waiting for another process that writes in %s", path.parent)
        told = True
        time.sleep(PAUSE)
    with file:
        try:
            yield
        finally:
            with contextlib.suppress(PermissionError):  # Windows keeps open files
                path.unlink(missing_ok=True)
