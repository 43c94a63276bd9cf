"""TFRecord files of tf.train.Example messages, written and read without TensorFlow.

A record is its length (8 bytes, little-endian), a masked CRC-32C of those, the data, and a masked
CRC-32C of the data (tensorflow/core/lib/io/record_writer.h). An Example maps names to lists of
bytes, floats or integers (tensorflow/core/example/feature.proto); there are no floats here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from keras_inception.protobuf import fields, varint

_LANE = 128


@cache
def _table() -> np.ndarray:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> 1) ^ np.where(table & 1, np.uint32(0x82F63B78), np.uint32(0))
    return table


@cache
def _past(lanes: int) -> np.ndarray:
    """(4, 256): what `lanes` lanes of zeros do to each byte of a CRC; powers of two only."""
    bytes_ = np.arange(256, dtype=np.uint32)
    crc = np.stack([bytes_ << shift for shift in (0, 8, 16, 24)])
    if lanes == 1:
        for _ in range(_LANE):
            crc = (crc >> 8) ^ _table()[crc & 255]
        return crc
    return _shift(_shift(crc, lanes // 2), lanes // 2)


def _shift(crc: np.ndarray, lanes: int) -> np.ndarray:
    past = _past(lanes)
    return (
        past[0][crc & 255]
        ^ past[1][(crc >> 8) & 255]
        ^ past[2][(crc >> 16) & 255]
        ^ past[3][crc >> 24]
    )


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), all lanes of 128 bytes at once: a CRC is linear in its input.

    zlib's CRC-32 has another polynomial; a loop over bytes in Python takes fifty times as long.
    """
    # Zeros in front do not change a CRC that starts from zero; the usual start, all ones, is
    # the same as inverting the first four bytes.
    if len(data) < 4:
        crc = 0xFFFFFFFF
        for byte in data:
            crc = (crc >> 8) ^ int(_table()[(crc ^ byte) & 255])
        return crc ^ 0xFFFFFFFF
    lanes = 1 << (-(-len(data) // _LANE) - 1).bit_length()
    padded = np.zeros(lanes * _LANE, np.uint8)
    padded[-len(data) :] = np.frombuffer(data, np.uint8)
    start = len(padded) - len(data)
    padded[start : start + 4] ^= 255
    table, crc = _table(), np.zeros(lanes, np.uint32)
    for column in np.ascontiguousarray(padded.reshape(lanes, _LANE).T):
        crc = (crc >> 8) ^ table[(crc ^ column) & 255]
    width = 1
    while len(crc) > 1:
        crc = _shift(crc[0::2], width) ^ crc[1::2]
        width *= 2
    return int(crc[0]) ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
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
    """What `example` was given."""
    found = {}
    for _, entries in fields(memoryview(data)):
        for _, entry in fields(entries):
            parts = dict(fields(entry))
            ((kind, values),) = fields(parts[2])
            ((_, value),) = fields(values)
            number = kind == 3  # In a row of them, packed.
            found[str(parts[1], "utf-8")] = varint(value, 0)[0] if number else bytes(value)
    return found
