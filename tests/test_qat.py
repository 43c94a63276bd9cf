"""Quantization-aware training is of the network that was trained, from the ranges it has."""

import contextlib
from dataclasses import replace

import keras
import numpy as np
import pytest
import tf_keras
from helpers.networks import RANGE, limits_of, mobile, reduction, short, small, to_heads

from keras_inception.builder import build
from keras_inception.errors import BadInput
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.conversion.convert import convert
from keras_inception.tflite.engines import ENGINES, engine, folding, keras3, tfmot
from keras_inception.tflite.file.flatbuffer import kind, unpack
from keras_inception.tflite.gates.audit import audit
from keras_inception.tflite.model.twin import require_equal
from keras_inception.transform import with_pooling, without_aux
from keras_inception.weights import store


@pytest.fixture(scope="module", params=ENGINES)
def each(request):
    """Each engine in turn."""
    return engine(request.param)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(*RANGE, (16, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module")
def trained():
    """A small GoogLeNet whose batch normalization has statistics, scales and offsets to fold."""
    net = small(without_aux(to_heads(GOOGLENET)))
    keras.utils.set_random_seed(0)
    model = build(net, keras)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
            layer.beta.assign(rng.normal(0, 0.2, layer.beta.shape))
    for _ in range(5):
        model(rng.normal(size=(32, 32, 32, 3)), training=True)
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


@pytest.fixture(scope="module")
def reduced(each, images):
    """A grid reduction, and the same fake-quantized."""
    model = reduction(each.KERAS)
    return model, each.quantize(model, images, RANGE)


def test_the_order_of_branches_survives(each, reduced, images):
    model, quantized = reduced
    with each.fake_quantization_off():
        outputs = np.array(quantized(images, training=False))
    np.testing.assert_allclose(outputs, np.array(model(images)), atol=1e-5)
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
    probe = each.KERAS.Model(googlenet.input, googlenet.get_layer("inception_4d").output)
    expected = np.array(probe(images))
    limits = limits_of(quantized)
    low, high = limits["inception_4d"]
    assert high == pytest.approx(expected.max(), rel=1e-5)
    assert low == pytest.approx(min(0, expected.min()))
    ends = {end for pair in limits.values() for end in pair}
    assert len(ends) > 10 and not {-6.0, 6.0} & ends


def test_what_is_joined_shares_a_range(trained, images):
    """So that TFLite joins by copying."""
    limits = limits_of(keras3.quantize(trained[1], images, RANGE))
    branches = ("1x1_relu", "3x3_relu", "5x5_relu", "pool_proj_relu")
    assert {limits[f"inception_4d_{branch}"] for branch in branches} == {limits["inception_4d"]}
    assert limits["inception_4d_3x3_reduce_relu"] != limits["inception_4d"]


def test_calibrated_before_the_first_step_it_already_agrees(googlenet, quantized, images):
    difference = np.array(quantized(images)) - np.array(googlenet(images))
    assert 0 < np.abs(difference).max() < 0.05


def test_every_convolution_is_integer_and_each_channel_has_its_own_step(reduced):
    content = convert(reduced[1], "int8", Preprocessing())
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
    net = short(with_pooling(without_aux(to_heads(GOOGLENET)), "attention"))
    model = build(replace(net, input_shape=(32, 32, 3), classes=4), tf_keras)
    quantized = tfmot.quantize(model, images, RANGE)
    names = {layer.name for layer in quantized.layers}
    assert {"quant_pool1_norm1", "quant_attention_pool"} <= names


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
    np.testing.assert_allclose(np.array(folded(images)), np.array(model(images)), rtol=1e-4)
    content = convert(keras3.quantize(model, images, RANGE), "int8", Preprocessing())
    assert audit(content).integer, str(audit(content))


def test_an_engine_that_there_is_not_is_named():
    with pytest.raises(BadInput, match=r"engine must be one of tfmot, keras; got 'qkeras'"):
        engine("qkeras")
