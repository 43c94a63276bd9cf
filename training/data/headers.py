"""A first look at image files: their headers and both ends, without decoding what is whole."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TypeVar

from keras_inception.images import Unreadable, decode, format_of, opened, regular

log = logging.getLogger(__name__)

T, U = TypeVar("T"), TypeVar("U")

#: Files of up to two ends are read and hashed whole.
END = 32 * 1024
#: What a whole file has near its end; some cameras write more behind it.
_LAST = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


@dataclass(frozen=True)
class Look:
    """`digest` is SHA-256 of the content, of large files of both ends and the size; `failure` why
    the file cannot be used, or empty."""

    digest: bytes = b""
    large: bool = False
    mode: str = ""
    failure: str = ""


def look(path: Path) -> Look:
    """Files that seem to have lost their end are decoded, to see what is left of them."""
    try:
        with regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            content, large = file.read(2 * END), size > 2 * END
            if large:
                file.seek(size - END)
                content = content[:END] + file.read(END)
            file.seek(0)
            image = opened(file)
            if _LAST.get(format_of(image), b"") not in content[-END:]:
                decode(file, "RGB")
        digest = sha256(content + (str(size).encode() if large else b"")).digest()
        return Look(digest, large, image.mode)
    except Unreadable as error:
        return Look(failure=str(error))


def look_at(paths: list[Path]) -> list[Look]:
    """`look` at all of them, in parallel; large files that look the same are read whole."""
    looks = in_parallel(look, paths)
    twins = [i for same in groups(one.digest for one in looks) for i in same if looks[i].large]
    for i, whole in zip(twins, in_parallel(_look_at_all, [paths[i] for i in twins]), strict=True):
        looks[i] = replace(looks[i], digest=whole.digest, failure=whole.failure)
    return looks


def readable(paths: list[Path]) -> tuple[list[Look], list[int]]:
    """`look_at` all of them, and the positions of those that can be used; the others are counted
    and named in the log."""
    looks = look_at(paths)
    failed = [i for i, one in enumerate(looks) if one.failure]
    for i in failed[:5]:
        log.warning("left out: %s: %s", paths[i], looks[i].failure)
    if failed:
        log.warning("%d of %d images could not be read and are left out", len(failed), len(looks))
    return looks, [i for i, one in enumerate(looks) if not one.failure]


def _look_at_all(path: Path) -> Look:
    try:
        with regular(path) as file:
            return Look(file_digest(file, "sha256").digest())
    except Unreadable as error:
        return Look(failure=str(error))


def in_parallel(function: Callable[[T], U], items: list[T]) -> list[U]:
    """`function` of each, on several threads, in chunks: a thread's turn takes 2 kB to remember."""
    chunks = [items[start : start + 32] for start in range(0, len(items), 32)]
    with ThreadPoolExecutor() as pool:
        return [one for done in pool.map(lambda c: [*map(function, c)], chunks) for one in done]


def groups(digests: Iterable[bytes]) -> list[list[int]]:
    """Positions of equal digests, the groups of two and more; empty digests equal nothing."""
    found: dict[bytes, list[int]] = {}
    for position, digest in enumerate(digests):
        if digest:
            found.setdefault(digest, []).append(position)
    return [same for same in found.values() if len(same) > 1]
