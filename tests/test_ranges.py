"""The ranges in a file are those that the float network has, and its input's is the pixels'."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.networks import plain, small_branch

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite import exporting
from keras_inception.tflite.checks import ranges
from keras_inception.tflite.checks.operators import require_operators
from keras_inception.tflite.checks.ranges import require_input, require_ranges, stored_ranges
from keras_inception.tflite.convert.calibration import calibrated_ranges
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.weights.presets import CAFFE

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), np.uint8)
# Black and white are in them: their own range is that of all possible pixels.
PIXELS[0, 0, 0], PIXELS[0, -1, -1] = 0, 255
EXPECTED = Preprocessing()


@pytest.fixture(scope="module")
def residual():
    return small_branch()


@pytest.mark.parametrize("scheme", ["int8", "int16x8"])
def test_ours_gives_every_tensor_its_own(residual, scheme):
    found = calibrated_ranges(residual, EXPECTED(PIXELS), EXPECTED.range)
    graph = convert(residual, scheme, EXPECTED, pixels=PIXELS)
    assert {"wide_relu", "small", "pool"} <= stored_ranges(graph).keys()
    require_ranges(graph, residual, found)


@pytest.fixture(scope="module", params=["AveragePooling2D", "MaxPooling2D"])
def pooled(request):
    """An activation that a pooling's operator takes along, of what is negative too."""
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3)(image)
    x = keras.layers.ReLU()(getattr(keras.layers, request.param)(2)(x))
    return plain(keras.Model(image, keras.layers.GlobalAveragePooling2D()(x)))


def test_a_pooling_and_the_activation_after_it_have_one_range(pooled):
    found = calibrated_ranges(pooled, EXPECTED(PIXELS), EXPECTED.range)
    graph = convert(pooled, "int8", EXPECTED, ranges=found)
    require_ranges(graph, pooled, found)
    require_operators(graph, pooled, PIXELS, EXPECTED)


def test_what_the_converter_refuses_is_a_sentence(pooled):
    found = calibrated_ranges(pooled, EXPECTED(PIXELS), EXPECTED.range)
    (relu,) = (layer.output for layer in pooled.layers if layer.kind == "ReLU")
    with pytest.raises(BadInput, match=r"converter cannot make a file of .* in int8: .*same scale"):
        convert(pooled, "int8", EXPECTED, ranges={**found, relu: (0.0, 9.0)})


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_another_range_than_a_tensor_has_is_named(residual, factor):
    found = calibrated_ranges(residual, EXPECTED(PIXELS), EXPECTED.range)
    (small,) = (layer.output for layer in residual.layers if layer.name == "small")
    other = {**found, small: tuple(factor * end for end in found[small])}
    graph = convert(residual, "int8", EXPECTED, ranges=other)
    with pytest.raises(BadInput, match=r"1 tensors are stored in other ranges .*: small in "):
        require_ranges(graph, residual, found)


def test_an_operator_that_computes_something_else_is_named(residual):
    found = calibrated_ranges(residual, EXPECTED(PIXELS), EXPECTED.range)
    graph = convert(residual, "int8", EXPECTED, ranges=found)
    require_operators(graph, residual, PIXELS, EXPECTED)
    (small,) = (layer for layer in residual.layers if layer.name == "small")
    for kernel, bias in ((1.1, 0), (1, 0.05)):
        weights = small.weights[0] * [1, 1, 1, kernel], small.weights[1] + bias
        other = residual.with_layers({"small": replace(small, weights=weights)})
        with pytest.raises(BadInput, match=r"operator of small .Convolution. computes something"):
            require_operators(graph, other, PIXELS, EXPECTED)


def test_an_operator_that_is_not_there_is_named(residual):
    found = calibrated_ranges(residual, EXPECTED(PIXELS), EXPECTED.range)
    (small,) = (layer for layer in residual.layers if layer.name == "small")
    graph = convert(residual.until(small.inputs[0]), "int8", EXPECTED, ranges=found)
    with pytest.raises(BadInput, match=r"small .Convolution. is not in the file"):
        require_operators(graph, residual, PIXELS, EXPECTED)


def test_an_operator_is_given_what_it_takes_an_activation_along_with():
    """The converter makes two of a Dense that a ReLU and another read: one ends in the ReLU, whose
    steps are a tenth of the other's."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    dense = layers.Dense(32)
    x = dense(layers.Flatten()(image))
    dense.bias.assign([-20] + [0] * 31)
    y = layers.Subtract()([x, layers.ReLU(name="relu")(x)])
    network = plain(keras.Model(image, layers.Dense(4)(y)))
    found = calibrated_ranges(network, EXPECTED(PIXELS), EXPECTED.range)
    graph = convert(network, "int8", EXPECTED, ranges=found)
    assert [name for name, _ in graph.kinds()].count("FULLY_CONNECTED") == 3
    require_operators(graph, network, PIXELS, EXPECTED)
    (relu,) = (layer for layer in network.layers if layer.name == "relu")
    other = replace(relu, options={**relu.options, "max_value": found[relu.output][1] / 4})
    with pytest.raises(BadInput, match=r"operator of relu .ReLU. computes something"):
        require_operators(graph, network.with_layers({"relu": other}), PIXELS, EXPECTED)


def test_a_convolution_in_groups_without_a_bias_is_checked_by_its_name_too():
    layers = keras.layers
    x = image = keras.Input((8, 8, 4))
    for name in ("first", "second"):
        x = layers.Conv2D(6, 1, groups=2, use_bias=False, name=name)(x)
        x = layers.Activation("tanh")(x)
    network = plain(keras.Model(image, layers.Conv2D(2, 1)(x)))
    pixels = np.concatenate([PIXELS, PIXELS[..., :1]], axis=-1)
    graph = convert(network, "int8", EXPECTED, pixels=pixels)
    assert {"first", "second"} <= stored_ranges(graph).keys()


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
    monkeypatch.setattr(ranges, "TOLERANCE", -1.0)
    with pytest.raises(BadInput, match="stored in other ranges than they have"):
        exporting.export(whole.folder, scheme="int8")
    assert path.read_bytes() == before
