"""Files made of good ones: bytes changed anywhere, members of archives, values of JSON."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from copy import deepcopy
from random import Random

#: Numbers at the edges of what files count in.
_EDGES = (0, 1, -1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1)
_ODD = (
    *(None, True, False, 0, -1, 1.5, 2**31, 10**12, 10**400, 1e308, -1e308, 1e-300, float("nan")),
    *("", "x", "../../x", "/etc/passwd", "\x1b[2J", "a\nb", "é", "\ud800", "x" * 10_000),
    *([], {}, [[]], [0] * 1000, {"class_name": "Lambda"}, {"x": {"y": [1, 2, 3]}}),
)

Change = Callable[[bytes, Random], bytes]


def of_bytes(content: bytes, draw: Random) -> bytes:
    """One to eight changes anywhere."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 3, 5, 8))):
        at = draw.randrange(len(data) + 1)
        length = draw.choice((1, 2, 4, 8, 32, 256))
        match draw.randrange(8):
            case 0 if at < len(data):
                data[at] ^= 1 << draw.randrange(8)
            case 1:
                data[at : at + 1] = bytes([draw.randrange(256)])
            case 2:
                data[at : at + 4] = struct.pack("<q", draw.choice(_EDGES))[:4]
            case 3:
                data[at : at + 8] = struct.pack("<q", min(draw.choice(_EDGES), 2**63 - 1))
            case 4:
                del data[at : at + length]
            case 5:
                data[at:at] = draw.randbytes(length)
            case 6:
                data[at:at] = data[at : at + length]
            case 7 if draw.random() < 0.2:
                del data[at:]
    return bytes(data)


def of_json(content: bytes, draw: Random) -> bytes:
    """One to three values replaced by others, taken out, or written twice."""
    value = json.loads(content)
    for _ in range(draw.choice((1, 1, 2, 3))):
        places = list(_places(value))
        holder, key = draw.choice(places) if places else ([], None)
        match draw.randrange(4):
            case 0 if key is not None:
                del holder[key]
            case 1 if key is not None:
                other, name = draw.choice(places)
                # A copy: a value that holds itself is no JSON.
                if other is not holder:
                    holder[key] = json.loads(
                        json.dumps(other.get(name) if isinstance(other, dict) else other[name:][:1])
                    )
            case _ if key is not None:
                holder[key] = deepcopy(draw.choice(_ODD))
            case _:
                value = deepcopy(draw.choice(_ODD))
    text = json.dumps(value).encode("utf-8", "surrogatepass")
    return of_bytes(text, draw) if draw.random() < 0.1 else text


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def of_zip(changes: dict[str, Change]) -> Change:
    """Members changed inside a right checksum, each by what `changes` has for the end of its name;
    or the bytes of the archive itself."""

    def change(content: bytes, draw: Random) -> bytes:
        if draw.random() < 0.2:
            return of_bytes(content, draw)
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
            chosen = draw.choice(old.namelist())
            for info in old.infolist():
                data = old.read(info)
                if info.filename == chosen:
                    by = next((v for k, v in changes.items() if chosen.endswith(k)), of_bytes)
                    data = by(data, draw)
                new.writestr(info.filename, data, info.compress_type)
        return made.getvalue()

    return change


def of_png(content: bytes, draw: Random) -> bytes:
    """A chunk changed inside a right checksum, taken out or written twice; or any bytes."""
    if draw.random() < 0.2:
        return of_bytes(content, draw)
    chunks, at = [], 8
    while at < len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : end]))
        at = end + 4
    k = draw.randrange(len(chunks))
    match draw.randrange(6):
        case 0:
            del chunks[k]
        case 1:
            chunks.insert(draw.randrange(len(chunks) + 1), chunks[k])
        case _:
            chunks[k] = chunks[k][0], of_bytes(chunks[k][1], draw)
    made = content[:8]
    for kind, data in chunks:
        body = kind + data
        made += len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return made


def of_text(content: bytes, draw: Random) -> bytes:
    """Lines taken out, written twice, in another encoding; or any bytes changed."""
    lines = content.splitlines(keepends=True)
    match draw.randrange(5):
        case 0:
            draw.shuffle(lines)
        case 1:
            lines *= draw.choice((0, 2, 50))
        case 2:
            return content.decode("utf-8").encode(
                draw.choice(("utf-16", "latin-1", "utf-8-sig")), "replace"
            )
        case 3:
            at = draw.randrange(len(lines) + 1)
            lines[at:at] = [
                draw.choice((b"\n", b"\r", b",,,,\n", b'"\n', b"\x00\n", b"x" * 70_000))
            ]
        case _:
            return of_bytes(content, draw)
    return b"".join(lines)


def after(start: int, content: bytes, draw: Random) -> bytes:
    """JSON that begins at `start`, whose length is kept: NumPy's header has it."""
    changed = of_json(content[start:], draw)[: len(content) - start]
    return content[:start] + changed.ljust(len(content) - start)
