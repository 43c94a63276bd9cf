"""Locks on open files: they go when their process dies, however it dies."""

from __future__ import annotations

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    fcntl = None


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
