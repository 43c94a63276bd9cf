"""Fine-tuning under fake quantization trains, and its ranges rest in the second half."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.colour_digits import ColourDigits
from helpers.networks import RANGE, limits_of, mobile, plain, reduction
from helpers.queues import noted_queues

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.qat import ENGINES, engine


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(*RANGE, (16, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module", params=ENGINES)
def each(request):
    """Each engine in turn."""
    return engine(request.param)


@pytest.fixture(scope="module")
def batches():
    return ColourDigits()


@dataclass
class Tuned:
    """What was seen of four epochs of one step each."""

    epochs: list
    limits: list
    weights: list
    queues: list


@pytest.fixture(scope="module")
def tuned(each, batches):
    quantized = each(plain(reduction()), batches[0][0], RANGE)
    seen = Tuned([], [], [], [])

    def look():
        seen.limits.append(limits_of(quantized))
        seen.weights.append([w for layer in quantized.trained().layers for w in layer.weights])

    def after_epoch(epoch):
        seen.epochs.append(epoch)
        look()

    look()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ColourDigits, "__len__", lambda self: 1)
        seen.queues = noted_queues(patch)
        quantized.fine_tune(batches, 4, 0.01, after_epoch)
    return seen


def test_fine_tuning_trains_and_its_ranges_rest_in_the_second_half(tuned):
    assert tuned.epochs == [1, 2, 3, 4]
    start, one, two, three, four = tuned.limits
    assert start != one != two
    assert two == three == four
    pairs = zip(tuned.weights[0], tuned.weights[-1], strict=True)
    assert np.mean([not np.array_equal(a, b) for a, b in pairs]) > 0.9


def test_fine_tuning_does_not_wait_for_a_queue_to_end(tuned):
    assert tuned.queues and not any(tuned.queues)


def test_fine_tuning_leaves_the_input_range_alone(tuned):
    assert {limits["image"] for limits in tuned.limits} == {RANGE}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_keras_trains_in_mixed_precision(precision, batches, monkeypatch):
    """What is told of an epoch's end finds the model in float32, as files are made of it."""
    quantized = engine("keras")(plain(mobile()), batches[0][0], RANGE)
    kinds, give = {"training": set(), "told": set()}, ColourDigits.__getitem__

    def note(when):
        kinds[when] |= {layer.compute_dtype for layer in quantized.model.layers}

    def watched(self, index):
        note("training")
        return give(self, index)

    monkeypatch.setattr(ColourDigits, "__getitem__", watched)
    before = [np.array(v) for v in quantized.model.trainable_variables]
    quantized.fine_tune(batches, 1, 0.01, lambda epoch: note("told"), precision)
    assert precision.removeprefix("mixed_") in kinds["training"]
    assert kinds["told"] == {"float32"}
    after = quantized.model.trainable_variables
    changed = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert np.mean(changed) > 0.9
    assert quantized.model.compute_dtype == "float32"
    content = convert(quantized.trained(), "int8", Preprocessing(), ranges=quantized.ranges())
    assert audit(content).integer


def test_a_folded_kernel_takes_the_steps_of_the_one_it_was(each, images):
    """Were normalization part of it, steps would be other by the square of it."""
    layers = keras.layers
    x = keras.Input((32, 32, 3))
    y = layers.DepthwiseConv2D(3, use_bias=False)(layers.Conv2D(4, 3, name="conv")(x))
    y = layers.ReLU()(layers.BatchNormalization(name="norm")(y))
    y = layers.BatchNormalization(name="head")(layers.GlobalAveragePooling2D()(y))
    model = keras.Model(x, layers.Dense(4)(y))
    deviations = np.array([1e-2, 1.0, 1e3, 0.3])
    for name in ("norm", "head"):
        model.get_layer(name).moving_variance.assign(deviations**2)
    quantized = each(plain(model), images, RANGE)
    for rounded in (*quantized.observers.values(), *quantized.kernels.values()):
        rounded.calibrating = True
    expected = _steps(model, [layer.trainable_variables[0] for layer in kernels_of(model)], images)
    found = _steps(quantized.model, first_variables(quantized), images)
    for before, after in zip(expected, found, strict=True):
        assert np.ptp(np.log10(np.abs(before).max(axis=(0, 1)))) > 2
        np.testing.assert_allclose(after, before, rtol=2e-3, atol=1e-4 * np.abs(before).max())


def kernels_of(model):
    kinds = keras.layers.Conv2D, keras.layers.DepthwiseConv2D
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def first_variables(quantized):
    """The variables of the convolutions' kernels, in either engine."""
    if quantized.KERAS is keras:
        return [layer.trainable_variables[0] for layer in kernels_of(quantized.model)]
    kinds = ("Convolution", "DepthwiseConvolution")
    layers = [layer for layer in quantized.network.layers if layer.kind in kinds]
    return [quantized._of_wrapper(layer)[0] for layer in layers]


def _steps(model, kernels, images):
    """The gradients of kernels."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(images, training=False)))
    variables = [kernel if isinstance(kernel, tf.Variable) else kernel.value for kernel in kernels]
    return [np.array(step) for step in tape.gradient(loss, variables)]


def test_tfmot_says_that_it_cannot(images, batches):
    quantized = engine("tfmot")(plain(reduction()), images, RANGE)
    with pytest.raises(BadInput, match="trains in float32 only"):
        quantized.fine_tune(batches, 1, 0.01, precision="mixed_float16")
