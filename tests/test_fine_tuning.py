"""Fine-tuning under fake quantization trains, and its ranges rest in the second half."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import RANGE, limits_of, mobile, reduction
from helpers.queues import noted_queues

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.conversion.convert import convert
from keras_inception.tflite.engines import ENGINES, engine, keras3, tfmot
from keras_inception.tflite.gates.audit import audit
from keras_inception.training.batches import TrainingBatches
from keras_inception.training.data import load
from keras_inception.training.recipes import recipe_for


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(*RANGE, (16, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module", params=ENGINES)
def each(request):
    """Each engine in turn."""
    return engine(request.param)


class Rgb(TrainingBatches):
    """Four steps with four classes of digits, in colour."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        images, labels = super().__getitem__(index)
        return np.repeat(images, 3, axis=-1), labels % 4


@pytest.fixture(scope="module")
def batches():
    recipe = recipe_for("digits", image_size=32, batch_size=32)
    return Rgb(load("digits").train, recipe, lambda x: (x.astype("float32") - 128) / 128)


@dataclass
class Tuned:
    """What was seen of four epochs of one step each."""

    epochs: list
    limits: list
    weights: list
    statistics: list
    queues: list


def statistics_of(quantized):
    """What tfmot is to leave alone: batch statistics, and the input's range."""
    named = {v.name: np.array(v) for layer in quantized.layers for v in layer.weights}
    kinds = ("moving", "quantize_layer")
    return {k: v for k, v in named.items() if any(n in k for n in kinds) and "step" not in k}


@pytest.fixture(scope="module")
def tuned(each, batches):
    quantized = each.quantize(reduction(each.KERAS), batches[0][0], RANGE)
    seen = Tuned([], [], [], [], [])

    def look():
        seen.limits.append(limits_of(quantized))
        seen.weights.append([np.array(v) for v in quantized.trainable_variables])
        seen.statistics.append(statistics_of(quantized))

    def after_epoch(epoch):
        seen.epochs.append(epoch)
        look()

    look()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rgb, "__len__", lambda self: 1)
        seen.queues = noted_queues(patch)
        each.fine_tune(quantized, batches, 4, 0.01, after_epoch)
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


def test_fine_tuning_leaves_batch_statistics_and_the_input_range_alone(tuned, each):
    if each is not tfmot:
        pytest.skip("the engine keras folds batch normalization, and its input's range is fixed")
    before, after = tuned.statistics[0], tuned.statistics[-1]
    assert len(before) > 8
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_keras_trains_in_mixed_precision(precision, batches, monkeypatch):
    """What is told of an epoch's end finds the model in float32, as files are made of it."""
    quantized = keras3.quantize(mobile(), batches[0][0], RANGE)
    kinds, give = {"training": set(), "told": set()}, Rgb.__getitem__

    def note(when):
        kinds[when] |= {layer.compute_dtype for layer in quantized.layers}

    def watched(self, index):
        note("training")
        return give(self, index)

    monkeypatch.setattr(Rgb, "__getitem__", watched)
    before = [np.array(v) for v in quantized.trainable_variables]
    keras3.fine_tune(quantized, batches, 1, 0.01, lambda epoch: note("told"), precision)
    assert precision.removeprefix("mixed_") in kinds["training"]
    assert kinds["told"] == {"float32"}
    changed = [
        not np.array_equal(a, b) for a, b in zip(before, quantized.trainable_variables, strict=True)
    ]
    assert np.mean(changed) > 0.9
    assert quantized.compute_dtype == "float32"
    assert audit(convert(quantized, "int8", Preprocessing())).integer


def test_a_folded_kernel_takes_the_steps_of_the_one_it_was(images):
    """Were normalization part of it, steps would be other by the square of it."""
    layers = keras.layers
    x = keras.Input((32, 32, 3))
    y = layers.DepthwiseConv2D(3, use_bias=False)(layers.Conv2D(4, 3, name="conv")(x))
    y = layers.ReLU()(layers.BatchNormalization(name="norm")(y))
    model = keras.Model(x, layers.Dense(4)(layers.GlobalAveragePooling2D()(y)))
    deviations = np.array([1e-2, 1.0, 1e3, 0.3])
    model.get_layer("norm").moving_variance.assign(deviations**2)
    quantized = keras3.quantize(model, images, RANGE)
    with keras3.fake_quantization_off():
        steps = [_steps(each, images) for each in (model, quantized)]
    for before, after in zip(*steps, strict=True):
        assert np.ptp(np.log10(np.abs(before).max(axis=(0, 1)))) > 2
        np.testing.assert_allclose(after, before, rtol=2e-3, atol=1e-4 * np.abs(before).max())


def _steps(model, images):
    """The gradients of both convolutions' kernels."""
    kinds = keras.layers.Conv2D, keras.layers.DepthwiseConv2D
    kernels = [layer.trainable_variables[0] for layer in model.layers if isinstance(layer, kinds)]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(images, training=False)))
    return [np.array(step) for step in tape.gradient(loss, [k.value for k in kernels])]


def test_tfmot_says_that_it_cannot(batches):
    with pytest.raises(BadInput, match="trains in float32 only"):
        tfmot.fine_tune(None, batches, 1, 0.01, precision="mixed_float16")
