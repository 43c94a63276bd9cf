"""The ranges in a file are those that the float network has, and its input's is the pixels'."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite import deliver
from keras_inception.tflite.conversion import convert as module
from keras_inception.tflite.conversion.calibrate import outputs_asked_for, undisturbed
from keras_inception.tflite.conversion.convert import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.gates.ranges import require_input, require_ranges, widths
from keras_inception.weights.presets import CAFFE

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), np.uint8)
# Black and white are in them: their own range is that of all possible pixels.
PIXELS[0, 0, 0], PIXELS[0, -1, -1] = 0, 255
EXPECTED = Preprocessing()


@pytest.fixture(scope="module")
def residual():
    """Two convolutions and an addition, the second a thousandth of the first."""
    layers, constant = tf_keras.layers, tf_keras.initializers.Constant
    x = tf_keras.Input((8, 8, 3))
    wide = layers.Conv2D(4, 1, activation="relu", kernel_initializer="ones", name="wide")(x)
    small = layers.Conv2D(4, 1, kernel_initializer=constant(0.001), name="small")(wide)
    y = layers.ReLU()(layers.Add()([wide, small]))
    return tf_keras.Model(x, layers.GlobalAveragePooling2D()(y))


@pytest.fixture
def stock(monkeypatch):
    """The converter as released."""
    monkeypatch.setattr(module, "undisturbed", contextlib.nullcontext)
    monkeypatch.setattr(module, "outputs_asked_for", lambda content, output: content)


def ratios(content, model, expected=EXPECTED):
    found = widths(content, convert(model, "float32", expected), PIXELS, expected)
    return {name: stored / true for name, stored, true in found}


def test_the_stock_converter_gives_a_branch_the_range_of_its_sum(residual, stock):
    content = convert(residual, "int8", EXPECTED, "int8", PIXELS)
    (small,) = [ratio for name, ratio in ratios(content, residual).items() if "small" in name]
    assert small > 100


def test_ours_gives_every_tensor_its_own(residual):
    found = ratios(convert(residual, "int8", EXPECTED, "int8", PIXELS), residual)
    assert len(found) == 4
    assert list(found.values()) == pytest.approx([1.0] * 4, rel=1e-3)


def test_the_gate_names_the_branch_that_is_lost(residual, stock):
    content = convert(residual, "int8", EXPECTED, "int8", PIXELS)
    floats = convert(residual, "float32", EXPECTED)
    with pytest.raises(
        BadInput, match=r"1 tensors are .* than they need: model\S*/small/\S+ 25\d times"
    ):
        require_ranges(content, floats, PIXELS, EXPECTED)


def test_sixteen_bit_activations_are_cured_too(residual):
    signature = [tf.TensorSpec((1, 8, 8, 3), tf.float32, name="image")]
    infer = tf.function(lambda image: {"scores": residual(image)}, input_signature=signature)
    found = []
    for cure in (contextlib.nullcontext, undisturbed):
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [infer.get_concrete_function()], residual
        )
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
        converter.representative_dataset = lambda: ([EXPECTED(image[None])] for image in PIXELS)
        with cure():
            content = outputs_asked_for(converter.convert(), "scores")
        found.append(ratios(content, residual))
    stock, ours = found
    assert max(stock.values()) > 100
    assert list(ours.values()) == pytest.approx([1.0] * len(stock), rel=1e-3)


def test_a_file_of_another_network_is_not_compared(residual):
    other = tf_keras.Sequential([tf_keras.Input((8, 8, 3)), tf_keras.layers.MaxPooling2D(8)])
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
    path = deliver.export(whole.folder, scheme="int8").path
    before = path.read_bytes()
    monkeypatch.setattr(deliver, "ALLOWED", 0.5)
    with pytest.raises(BadInput, match="stored in ranges wider than they need"):
        deliver.export(whole.folder, scheme="int8")
    assert path.read_bytes() == before
