"""Protobuf's wire format, read without the messages' descriptions."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import BadInput

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    value = shift = 0
    while shift < 64:
        if at >= len(data):
            raise BadInput("it ends in the middle of a number; get the whole file again")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7
    raise BadInput("it holds a number of more than 64 bits, which protobuf does not have")


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field number and value of each field of a message, in the file's order."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if wire == BYTES:
            size, at = varint(data, at)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise BadInput(f"it holds wire type {wire}, which these messages do not use")
        if size > len(data) - at:
            raise BadInput(f"its field {number} ends {size - len(data) + at} bytes after the file")
        yield number, data[at : at + size]
        at += size
