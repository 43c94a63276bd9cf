"""Quantization-aware training is of the network that was trained, from the ranges it has."""

import contextlib
from dataclasses import replace

import keras
import numpy as np
import pytest
import tf_keras

from keras_inception.build import build
from keras_inception.errors import BadInput
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.preprocess import Preprocessing
from keras_inception.spec import BatchNorm
from keras_inception.tflite.conversion.convert import convert
from keras_inception.tflite.engines import ENGINES, engine, folding, keras3, tfmot
from keras_inception.tflite.file.flatbuffer import kind, unpack
from keras_inception.tflite.gates.audit import audit
from keras_inception.tflite.model.twin import require_equal
from keras_inception.training.batches import TrainingBatches
from keras_inception.training.data import load
from keras_inception.training.recipes import recipe_for
from keras_inception.transform import widen, with_norm, with_pooling, without_aux
from keras_inception.weights import store

RANGE = (-1.0, 127 / 128)


@pytest.fixture(scope="module", params=ENGINES)
def each(request):
    """Each engine in turn."""
    return engine(request.param)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(*RANGE, (16, 32, 32, 3)).astype("float32")


def reduction(kind):
    """A grid reduction in the Keras `kind`, convolution beside pooling, whose branches tfmot 0.8
    swaps; then a max pooling that convolutions and an average read, as in Inception v3."""
    kind.utils.set_random_seed(0)
    layers = kind.layers

    def convolved(x, size, strides=1):
        x = layers.Conv2D(4, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    x = kind.Input((32, 32, 3))
    reduced = [convolved(x, 3, 2), layers.MaxPooling2D(3, 2, padding="same")(x)]
    pooled = layers.MaxPooling2D(2)(layers.Concatenate()(reduced))
    averaged = layers.AveragePooling2D(3, 1, padding="same")(pooled)
    joined = [convolved(pooled, 1), convolved(pooled, 1), convolved(averaged, 1)]
    y = layers.GlobalAveragePooling2D()(layers.Concatenate()(joined))
    return kind.Model(x, layers.Activation("softmax")(layers.Dense(4)(y)))


@pytest.fixture(scope="module")
def trained():
    """A narrow GoogLeNet whose batch normalization has statistics to fold."""
    net = _small(widen(with_norm(without_aux(GOOGLENET), BatchNorm()), 0.25))
    keras.utils.set_random_seed(0)
    model = build(net, keras)
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    rng = np.random.default_rng(1)
    model.fit(rng.normal(size=(64, 32, 32, 3)), rng.integers(0, 4, 64), verbose=0, epochs=3)
    return net, model


@pytest.fixture(scope="module")
def googlenet(trained, each):
    net, model = trained
    if each.KERAS is keras:
        return model
    twin = build(net, tf_keras)
    store.write(twin, store.read(model))
    return twin


@pytest.fixture(scope="module")
def quantized(each, googlenet, images):
    return each.quantize(googlenet, images, RANGE)


def _small(net):
    return replace(net, input_shape=(32, 32, 3), classes=4)


def _limits(quantized) -> dict:
    """The range of every observed activation, by the row that ends in it."""
    if isinstance(quantized, keras.Model):
        return {
            layer.name.removesuffix("_range"): tuple(float(end) for end in layer.limits())
            for layer in quantized.layers
            if isinstance(layer, keras3.Range)
        }
    ranges = {}
    for layer in quantized.layers:
        ends = {v.name.split("/")[-1]: float(v) for v in layer.weights if v.shape == ()}
        for name, end in ends.items():
            if name.endswith("min:0"):
                high = ends[name.replace("min:0", "max:0")]
                ranges[layer.name.removeprefix("quant_")] = end, high
    return ranges


def test_the_order_of_branches_survives(each, images):
    model = reduction(each.KERAS)
    quantized = each.quantize(model, images, RANGE)
    with each.fake_quantization_off():
        outputs = np.array(quantized(images, training=False))
    np.testing.assert_allclose(outputs, model.predict(images, verbose=0), atol=1e-5)
    assert not np.allclose(quantized(images, training=False), outputs, atol=1e-5)


def test_the_gate_refuses_the_reordered_network(images, monkeypatch):
    """tfmot as released: the same weights, the branches swapped, no warning."""
    monkeypatch.setattr(tfmot, "_inputs_in_the_order_asked", contextlib.nullcontext)
    with pytest.raises(BadInput, match="quantized network is not the network that was trained"):
        tfmot.quantize(reduction(tf_keras), images, RANGE)


def test_the_gate_refuses_a_network_that_is_folded_wrongly(images, monkeypatch):
    fold = folding._scale_and_offset
    monkeypatch.setattr(
        folding, "_scale_and_offset", lambda norm: (2 * fold(norm)[0], fold(norm)[1])
    )
    with pytest.raises(BadInput, match="quantized network is not the network that was trained"):
        keras3.quantize(reduction(keras), images, RANGE)


def test_the_gate_sees_a_difference_beyond_rounding():
    ones = np.ones((2, 3))
    require_equal("this", ones + 5e-5, ones)
    for wrong in (ones + 2e-4, ones * np.nan):
        with pytest.raises(BadInput, match="this is not the network"):
            require_equal("this", wrong, ones)


def test_ranges_start_where_the_float_network_has_them(each, googlenet, quantized, images):
    probe = each.KERAS.Model(googlenet.input, googlenet.get_layer("inception_4a").output)
    expected = probe.predict(images, verbose=0)
    limits = _limits(quantized)
    low, high = limits["inception_4a"]
    assert high == pytest.approx(expected.max(), rel=1e-5)
    assert low == pytest.approx(min(0, expected.min()))
    ends = {end for pair in limits.values() for end in pair}
    assert len(ends) > 20 and not {-6.0, 6.0} & ends


def test_what_is_joined_shares_a_range(trained, images):
    """So that TFLite joins by copying."""
    limits = _limits(keras3.quantize(trained[1], images, RANGE))
    branches = ("1x1_relu", "3x3_relu", "5x5_relu", "pool_proj_relu")
    assert {limits[f"inception_4a_{branch}"] for branch in branches} == {limits["inception_4a"]}
    assert limits["inception_4a_3x3_reduce_relu"] != limits["inception_4a"]


def test_calibrated_before_the_first_step_it_already_agrees(googlenet, quantized, images):
    difference = quantized.predict(images, verbose=0) - googlenet.predict(images, verbose=0)
    assert 0 < np.abs(difference).max() < 0.05


def test_every_convolution_is_integer_and_each_channel_has_its_own_step(each, images):
    quantized = each.quantize(reduction(each.KERAS), images, RANGE)
    content = convert(quantized, "int8", Preprocessing())
    assert audit(content).integer, str(audit(content))
    model = unpack(content)
    graph = model.subgraphs[0]
    weights = [
        (kind(model, operator), graph.tensors[operator.inputs[1]])
        for operator in graph.operators
        if len(operator.inputs) == 3
    ]
    assert [name for name, _ in weights].count("CONV_2D") == 4
    for name, tensor in weights:
        steps = len(tensor.quantization.scale)
        assert steps == (tensor.shape[0] if name == "CONV_2D" else 1)


def test_layers_that_tfmot_does_not_know_are_kept(images):
    net = _small(widen(with_pooling(without_aux(GOOGLENET), "attention"), 0.25))
    model = build(net, tf_keras)
    quantized = tfmot.quantize(model, images, RANGE)
    names = {layer.name for layer in quantized.layers}
    assert {"quant_pool1_norm1", "quant_attention_pool"} <= names


def mobile():
    """What MobileNetV2 is made of, and what else folds."""
    layers = keras.layers
    x = keras.Input((32, 32, 3))
    y = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    y = layers.Conv2D(8, 3, strides=2, use_bias=False)(y)
    y = z = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False)(y))
    y = layers.Add()([z, layers.Rescaling(0.1)(y)])
    y = layers.BatchNormalization()(y)
    y = keras.Sequential([layers.Input(y.shape[1:]), layers.SeparableConv2D(8, 3)])(y)
    y = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(y))
    return keras.Model(x, layers.Dense(4, activation="softmax")(y))


def test_other_networks_fold_to_the_same_function(images):
    """Normalization before and after, depthwise too; a scale; models and activations inside."""
    model = mobile()
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if "seed" not in variable.name:
            variable.assign(rng.uniform(0.2, 1.0, variable.shape))
    folded = folding.folded(model)
    kinds = {type(layer).__name__ for layer in folded.layers}
    assert not kinds & {"BatchNormalization", "Rescaling", "Dropout", "Sequential"}
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(folded.predict(images, verbose=0), expected, rtol=1e-4)
    content = convert(keras3.quantize(model, images, RANGE), "int8", Preprocessing())
    assert audit(content).integer, str(audit(content))


class Rgb(TrainingBatches):
    """Four steps with four classes of digits, in colour."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        images, labels = super().__getitem__(index)
        return np.repeat(images, 3, axis=-1), labels % 4


@pytest.fixture
def batches():
    recipe = recipe_for("digits", image_size=32, batch_size=32)
    return Rgb(load("digits").train, recipe, lambda x: (x.astype("float32") - 128) / 128)


def test_fine_tuning_trains_and_its_ranges_rest_in_the_second_half(each, batches, monkeypatch):
    quantized = each.quantize(reduction(each.KERAS), batches[0][0], RANGE)
    seen, epochs = [_limits(quantized)], []

    def after_epoch(epoch):
        epochs.append(epoch)
        seen.append(_limits(quantized))

    before = [np.array(v) for v in quantized.trainable_variables]
    monkeypatch.setattr(Rgb, "__len__", lambda self: 1)
    each.fine_tune(quantized, batches, 4, 0.01, after_epoch)
    assert epochs == [1, 2, 3, 4]
    start, one, two, three, four = seen
    assert start != one != two
    assert two == three == four
    after = [np.array(v) for v in quantized.trainable_variables]
    changed = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert np.mean(changed) > 0.9


def test_fine_tuning_leaves_batch_statistics_and_the_input_range_alone(batches):
    quantized = tfmot.quantize(reduction(tf_keras), batches[0][0], RANGE)

    def statistics():
        named = {v.name: v.numpy() for layer in quantized.layers for v in layer.weights}
        named = {k: v for k, v in named.items() if "moving" in k or "quantize_layer" in k}
        return {k: v for k, v in named.items() if "step" not in k}

    before = statistics()
    tfmot.fine_tune(quantized, batches, epochs=1, learning_rate=0.01)
    after = statistics()
    assert len(before) > 8
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)


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


def test_tfmot_says_that_it_cannot(batches):
    with pytest.raises(BadInput, match="trains in float32 only"):
        tfmot.fine_tune(None, batches, 1, 0.01, precision="mixed_float16")


def test_an_engine_that_there_is_not_is_named():
    with pytest.raises(BadInput, match=r"engine must be one of tfmot, keras; got 'qkeras'"):
        engine("qkeras")
