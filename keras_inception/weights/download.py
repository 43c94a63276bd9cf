"""The verified local copy of a published file: fetched once, checked before it is anything."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ..errors import BadInput
from ..files import replacing, write_bytes
from ..locks import locked
from .transfer import TIMEOUT, transfer

log = logging.getLogger(__name__)

HEX_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha384": 96}


def fetch(
    url: str,
    digest: str | None,
    folder: str | Path | None = None,
    name: str | None = None,
    size: int | None = None,
    timeout: float = TIMEOUT,
) -> Path:
    """The verified local copy of the file at `url`, downloaded if it is not there yet.

    `digest` is "sha256:", "sha384:", "sha1:" or "md5:" and the hexadecimal digits its publisher
    gives; of sha256 the first 8 or more suffice, as PyTorch puts them into its file names. None,
    where its publisher gives none and the address is https:, takes that of the first download,
    which is kept beside the file and required from then on.
    `folder` is $KERAS_INCEPTION_CACHE or ~/.cache/keras_inception unless given, `name` the last
    part of `url`; `size` is in bytes, if it is known, `timeout` the longest silence in seconds.

    A transfer that breaks off goes on where it stopped, in this call or the next. Whoever asks for
    a file that another process or thread is fetching waits for it.

    Raises BadInput if an argument cannot be used, the server does not deliver, or what it delivers
    is another file; an older file of that name then stays as it is. OSError if the disk is full.
    """
    if not re.fullmatch(r"(?i:https?|file)://[!-~]+", url):
        raise BadInput(f"{url!r} cannot be fetched: give an http:, https: or file: address")
    target = _cache(folder) / _file_name(name or unquote(PurePosixPath(urlsplit(url).path).name))
    if digest is None:
        digest = _pinned(url, target, size, timeout)
    wanted = _parsed(digest)
    # Without the lock first: a cache may be one that we can only read.
    if target.is_file() and _digest_of(target, wanted).startswith(wanted):
        return target
    with _alone(target):
        if target.is_file():
            found = _digest_of(target, wanted)
            if found.startswith(wanted):
                return target
            log.warning("%s is damaged (%s, not %s): fetching it again", target, found, wanted)
        _obtain(url, wanted, target, size, timeout)
    return target


def _pinned(url: str, target: Path, size: int | None, timeout: float) -> str:
    """The digest that the first download of `target` had; that download, if there was none."""
    pin = target.with_name(f"{target.name}.sha256")
    if not pin.is_file():
        if url.lower().startswith("http:"):
            raise BadInput(f"{url} is neither signed nor encrypted: give its digest, or https:")
        with _alone(target):
            if not pin.is_file():
                part = target.with_name(f".{target.name}.part")
                transfer(url, part, target, size, timeout)
                found = _digest_of(part, "sha256:")
                write_bytes(pin, found.encode())
                log.warning("%s has no published digest; from now on it is %s", url, found)
                part.replace(target)
    return pin.read_text().strip()


def _parsed(digest: str) -> str:
    algorithm, _, digits = digest.lower().partition(":")
    full = HEX_DIGITS.get(algorithm, 0)
    least = 8 if algorithm == "sha256" else full
    if not (full and re.fullmatch("[0-9a-f]+", digits) and least <= len(digits) <= full):
        kinds = ", ".join(f"{name}: and {count}" for name, count in HEX_DIGITS.items())
        raise BadInput(
            f"{digest!r} is not a digest: give {kinds} hexadecimal digits "
            "(of sha256, the first 8 or more)"
        )
    return f"{algorithm}:{digits}"


def _cache(folder: str | Path | None) -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    given = folder or os.environ.get("KERAS_INCEPTION_CACHE") or Path(caches, "keras_inception")
    return Path(given).expanduser()


def _file_name(name: str) -> str:
    """`name`, if it is one: not a path, and not one of our own dot files."""
    if not name or name.startswith(".") or re.search(r'[/\\:*?"<>|\x00-\x1f]', name):
        raise BadInput(f"{name!r} cannot be a file's name: give another with name=")
    return name


def _digest_of(path: Path, like: str) -> str:
    """`path`'s digest, by the algorithm of the digest `like`."""
    algorithm = like.partition(":")[0]
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """No other process or thread is in this block for the same `target`.

    The lock belongs to an open file: it goes when its process dies. The empty file stays, since
    removing it would let a third in beside one who waits for it.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise BadInput(
            f"{target.parent} cannot be written ({error.strerror}): "
            "name another folder with folder= or KERAS_INCEPTION_CACHE"
        ) from error
    try:
        waiting = False
        while not locked(number):
            if not waiting:
                log.info("waiting for another process that is fetching %s", target.name)
            waiting = True
            time.sleep(0.1)
        yield
    finally:
        os.close(number)


def _obtain(url: str, wanted: str, target: Path, size: int | None, timeout: float) -> None:
    """Put the verified file at `target`."""
    part = target.with_name(f".{target.name}.part")
    # A process may have died between the last byte and the move.
    complete = part.exists() and _digest_of(part, wanted).startswith(wanted)
    for again in () if complete else (True, False):
        resumed = transfer(url, part, target, size, timeout)
        found = _digest_of(part, wanted)
        if found.startswith(wanted):
            break
        part.unlink()
        if not (resumed and again):
            raise BadInput(
                f"{url} is not the file that was published: its digest is {found}, expected "
                f"{wanted}. It was discarded; try again, and if it stays so, the address or the "
                "digest is out of date, or something on the way changes files"
            )
        log.warning("%s: the resumed download is damaged; fetching it from the start", target.name)
    with replacing(target) as temporary:
        part.replace(temporary)
