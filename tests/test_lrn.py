"""Local response normalization of integer operators is the same function, in 8 bits."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from keras_inception.builder import apply_rows
from keras_inception.preprocess import Preprocessing
from keras_inception.spec import LRN, Pool
from keras_inception.tflite.conversion.convert import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.gates.audit import audit
from keras_inception.tflite.model.lrn import _sums, in_integers, integer_lrn


@pytest.mark.parametrize(("channels", "radius"), [(64, 2), (192, 2), (24, 4), (20, 5), (7, 2)])
def test_the_sums_are_those_of_the_nearest_channels(channels, radius):
    x = np.random.default_rng(0).random((2, 5, 6, channels), np.float32)
    padded = np.pad(x, [(0, 0)] * 3 + [(radius, radius)])
    window = sum(padded[..., i : i + channels] for i in range(2 * radius + 1))
    sums = tf.reshape(_sums(tf.constant(x), radius, 1.0, 0.1), x.shape)
    np.testing.assert_allclose(sums, 1 + 0.1 * window, rtol=1e-6)


@pytest.fixture(scope="module")
def heavy_tailed():
    """Maps as the first normalization of a trained GoogLeNet sees them: median 32, 99 % at 700."""
    rng = np.random.default_rng(0)
    return np.minimum(np.exp(rng.normal(3.5, 1.3, (24, 8, 8, 32))), 3800).astype(np.float32)


@pytest.fixture(scope="module", params=[tf_keras, keras], ids=["tf_keras", "keras"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def models(heavy_tailed, kind):
    """A network of little else, as it is and in integers."""
    image = kind.Input((8, 8, 32))
    rows = (Pool("pool", "max", 1, 1), LRN("norm"))
    model = kind.Model(image, apply_rows(rows, image, keras=kind))
    return model, in_integers(model, heavy_tailed)


def test_it_computes_the_same_function(models, heavy_tailed):
    expected, found = (np.array(model(heavy_tailed)) for model in models)
    assert expected.max() < 138.8  # the largest output that the constants allow
    noise = np.std(found - expected) / np.std(expected)
    assert 0.001 < noise < 0.1


def test_its_range_ends_before_the_tail(models, heavy_tailed, kind):
    (layer,) = (each for each in models[1].layers if isinstance(each, integer_lrn(kind)))
    sums = _sums(tf.constant(heavy_tailed**2), 2, 1.0, 2e-5).numpy()
    assert (sums > layer.largest_sum).mean() == pytest.approx(0.005, abs=0.002)
    assert layer.largest_sum < 0.7 * sums.max()


def test_the_file_is_integer_and_as_good_as_its_model(models, heavy_tailed):
    pixels = np.minimum(heavy_tailed / 15, 255)
    expected = Preprocessing(0.0, 1 / 15)
    content = convert(models[1], "int8", expected, "int8", pixels)
    found = audit(content)
    assert found.integer and found.operator_count < 12
    outputs = File(content).scores(expected(pixels))
    floats = np.array(models[0](expected(pixels))).reshape(len(pixels), -1)
    assert np.std(outputs - floats) < 0.2 * np.std(floats)


def test_a_model_without_it_is_left_alone(heavy_tailed):
    image = tf_keras.Input((8, 8, 32))
    model = tf_keras.Model(image, tf_keras.layers.ReLU()(image))
    assert in_integers(model, heavy_tailed) is model
