"""Backbones, frozen parts, small images and poolings, on models people already have."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.marks import slow_but
from helpers.networks import batches, small

import keras_inception as ki
from keras_inception.transform import widen, with_pooling, without_aux, without_top
from keras_inception.variants import VARIANTS
from keras_inception.weights import store

SMALL = {"norm": "batch", "width": 0.25, "input_shape": (96, 96, 3), "classes": 4}


def test_features_by_stride():
    backbone = ki.features(ki.InceptionV3(include_top=False, width=0.25), at=(8, 16, 32))
    shapes = [tuple(output.shape[1:]) for output in backbone.outputs]
    assert shapes == [(35, 35, 72), (17, 17, 192), (8, 8, 512)]


def test_features_of_a_member_by_its_name():
    shapes = [tuple(output.shape[1:]) for output in ki.features("googlenet").outputs]
    assert shapes == [(28, 28, 480), (14, 14, 832), (7, 7, 1024)]
    with pytest.raises(ki.BadInput, match="a network is one of googlenet"):
        ki.features("resnet")


#: Channels and heights at strides 2, 4, 8, 16 and 32: TF-slim's endpoint tables, and timm's
#: feature_info for v3 and Inception-ResNet-v2. Of v4 timm taps stride 4 one map before its last,
#: Mixed_3a with 160 channels.
MAPS = {
    "googlenet": ((64, 192, 480, 832, 1024), (112, 56, 28, 14, 7)),
    "inception_v2": ((64, 192, 320, 576, 1024), (112, 56, 28, 14, 7)),
    "inception_v3": ((64, 192, 288, 768, 2048), (147, 71, 35, 17, 8)),
    "inception_v4": ((64, 192, 384, 1024, 1536), (147, 71, 35, 17, 8)),
    "inception_resnet_v1": ((64, 192, 256, 896, 1792), (147, 71, 35, 17, 8)),
    "inception_resnet_v2": ((64, 192, 320, 1088, 1536), (147, 71, 35, 17, 8)),
}


@pytest.mark.parametrize("name", slow_but(("googlenet", "inception_v2", "inception_v3"), MAPS))
def test_every_stride_of_every_member_is_its_own_last_map(name):
    model = ki.build(without_top(ki.network(name)))
    backbone = ki.features(model, at=(2, 4, 8, 16, 32))
    found = [tuple(output.shape[1:]) for output in backbone.outputs]
    assert found == [(size, size, n) for n, size in zip(*MAPS[name], strict=True)]


@pytest.mark.parametrize(
    "tag",
    slow_but(("inception_v3.torchvision",), VARIANTS),
)
def test_strides_of_other_peoples_versions(tag):
    net = replace(without_top(VARIANTS[tag]), input_shape=(129, 97, 3))
    backbone = ki.features(ki.build(widen(net, 0.25)), at=(8, 16))
    for output, stride in zip(backbone.outputs, (8, 16), strict=True):
        assert 0 <= 129 / stride + 1 - output.shape[1] < 5
        assert 0 <= 97 / stride + 1 - output.shape[2] < 5


def test_strides_with_heads_small_stems_and_open_sizes():
    small = ki.GoogLeNet(small_stem=True, input_shape=(32, 32, 3), width=0.25, aux=True)
    assert [o.shape[1] for o in ki.features(small, at=(1, 2, 4, 8)).outputs] == [32, 16, 8, 4]
    with pytest.raises(ki.BadInput, match="strides that googlenet has: 1, 2, 4, 8; got 32"):
        ki.features(small, at=(8, 32))
    wide = ki.GoogLeNet(include_top=False, input_shape=(None, None, 3), width=0.25)
    found = ki.features(wide, at=(16,))(np.zeros((1, 65, 97, 3), "float32"))
    assert tuple(found.shape[1:3]) == (5, 7)


def test_features_by_name_are_the_models_own_maps():
    model = ki.GoogLeNet(**SMALL)
    backbone = ki.features(model, at=("conv2_3x3", "inception_4e"))
    images = np.random.default_rng(0).normal(size=(1, 96, 96, 3)).astype("float32")
    first, second = map(np.array, backbone(images))
    assert first.shape == (1, 24, 24, 48) and second.shape == (1, 6, 6, 208)
    assert first.min() >= 0
    probe = keras.Model(model.inputs, model.get_layer("inception_4e").output)
    np.testing.assert_array_equal(second, np.array(probe(images)))


def test_features_that_do_not_exist():
    model = ki.GoogLeNet(**SMALL)
    for at in (("inception_9z",), (64,), (2.5,)):
        with pytest.raises(ki.BadInput, match=r"has no layer 'inception_9z'|must hold layer names"):
            ki.features(model, at=at)


def test_strides_of_other_models_are_measured():
    x = keras.Input((32, 32, 3))
    y = keras.layers.Conv2D(4, 3, strides=3, name="third")(keras.layers.ZeroPadding2D()(x))
    y = keras.layers.Add()([y, keras.layers.Conv2D(4, 1, name="inside")(y)])
    model = keras.Model(x, keras.layers.Dense(2)(keras.layers.Flatten()(y)))
    (found,) = ki.features(model, at=(3,)).outputs
    assert found is model.get_layer("add").output if "add" in found.name else found.shape[1] == 11
    nested = keras.Sequential([keras.Input((32, 32, 3)), model, keras.layers.Dense(2)])
    with pytest.raises(ki.BadInput, match="cannot be measured"):
        ki.features(nested)


def test_strides_on_images_too_small_to_show_them():
    """At 75 pixels a map of 1 may be stride 32 or 64: what is measured does not depend on it."""
    model = ki.InceptionV3(include_top=False, input_shape=(75, 75, 3), width=0.25)
    shapes = [output.shape[1] for output in ki.features(model, at=(2, 4, 8, 16, 32)).outputs]
    assert shapes == [35, 15, 7, 3, 1]


def test_frozen_rows_and_their_statistics_do_not_move():
    keras.utils.set_random_seed(0)
    model = ki.build(small(without_aux(ki.network("googlenet"))))
    ki.freeze(model, until="inception_4e")
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    names = [f"inception_{block}_3x3_bn" for block in ("3a", "4e", "5b")]

    def state():
        layers = [model.get_layer(name) for name in names]
        return [np.concatenate([np.ravel(w) for w in layer.get_weights()]) for layer in layers]

    before = state()
    rng = np.random.default_rng(0)
    model.fit(batches(rng.normal(size=(8, 32, 32, 3)), rng.integers(0, 4, 8)), verbose=0)
    after = state()
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])
    assert not np.allclose(before[2], after[2])


def test_freezing_needs_a_row_that_exists():
    with pytest.raises(ki.BadInput, match="has no layer 'inception_9z'"):
        ki.freeze(ki.GoogLeNet(**SMALL), until="inception_9z")


@pytest.mark.parametrize(
    ("builder", "grid"),
    [
        (ki.GoogLeNet, 4),
        pytest.param(ki.InceptionV2, 4, marks=pytest.mark.slow),
        (ki.InceptionV3, 2),
        pytest.param(ki.InceptionResNetV2, 2, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("size", slow_but((32,), (28, 32, 64)))
def test_small_stems_keep_a_grid_on_small_images(builder, grid, size):
    arguments = {"width": 0.25, "norm": "batch", "include_top": False, "small_stem": True}
    height = builder(**arguments, input_shape=(size, size, 3)).output.shape[1]
    assert height == {4: -(-size // 8), 2: {28: 1, 32: 2, 64: 6}[size]}[grid]


def test_attention_starts_as_the_average_and_learns_to_look():
    images = np.random.default_rng(0).normal(size=(2, 96, 96, 3)).astype("float32")
    model = ki.GoogLeNet(**SMALL, pooling="attention")
    average = ki.GoogLeNet(**SMALL)
    arrays = store.read(model)
    assert not arrays.pop("attention_pool/query").any()
    store.write(average, arrays)
    np.testing.assert_allclose(np.array(model(images)), np.array(average(images)), atol=1e-5)
    layer = model.get_layer("attention_pool")
    layer.set_weights([np.random.default_rng(1).normal(size=256)])
    maps = np.array(keras.Model(model.inputs, layer.input)(images))
    flat = maps.reshape(2, -1, 256)
    scores = np.exp(flat @ layer.get_weights()[0] / 16)
    expected = (flat * (scores / scores.sum(1, keepdims=True))[..., None]).sum(1)
    pooled = np.array(keras.Model(model.inputs, layer.output)(images))
    np.testing.assert_allclose(pooled, expected, atol=1e-4)


@pytest.mark.parametrize("pooling", ["max", "attention"])
def test_other_poolings_are_saved_and_loaded(pooling, tmp_path):
    net = replace(small(without_aux(ki.network("googlenet"))), input_shape=(64, 64, 3))
    model = ki.build(with_pooling(net, pooling))
    model.save(tmp_path / "m.keras")
    images = np.ones((1, 64, 64, 3))
    np.testing.assert_allclose(
        np.array(ki.load_model(tmp_path / "m.keras")(images)),
        np.array(model(images)),
        atol=1e-6,
    )


def test_a_member_without_heads_says_so():
    with pytest.raises(ki.BadInput, match="published without auxiliary heads"):
        ki.InceptionV2(aux=True)
    with pytest.raises(ki.BadInput, match="no local response normalization"):
        ki.InceptionV3(norm="lrn")
