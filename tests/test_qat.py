"""Quantization-aware training is of the network that was trained, from the ranges it has."""

import contextlib

import numpy as np
import pytest
import tf_keras

from keras_inception.build import build
from keras_inception.errors import BadInput
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.spec import BatchNorm
from keras_inception.tflite.engines import tfmot as qat
from keras_inception.tflite.twin import require_equal
from keras_inception.training.batches import TrainingBatches
from keras_inception.training.data import load
from keras_inception.training.recipes import recipe_for
from keras_inception.transform import widen, with_norm, with_pooling, without_aux

RANGE = (-1.0, 127 / 128)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(*RANGE, (16, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module")
def reduction():
    """A grid reduction, convolution beside pooling, whose branches tfmot 0.8 swaps."""
    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    x = tf_keras.Input((32, 32, 3))
    convolved = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)
    convolved = layers.ReLU()(layers.BatchNormalization()(convolved))
    joined = layers.Concatenate()([convolved, layers.MaxPooling2D(3, 2, padding="same")(x)])
    pooled = layers.GlobalAveragePooling2D()(joined)
    return tf_keras.Model(x, layers.Activation("softmax")(layers.Dense(5)(pooled)))


@pytest.fixture(scope="module")
def googlenet():
    """A narrow GoogLeNet whose batch normalization has statistics to fold."""
    net = widen(with_norm(without_aux(GOOGLENET), BatchNorm()), 0.25)
    tf_keras.utils.set_random_seed(0)
    model = build(_small(net), tf_keras)
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    rng = np.random.default_rng(1)
    model.fit(rng.normal(size=(64, 32, 32, 3)), rng.integers(0, 4, 64), verbose=0, epochs=3)
    return model


def _small(net):
    from dataclasses import replace

    return replace(net, input_shape=(32, 32, 3), classes=4)


def test_the_order_of_branches_survives(reduction, images):
    quantized = qat.quantize(reduction, images, RANGE)
    with qat.fake_quantization_off():
        outputs = np.array(quantized(images, training=False))
    np.testing.assert_allclose(outputs, reduction.predict(images, verbose=0), atol=1e-5)


def test_the_gate_refuses_the_reordered_network(reduction, images, monkeypatch):
    """tfmot as released: the same weights, the branches swapped, no warning."""
    monkeypatch.setattr(qat, "_inputs_in_the_order_asked", contextlib.nullcontext)
    with pytest.raises(BadInput, match="quantized network is not the network that was trained"):
        qat.quantize(reduction, images, RANGE)


def test_the_gate_sees_a_difference_beyond_rounding():
    ones = np.ones((2, 3))
    require_equal("this", ones + 5e-5, ones)
    for wrong in (ones + 2e-4, ones * np.nan):
        with pytest.raises(BadInput, match="this is not the network"):
            require_equal("this", wrong, ones)


def test_ranges_start_where_the_float_network_has_them(googlenet, images):
    quantized = qat.quantize(googlenet, images, RANGE)
    probe = tf_keras.Model(googlenet.input, googlenet.get_layer("inception_4a").output)
    concat = quantized.get_layer("quant_inception_4a")
    values = {v.name.split("/")[-1]: float(v) for v in concat.weights if v.shape == ()}
    expected = probe.predict(images, verbose=0)
    assert values["output_max:0"] == pytest.approx(expected.max(), rel=1e-5)
    assert values["output_min:0"] == pytest.approx(min(0, expected.min()))
    limits = [
        float(v)
        for layer in quantized.layers
        for v in layer.weights
        if v.name.endswith(("min:0", "max:0")) and v.shape == ()
    ]
    assert len(limits) > 20 and not {-6.0, 6.0} & set(limits)


def test_weight_ranges_are_per_channel(googlenet, images):
    quantized = qat.quantize(googlenet, images, RANGE)
    kernel = googlenet.get_layer("inception_4a_3x3").kernel.numpy()
    wrapper = quantized.get_layer("quant_inception_4a_3x3")
    high = next(v for v in wrapper.weights if "kernel_max" in v.name).numpy()
    np.testing.assert_allclose(high, np.abs(kernel).max(axis=(0, 1, 2)), rtol=1e-5)


def test_calibrated_before_the_first_step_it_already_agrees(googlenet, images):
    quantized = qat.quantize(googlenet, images, RANGE)
    difference = quantized.predict(images, verbose=0) - googlenet.predict(images, verbose=0)
    assert np.abs(difference).max() < 0.05


def test_layers_that_tfmot_does_not_know_are_kept(images):
    net = _small(widen(with_pooling(without_aux(GOOGLENET), "attention"), 0.25))
    model = build(net, tf_keras)
    quantized = qat.quantize(model, images, RANGE)
    names = {layer.name for layer in quantized.layers}
    assert {"quant_pool1_norm1", "quant_attention_pool"} <= names


def test_fine_tuning_leaves_batch_statistics_and_the_input_range_alone(googlenet):
    recipe = recipe_for("digits", image_size=32, batch_size=32)
    split = load("digits")

    class Rgb(TrainingBatches):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            images, labels = super().__getitem__(index)
            return np.repeat(images, 3, axis=-1), labels % 4

    batches = Rgb(split.train, recipe, lambda x: (x.astype("float32") - 128) / 128)
    quantized = qat.quantize(googlenet, batches[0][0], RANGE)

    def statistics():
        named = {v.name: v.numpy() for layer in quantized.layers for v in layer.weights}
        return {k: v for k, v in named.items() if "moving" in k or "quantize_layer" in k}

    kernel = quantized.get_layer("quant_inception_4a_3x3").layer.kernel
    before, kernel_before = statistics(), np.array(kernel)
    qat.fine_tune(quantized, batches, epochs=1, learning_rate=0.01)
    after = statistics()
    assert len(before) > 100
    for name in before:
        if "step" not in name:
            np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    trained = quantized.get_layer("quant_inception_4a_3x3").trainable_weights[0]
    assert not np.array_equal(kernel_before, np.array(trained))
