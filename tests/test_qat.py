"""Quantization-aware training is of the network that was trained, from the ranges it has."""

from dataclasses import replace
from importlib import import_module

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import RANGE, filled, limits_of, plain, reduction, small, to_heads

from keras_inception.builder import build
from keras_inception.errors import BadInput
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.checks.tensors import stored
from keras_inception.tflite.convert.calibration import calibrated_ranges
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph import lowering
from keras_inception.tflite.keras_graph.keras_classifier import classifier
from keras_inception.tflite.keras_graph.to_keras import called, require_equal
from keras_inception.tflite.qat import ENGINES, engine
from keras_inception.transform import without_aux


@pytest.fixture(scope="module", params=ENGINES)
def each(request):
    """Each engine in turn."""
    return engine(request.param)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(*RANGE, (16, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module")
def googlenet():
    """A small GoogLeNet whose batch normalization has statistics, scales and offsets to fold."""
    keras.utils.set_random_seed(0)
    model = build(small(without_aux(to_heads(GOOGLENET))), keras)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
            layer.beta.assign(rng.normal(0, 0.2, layer.beta.shape))
    for _ in range(5):
        model(rng.normal(size=(32, 32, 32, 3)), training=True)
    return model


@pytest.fixture(scope="module")
def quantized(each, googlenet, images):
    return each(plain(googlenet), images, RANGE)


@pytest.fixture(scope="module")
def reduced(each, images):
    """A grid reduction, fake-quantized."""
    return each(plain(reduction()), images, RANGE)


def test_the_gate_refuses_a_network_whose_branches_are_swapped(each, images, monkeypatch):
    """As tfmot's own scheme swaps them, the weights staying, without a warning."""

    def swapped(made, layer, tensors):
        if layer.kind == "Concatenate":
            layer = replace(layer, inputs=layer.inputs[::-1])
        return called(made, layer, tensors)

    monkeypatch.setattr(import_module(each.__module__), "called", swapped)
    with pytest.raises(BadInput, match="quantized network is not the network that was trained"):
        each(plain(reduction()), images, RANGE)


def test_a_network_that_is_folded_wrongly_is_refused(monkeypatch):
    fold = lowering.normalization
    monkeypatch.setattr(
        lowering, "normalization", lambda weights, epsilon: fold(weights, 2 * epsilon)
    )
    with pytest.raises(BadInput, match="plain layers is not the network that was trained"):
        classifier(filled(reduction()), Preprocessing())


def test_the_gate_sees_a_difference_beyond_rounding():
    ones = np.ones((2, 3))
    require_equal("this", ones + 5e-5, ones)
    for wrong in (ones + 2e-4, ones * np.nan):
        with pytest.raises(BadInput, match="this is not the network"):
            require_equal("this", wrong, ones)


def test_ranges_start_where_the_float_network_has_them(googlenet, quantized, images):
    probe = keras.Model(googlenet.input, googlenet.get_layer("inception_4d").output)
    expected = np.array(probe(images))
    limits = limits_of(quantized)
    low, high = limits["inception_4d"]
    assert high == pytest.approx(expected.max(), rel=1e-5)
    assert low == pytest.approx(min(0, expected.min()))
    ends = {end for pair in limits.values() for end in pair}
    assert len(ends) > 10 and not {-6.0, 6.0} & ends


def test_calibration_and_both_engines_find_the_same_ranges(quantized, images):
    found = calibrated_ranges(quantized.network, images, RANGE)
    assert found.keys() == quantized.ranges().keys()
    for number, limits in quantized.ranges().items():
        assert limits == pytest.approx(found[number], rel=1e-4, abs=1e-5)


def test_what_is_joined_shares_a_range(quantized):
    """So that TFLite joins by copying."""
    limits = limits_of(quantized)
    branches = ("1x1_relu", "3x3_relu", "5x5_relu", "pool_proj_relu")
    assert {limits[f"inception_4d_{branch}"] for branch in branches} == {limits["inception_4d"]}
    assert limits["inception_4d_3x3_reduce_relu"] != limits["inception_4d"]


def test_calibrated_before_the_first_step_it_already_agrees(googlenet, quantized, images):
    difference = np.array(quantized.model(images)) - np.array(googlenet(images))
    assert 0 < np.abs(difference).max() < 0.05


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.AveragePooling2D(2, name="mean"),
        keras.layers.AveragePooling2D((3, 2), strides=1, padding="same", name="mean"),
        keras.layers.UpSampling2D(interpolation="bilinear", name="mean"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_averages_are_rounded_as_the_file_rounds_them(each, layer):
    """Halves too, of which there are many: every value is the same."""
    image, expected = keras.Input((12, 12, 3)), Preprocessing()
    network = plain(keras.Model(image, keras.layers.Conv2D(2, 1)(layer(image))))
    pixels = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 3), np.uint8)
    quantized = each(network, expected(pixels), RANGE)
    content = convert(network, "int8", expected, "uint8", ranges=quantized.ranges())
    found = stored(File(content, keep_tensors=True), expected.caller(pixels))["mean"]
    (mean,) = (layer.output for layer in network.layers if layer.name == "mean")
    wanted = quantized.outputs(expected(pixels), {"mean": mean})["mean"]
    np.testing.assert_allclose(found.values, wanted, atol=found.step / 100)


def test_an_average_at_the_lower_end_of_its_range_has_a_gradient(each, images):
    """Below it nothing has one."""
    image = keras.Input((32, 32, 3))
    x = keras.layers.AveragePooling2D(2)(keras.layers.ReLU()(image))
    quantized = each(plain(keras.Model(image, keras.layers.Conv2D(2, 1)(x))), images, RANGE)
    (mean,) = quantized.rounding.averaged
    zeros = tf.zeros((1, 4, 4, 3))
    with tf.GradientTape() as tape:
        tape.watch(zeros)
        rounded = quantized.observers[mean].rounded(zeros, training=False)
    np.testing.assert_array_equal(tape.gradient(rounded, zeros), 1)


def test_every_convolution_is_integer_and_each_channel_has_its_own_step(reduced):
    content = convert(reduced.trained(), "int8", Preprocessing(), ranges=reduced.ranges())
    assert audit(content).integer, str(audit(content))
    weights = [
        (name, content.tensors[operator.inputs[1]])
        for name, operator in content.kinds()
        if len(operator.inputs) == 3
    ]
    assert [name for name, _ in weights].count("CONV_2D") == 4
    for _, tensor in weights:
        assert len(tensor.quantization.scale) == tensor.shape[0]


def test_an_engine_that_there_is_not_is_named():
    with pytest.raises(BadInput, match=r"engine must be one of tfmot, keras; got 'qkeras'"):
        engine("qkeras")
