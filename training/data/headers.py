"""A first look at image files: their headers and both ends, without decoding what is whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from PIL import Image

from keras_inception.images import UNREADABLE, decode, opened

#: Files of up to two ends are read and hashed whole.
END = 32 * 1024
#: What a whole file has near its end; some cameras write more behind it.
_LAST = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND"}


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
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                return Look(failure="zero bytes")
            content, large = file.read(2 * END), size > 2 * END
            if large:
                file.seek(size - END)
                content = content[:END] + file.read(END)
            file.seek(0)
            image = opened(file)
            if _LAST.get(image.format, b"") not in content[-END:]:
                file.seek(0)
                decode(file.read(), "RGB")
        digest = sha256(content + (str(size).encode() if large else b"")).digest()
        return Look(digest, large, image.mode)
    except UNREADABLE as error:
        return Look(failure=reason(error))


def look_at(paths: list[Path]) -> list[Look]:
    """`look` at all of them, in parallel; large files that look the same are read whole."""
    with ThreadPoolExecutor() as pool:
        chunks = [paths[start : start + 256] for start in range(0, len(paths), 256)]
        looks = [one for chunk in pool.map(lambda c: [*map(look, c)], chunks) for one in chunk]
        twins = [i for same in groups(one.digest for one in looks) for i in same if looks[i].large]
        for i, digest in zip(twins, pool.map(lambda i: digest_of(paths[i]), twins), strict=True):
            looks[i] = Look(digest, True, looks[i].mode)
    return looks


def digest_of(path: Path) -> bytes:
    return sha256(path.read_bytes()).digest()


def groups(digests: Iterable[bytes]) -> list[list[int]]:
    """Positions of equal digests, the groups of two and more; empty digests equal nothing."""
    found: dict[bytes, list[int]] = {}
    for position, digest in enumerate(digests):
        if digest:
            found.setdefault(digest, []).append(position)
    return [same for same in found.values() if len(same) > 1]


def reason(error: Exception) -> str:
    return "not an image" if isinstance(error, Image.UnidentifiedImageError) else str(error)
