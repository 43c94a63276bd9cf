"""TensorFlow still has the faults that we work around: what a release mends can go."""

import contextlib

import keras
import numpy as np
import pytest
from helpers.networks import plain, small_branch

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite import upstream_fixes
from keras_inception.tflite.checks.ranges import require_ranges
from keras_inception.tflite.convert.calibration import calibrated_ranges
from keras_inception.tflite.convert.to_tflite import convert

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), np.uint8)
EXPECTED = Preprocessing()


def biases(graph):
    """The integers of the first convolution's bias, and what they stand for."""
    (bias,) = (op.inputs[2] for name, op in graph.kinds() if name == "CONV_2D")
    integers = graph.constant(bias, np.int32)
    return integers, integers * graph.tensors[bias].quantization.scale


def test_one_bias_for_all_channels_becomes_wrong_integers(monkeypatch):
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    convolution = keras.layers.Conv2D(4, 3, bias_initializer=keras.initializers.Constant(0.2))
    network = plain(keras.Model(image, convolution(image)))
    integers, values = biases(convert(network, "int8", EXPECTED, pixels=PIXELS))
    assert len(set(integers)) == 4
    np.testing.assert_allclose(values, 0.2, rtol=1e-3)
    monkeypatch.setattr(upstream_fixes, "with_distinct_biases", lambda network: network)
    integers, values = biases(convert(network, "int8", EXPECTED, pixels=PIXELS))
    assert len(set(integers)) == 1 and np.ptp(values) > 0.001, "with_distinct_biases can go"


def test_a_small_branch_gets_the_range_of_its_sum(monkeypatch):
    network = small_branch()
    ranges = calibrated_ranges(network, EXPECTED(PIXELS), EXPECTED.range)
    require_ranges(convert(network, "int16x8", EXPECTED, pixels=PIXELS), network, ranges)
    monkeypatch.setattr(upstream_fixes, "every_tensor_recorded", contextlib.nullcontext)
    monkeypatch.setattr(upstream_fixes, "with_first_output", lambda graph, output: graph)
    stock = convert(network, "int16x8", EXPECTED, pixels=PIXELS)
    with pytest.raises(BadInput, match=r"1 tensors are .* than they have: small in -2\.\d+"):
        require_ranges(stock, network, ranges)
