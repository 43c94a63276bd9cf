"""Local response normalization of integer operators is the same function, in 8 bits."""

import keras
import numpy as np
import pytest
from helpers.networks import plain

from keras_inception.builder import apply_rows
from keras_inception.nodes import LRN, Pool
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph.integer_lrn import _band, window
from keras_inception.tflite.keras_graph.integer_operators import in_integers
from keras_inception.tflite.keras_graph.to_keras import outputs


@pytest.mark.parametrize(("channels", "radius"), [(64, 2), (192, 2), (24, 4), (20, 5), (7, 2)])
def test_the_sums_are_those_of_the_nearest_channels(channels, radius):
    x = np.random.default_rng(0).random((2, 5, 6, channels), np.float32)
    n, band = _band(channels, radius, 0.1)
    rows = x.reshape(2, 30, channels // n, n)
    sums = keras.ops.conv(rows, band, 1, "same", "channels_last")
    np.testing.assert_allclose(keras.ops.reshape(sums, x.shape), 0.1 * window(x, radius), rtol=1e-5)


@pytest.fixture(scope="module")
def heavy_tailed():
    """Maps as the first normalization of a trained GoogLeNet sees them: median 32, 99 % at 700."""
    rng = np.random.default_rng(0)
    return np.minimum(np.exp(rng.normal(3.5, 1.3, (24, 8, 8, 32))), 3800).astype(np.float32)


@pytest.fixture(scope="module")
def networks(heavy_tailed):
    """A network of little else, as it is and in integers."""
    image = keras.Input((8, 8, 32))
    rows = (Pool("pool", "max", 1, 1), LRN("norm"))
    network = plain(keras.Model(image, apply_rows(rows, image)))
    return network, in_integers(network, heavy_tailed)


def test_it_computes_the_same_function(networks, heavy_tailed):
    """But for its tail, it is the same before anything is rounded."""
    expected, found = (
        outputs(network, heavy_tailed, {"y": network.output})["y"] for network in networks
    )
    assert 100 < expected.max() < 138.8  # the largest output that the constants allow
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_its_range_ends_before_the_tail(networks, heavy_tailed):
    (largest,) = (layer.range[1] for layer in networks[1].layers if layer.name == "norm_sums")
    sums = 1 + 2e-5 * window(heavy_tailed**2, 2)
    assert (sums > largest).mean() == pytest.approx(0.005, abs=0.002)
    assert largest < 0.7 * sums.max()


def test_the_file_is_integer_and_as_good_as_its_model(networks, heavy_tailed):
    pixels = np.minimum(heavy_tailed / 15, 255)
    expected = Preprocessing(0.0, 1 / 15)
    content = convert(networks[1], "int8", expected, "int8", pixels)
    found = audit(content)
    assert found.integer and found.operator_count < 12
    computed = File(content).scores(expected(pixels))
    network = networks[0]
    floats = outputs(network, expected(pixels), {"y": network.output})["y"]
    assert np.std(computed - floats.reshape(len(pixels), -1)) < 0.2 * np.std(floats)


def test_a_network_without_it_is_left_alone(heavy_tailed):
    image = keras.Input((8, 8, 32))
    network = plain(keras.Model(image, keras.layers.ReLU()(image)))
    assert in_integers(network, heavy_tailed) is network
