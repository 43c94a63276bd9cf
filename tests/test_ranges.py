"""The ranges in a file are those that the float network has, and its input's is the pixels'."""

import keras
import numpy as np
import pytest
from helpers.networks import plain

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite import exporting
from keras_inception.tflite.checks.ranges import require_input, widths
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.weights.presets import CAFFE

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), np.uint8)
# Black and white are in them: their own range is that of all possible pixels.
PIXELS[0, 0, 0], PIXELS[0, -1, -1] = 0, 255
EXPECTED = Preprocessing()


@pytest.fixture(scope="module")
def residual():
    """Two convolutions and an addition, the second a thousandth of the first."""
    layers, constant = keras.layers, keras.initializers.Constant
    x = keras.Input((8, 8, 3))
    wide = layers.Conv2D(4, 1, activation="relu", kernel_initializer="ones", name="wide")(x)
    small = layers.Conv2D(4, 1, kernel_initializer=constant(0.001), name="small")(wide)
    y = layers.ReLU()(layers.Add()([wide, small]))
    return plain(keras.Model(x, layers.GlobalAveragePooling2D()(y)))


def ratios(content, model, expected=EXPECTED):
    found = widths(content, convert(model, "float32", expected), PIXELS, expected)
    return {name: stored / true for name, stored, true in found}


@pytest.mark.parametrize("scheme", ["int8", "int16x8"])
def test_ours_gives_every_tensor_its_own(residual, scheme):
    found = ratios(convert(residual, scheme, EXPECTED, pixels=PIXELS), residual)
    assert len(found) == 4
    assert list(found.values()) == pytest.approx([1.0] * 4, rel=1e-3)


def test_a_file_of_another_network_is_not_compared(residual):
    other = plain(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.MaxPooling2D(8)]))
    content = convert(residual, "int8", EXPECTED, "int8", PIXELS)
    with pytest.raises(BadInput, match="is not the float network"):
        widths(content, convert(other, "float32", EXPECTED), PIXELS, EXPECTED)


UNIT, TF = Preprocessing(0, 255), Preprocessing(127.5, 127.5)
FEW = [("uint8", EXPECTED), ("int8", CAFFE), ("float32", UNIT)]
EVERY = [
    (kind, each) for kind in ("uint8", "int8", "float32") for each in (EXPECTED, TF, UNIT, CAFFE)
]
MORE = [pytest.param(*each, marks=pytest.mark.slow) for each in EVERY if each not in FEW]


@pytest.mark.parametrize(("io_type", "expected"), [*FEW, *MORE])
def test_an_inputs_scale_and_zero_point_are_the_preprocessing(residual, io_type, expected):
    file = File(convert(residual, "int8", expected, io_type, PIXELS))
    require_input(file, expected)
    if io_type != "float32":
        with pytest.raises(BadInput, match=r"the file's input has scale .* and zero point"):
            require_input(file, Preprocessing(100.0, 64.0))


def test_export_fails_where_a_gate_does(whole, monkeypatch):
    path = exporting.export(whole.folder, scheme="int8").path
    before = path.read_bytes()
    monkeypatch.setattr(exporting, "ALLOWED", 0.5)
    with pytest.raises(BadInput, match="stored in ranges wider than they need"):
        exporting.export(whole.folder, scheme="int8")
    assert path.read_bytes() == before
