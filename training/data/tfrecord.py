"""TFRecord files of tf.train.Example messages, written and read without TensorFlow.

A record is its length (8 bytes, little-endian), a masked CRC-32C of those, the data, and a masked
CRC-32C of the data (tensorflow/core/lib/io/record_writer.h). An Example maps names to lists of
bytes, floats or integers (tensorflow/core/example/feature.proto); there are no floats here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import google_crc32c

from keras_inception.errors import BadInput
from keras_inception.protobuf import fields, varint


def _masked(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(data: bytes) -> bytes:
    """One record of a TFRecord file."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def records(path: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, data) of every record."""
    with open(path, "rb") as file:
        while header := file.read(12):
            (length,) = struct.unpack("<Q", header[:8])
            yield file.tell(), file.read(length)
            file.seek(4, 1)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def example(features: dict[str, bytes | int]) -> bytes:
    """A tf.train.Example of one value for each name; integers are not negative."""
    entries = b""
    for name, value in sorted(features.items()):
        if isinstance(value, int):
            feature = _field(3, _field(1, _varint(value)))
        else:
            feature = _field(1, _field(1, value))
        entries += _field(1, _field(1, name.encode()) + _field(2, feature))
    return _field(1, entries)


def features_of(data: bytes) -> dict[str, bytes | int]:
    """What `example` was given. Raises BadInput for what it did not write."""
    found = {}
    try:
        for _, entries in fields(memoryview(data)):
            for _, entry in fields(entries):
                parts = dict(fields(entry))
                ((kind, values),) = fields(parts[2])
                ((_, value),) = fields(values)
                number = kind == 3  # In a row of them, packed.
                found[str(parts[1], "utf-8")] = varint(value, 0)[0] if number else bytes(value)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"it is no example of one value for each name: {error}") from error
    return found
