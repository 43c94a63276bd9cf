"""A disk that refuses, or a process that dies, at the N-th thing that is written."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
#: The folder that is watched, and what is called. Audit hooks stay for ever: there is one.
_watched: list[tuple[Path, Callable[[], None]]] = []


def _hook(event: str, arguments: tuple) -> None:
    if not _watched or (event != "open" and event not in _CHANGES):
        return
    folder, call = _watched[-1]
    path, changes = arguments[0], event in _CHANGES or (arguments[2] or 0) & _WRITES
    if not changes or not isinstance(path, str | bytes | Path):
        return
    if event in _CHANGES and arguments[-1] != -1:
        return  # A name in an open folder, as where a tree is removed.
    if folder in Path(os.path.abspath(os.fsdecode(path))).parents:
        call()


@contextmanager
def changes_below(folder: Path, call: Callable[[], None]) -> Iterator[None]:
    """`call` is called before every file below `folder` is opened for writing, moved or removed,
    and before every fsync, which is where a full disk tells."""
    if _hook not in _installed:
        _installed.append(_hook)
        sys.addaudithook(_hook)
    real = os.fsync

    def fsync(number):
        call()
        real(number)

    os.fsync = fsync
    _watched.append((folder, call))
    try:
        yield
    finally:
        _watched.pop()
        os.fsync = real


_installed: list = []


class At:
    """Does `what` the `number`-th time that it is called; `count` is how often it was."""

    def __init__(self, number: int = 0, what: Callable[[], None] = lambda: None):
        self.number, self.what, self.count = number, what, 0

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.number:
            self.what()


def refuse() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """A command of ours that dies at its N-th change below a folder: `N FOLDER ARGUMENT...`."""
    from keras_inception import cli

    number, folder, *argv = sys.argv[1:]
    with changes_below(Path(folder), At(int(number), die)):
        sys.exit(cli.main(argv))


if __name__ == "__main__":
    main()
