"""Caffe's models in both dialects, by an encoder of the tests' own."""

import numpy as np
import pytest
from helpers.weight_files import (
    KERNEL,
    LEGACY_SHAPE,
    PACKED,
    PACKED_SHAPE,
    UNPACKED,
    UNPACKED_SHAPE,
    assert_same,
    caffe,
    field,
    floats,
    varint,
)

from keras_inception.errors import BadInput
from keras_inception.weights.formats import read


@pytest.mark.parametrize("dialect", [100, 2])
@pytest.mark.parametrize("shape", [PACKED_SHAPE, UNPACKED_SHAPE, LEGACY_SHAPE])
@pytest.mark.parametrize("numbers", [PACKED, UNPACKED], ids=["packed", "unpacked"])
def test_caffe_models(tmp_path, dialect, shape, numbers):
    path = tmp_path / "x.caffemodel"
    bias = field(7, field(1, 2)) + field(5, floats([8, 9]))
    path.write_bytes(caffe(dialect, [("data", []), ("conv1/7x7_s2", [shape + numbers, bias])]))
    kernel = KERNEL[None, None] if shape == LEGACY_SHAPE else KERNEL
    expected = {"conv1/7x7_s2/0": kernel, "conv1/7x7_s2/1": np.float32([8, 9])}
    assert_same(read(path), expected)


def test_caffe_doubles_and_what_is_no_weight(tmp_path):
    path = tmp_path / "x.caffemodel"
    blob = PACKED_SHAPE + field(8, KERNEL.astype("<f8").tobytes()) + field(6, floats([1, 2]))
    path.write_bytes(caffe(100, [("a", [blob])]) + varint(9 << 3 | 1) + bytes(8))
    assert_same(read(path), {"a/0": KERNEL.astype(np.float64)})


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (caffe(100, [("a", [PACKED_SHAPE + PACKED])])[:-1], "bytes after the file"),
        (caffe(100, [("a", [PACKED_SHAPE + field(5, floats([1]))])]), r"\(2, 3\) has 1 numbers"),
        (caffe(100, [("a", [PACKED_SHAPE + PACKED])] * 2), "two of its layers"),
        (caffe(100, [("a", [])]), "no layer of it has weights"),
        (field(1, b"net") + field(100, 3), "a number where"),
        (field(1, b"net") + b"\x0b", "wire type 3"),
        (field(1, b"net") + b"\xff" * 11, "more than 64 bits"),
        (field(1, b"net") + b"\xff", "middle of a number"),
    ],
)
def test_damaged_caffe_models_are_refused(tmp_path, content, refusal):
    path = tmp_path / "x.caffemodel"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=refusal):
        read(path)
