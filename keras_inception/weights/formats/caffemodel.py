"""Caffe's models, both dialects.

The field numbers are those of
https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np

from ...errors import BadInput
from ...protobuf import fields, varint

# NetParameter: list of layers -> (name, blobs) within one: V1LayerParameter and LayerParameter.
DIALECTS = {2: (4, 6), 100: (1, 7)}
# BlobProto: num, channels, height, width; the numbers; the shape that replaced the first four.
LEGACY_SHAPE, SHAPE = (1, 2, 3, 4), 7
NUMBERS = {5: np.dtype("<f4"), 8: np.dtype("<f8")}


def _nested(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise BadInput("it has a number where Caffe's models have a message")
    return value


def _dims(shape: memoryview) -> Iterator[int]:
    for number, value in fields(shape):
        if number == 1 and isinstance(value, int):
            yield value
        elif number == 1:
            at = 0
            while at < len(value):
                dim, at = varint(value, at)
                yield dim


def _blob(data: memoryview) -> np.ndarray:
    """The array of a BlobProto, in the shape it declares, float32 or float64."""
    legacy, shape, numbers, dtype = dict.fromkeys(LEGACY_SHAPE, 0), None, [], NUMBERS[5]
    for number, value in fields(data):
        if number in legacy and isinstance(value, int):
            legacy[number] = value
        elif number == SHAPE:
            shape = tuple(_dims(_nested(value)))
        elif number in NUMBERS:
            dtype = NUMBERS[number]
            numbers.append(_nested(value))
    # Packed numbers come as one value, unpacked ones as one value each.
    array = np.frombuffer(b"".join(numbers), dtype)
    shape = tuple(legacy.values()) if shape is None else shape
    if prod(shape) != array.size:
        raise BadInput(f"a blob of shape {shape} has {array.size} numbers; get the file again")
    return array.reshape(shape)


def read(path: Path) -> dict[str, np.ndarray]:
    """`layer/0`, `layer/1`, … -> array for every layer with blobs, in the file's shapes.

    The older dialect's blobs have four dimensions, ones in front. Raises BadInput if the file is
    damaged, two layers with blobs share a name, or none has any.
    """
    arrays = {}
    for number, layer in fields(memoryview(path.read_bytes())):
        if number not in DIALECTS:
            continue
        name_field, blobs_field = DIALECTS[number]
        name, blobs = "", []
        for inner, value in fields(_nested(layer)):
            if inner == name_field:
                name = str(_nested(value), "utf-8")
            elif inner == blobs_field:
                blobs.append(_blob(_nested(value)))
        if f"{name}/0" in arrays:
            raise BadInput(f"two of its layers with weights are called {name!r}; rename one")
        arrays.update({f"{name}/{i}": blob for i, blob in enumerate(blobs)})
    if not arrays:
        raise BadInput("no layer of it has weights; give a .caffemodel that was trained")
    return arrays
