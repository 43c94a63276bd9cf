"""Members of a downloaded archive as files, whatever its author put into their names."""

from __future__ import annotations

import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import IO, NamedTuple

from ..errors import BadInput
from ..files import replacing

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)


class _Member(NamedTuple):
    name: str
    size: int
    regular: bool
    open: Callable[[], IO[bytes]]

    @property
    def path(self) -> PureWindowsPath:
        """Windows' rules, since they know the separators and absolute forms of both systems."""
        return PureWindowsPath(self.name)


def extract_members(
    archive: str | Path, pattern: str, folder: str | Path, limit: int = 2 * 10**9
) -> list[Path]:
    """The members of a .tar.gz or .zip that `pattern` names, as files in `folder`.

    `pattern` is a name or has fnmatch's wildcards, and fits a member's path or the last part of it,
    which is what the file is called. `limit` is in bytes, for all of them together, unpacked.

    Raises BadInput, before anything is written, if no member fits, one is a link or a device, its
    path leads elsewhere, two would be one file, or they are over the limit; and if the archive is
    damaged, where each file written is whole.
    """
    with _opened(Path(archive)) as members:
        chosen = [m for m in members if _fits(m, pattern)]
        _require_harmless(chosen, limit, archive)
        if not chosen:
            some = ", ".join(m.name for m in members[:5]) or "nothing"
            raise BadInput(
                f"no member of {archive} is called {pattern!r}: it holds {some}"
                + (f" and {len(members) - 5} more" if len(members) > 5 else "")
            )
        return [_written(member, Path(folder)) for member in chosen]


def _fits(member: _Member, pattern: str) -> bool:
    return any(
        fnmatchcase(name, pattern) for name in (member.name.removeprefix("./"), member.path.name)
    )


def _require_harmless(members: list[_Member], limit: int, archive: str | Path) -> None:
    fault = None
    names = set()
    for member in members:
        path = member.path
        if not member.regular:
            fault = f"{member.name!r} is a link or a device"
        elif path.anchor or ".." in path.parts or not path.name or "\0" in member.name:
            fault = f"{member.name!r} leads out of the folder"
        elif path.name in names:
            fault = f"two members are called {path.name!r}"
        names.add(path.name)
    if (total := sum(m.size for m in members)) > limit:
        fault = f"its members are {total:,} bytes unpacked, and {limit:,} are allowed"
    if fault:
        raise BadInput(
            f"{archive} is not unpacked: {fault}. Name the members you need more narrowly, "
            "or get the archive from its publisher"
        )


def _written(member: _Member, folder: Path) -> Path:
    path = folder / member.path.name
    with replacing(path) as temporary, member.open() as source, open(temporary, "wb") as file:
        shutil.copyfileobj(source, file)
    return path


@contextmanager
def _opened(archive: Path) -> Iterator[list[_Member]]:
    """The members that are not folders, in the order in which the archive holds them."""
    with open(archive, "rb") as file:
        zipped = file.read(2) == b"PK"
    try:
        if zipped:
            with zipfile.ZipFile(archive) as opened:
                yield [
                    _Member(i.filename, i.file_size, _regular(i), partial(opened.open, i))
                    for i in opened.infolist()
                    if not i.is_dir()
                ]
        else:
            with tarfile.open(archive, "r:gz") as opened:
                members = [
                    _Member(i.name, i.size, i.isreg(), partial(opened.extractfile, i))
                    for i in opened
                    if not i.isdir()
                ]
                # gzip's checksum comes after what tar reads.
                while opened.fileobj.read(2**20):
                    pass
                yield members
    # RuntimeError is an encrypted zip, or one packed by a method that Python lacks.
    except (*_DAMAGED, RuntimeError) as error:
        raise BadInput(
            f"{archive} cannot be read as a .tar.gz or .zip ({error}): fetch it again"
        ) from error


def _regular(info: zipfile.ZipInfo) -> bool:
    """A zip holds Unix modes in the upper half of a field, or nothing there."""
    return stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)
