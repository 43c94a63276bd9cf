"""Backbones, frozen parts, small images and poolings, on models people already have."""

import keras
import numpy as np
import pytest

import keras_inception as ki
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


def test_features_by_name_are_the_models_own_maps():
    model = ki.GoogLeNet(**SMALL)
    backbone = ki.features(model, at=("conv2_3x3", "inception_4e"))
    images = np.random.default_rng(0).normal(size=(1, 96, 96, 3)).astype("float32")
    first, second = backbone(images)
    assert first.shape == (1, 24, 24, 48) and second.shape == (1, 6, 6, 208)
    assert first.min() >= 0
    probe = keras.Model(model.inputs, model.get_layer("inception_4e").output)
    np.testing.assert_array_equal(second, np.array(probe(images)))


@pytest.mark.parametrize("at", [("inception_9z",), (64,), (2.5,)])
def test_features_that_do_not_exist(at):
    with pytest.raises(ki.BadInput, match=r"has no layer 'inception_9z'|must hold layer names"):
        ki.features(ki.GoogLeNet(**SMALL), at=at)


def test_strides_of_other_models_are_not_guessed():
    x = keras.Input((32, 32, 3))
    with pytest.raises(ki.BadInput, match="give layer names"):
        ki.features(keras.Model(x, keras.layers.Conv2D(4, 3)(x)))


def test_frozen_rows_and_their_statistics_do_not_move():
    keras.utils.set_random_seed(0)
    model = ki.GoogLeNet(**SMALL)
    ki.freeze(model, until="inception_4e")
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    names = [f"inception_{block}_3x3_bn" for block in ("3a", "4e", "5a")]

    def state():
        layers = [model.get_layer(name) for name in names]
        return [np.concatenate([np.ravel(w) for w in layer.get_weights()]) for layer in layers]

    before = state()
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(8, 96, 96, 3)), rng.integers(0, 4, 8), verbose=0)
    after = state()
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])
    assert not np.allclose(before[2], after[2])


def test_freezing_needs_a_row_that_exists():
    with pytest.raises(ki.BadInput, match="has no layer 'inception_9z'"):
        ki.freeze(ki.GoogLeNet(**SMALL), until="inception_9z")


@pytest.mark.parametrize(
    ("builder", "grid"),
    [(ki.GoogLeNet, 4), (ki.InceptionV2, 4), (ki.InceptionV3, 2), (ki.InceptionResNetV2, 2)],
)
@pytest.mark.parametrize("size", [28, 32, 64])
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
    model = ki.GoogLeNet(**SMALL, pooling=pooling)
    model.save(tmp_path / "m.keras")
    images = np.ones((1, 96, 96, 3))
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
