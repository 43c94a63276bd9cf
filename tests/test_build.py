"""The builders behave as keras.applications' do, at any size, width and number of channels."""

import inspect

import keras
import numpy as np
import pytest
import tf_keras
from helpers.marks import slow_but

import keras_inception as ki
from keras_inception.costs import smallest_input
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.weights import store


def test_arguments_are_those_of_keras_applications_then_ours():
    theirs = inspect.signature(keras.applications.InceptionV3).parameters
    ours = inspect.signature(ki.GoogLeNet).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    same = [n for n in theirs if n not in ("weights", "name")]
    assert {n: ours[n].default for n in same} == {n: theirs[n].default for n in same}
    assert ours["aux"].kind is inspect.Parameter.KEYWORD_ONLY
    assert ki.InceptionV1 is ki.GoogLeNet


@pytest.mark.parametrize("norm", slow_but(("lrn",), ("lrn", "batch", None)))
def test_keras_3_and_tf_keras_build_the_same_network(norm):
    def built(module):
        return ki.GoogLeNet(
            aux=True, norm=norm, width=0.25, input_shape=(97, 64, 3), classes=7, keras=module
        )

    ours, twin = built(keras), built(tf_keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in twin.layers]
    assert ours.output_names == twin.output_names == ["main", "aux1", "aux2"]
    arrays = store.read(ours)
    rng = np.random.default_rng(0)
    arrays = {
        key: np.abs(a) + 0.1 if key.endswith("variance") else rng.normal(a, 0.05).astype("float32")
        for key, a in arrays.items()
    }
    store.write(ours, arrays)
    store.write(twin, arrays)
    images = rng.uniform(-1, 1, (3, 97, 64, 3)).astype("float32")
    for a, b in zip(ours(images), twin(images), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
        assert np.ptp(a) > 1e-3


SIZES = ((17, 17), (18, 33), (64, 49), (97, 31), (225, 225))


@pytest.mark.parametrize("size", slow_but(SIZES[:2], SIZES))
def test_any_size_from_the_smallest_up(size):
    model = ki.GoogLeNet(aux=True, norm="batch", width=0.25, input_shape=(*size, 1), classes=3)
    outputs = model(np.zeros((2, *size, 1), "float32"))
    assert [tuple(output.shape) for output in outputs] == [(2, 3)] * 3


def test_below_the_minimum_one_sentence_names_it():
    least = smallest_input(GOOGLENET)
    with pytest.raises(ki.BadInput, match=rf"at least {least}x{least} .*; got {least - 1}x224"):
        ki.GoogLeNet(input_shape=(least - 1, 224, 3))


def test_heads_pool_to_four_by_four_as_the_paper_does_at_224():
    pool = ki.GoogLeNet(aux=True).get_layer("loss1_ave_pool")
    assert (pool.pool_size, pool.strides) == ((5, 5), (3, 3))
    assert tuple(pool.output.shape[1:]) == (4, 4, 512)


def test_open_sizes_where_no_head_forbids_it():
    model = ki.GoogLeNet(norm="batch", width=0.25, input_shape=(None, None, 3), classes=3)
    for size in (32, 65):
        assert model(np.zeros((1, size, size, 3), "float32")).shape == (1, 3)
    with pytest.raises(ki.BadInput, match="fixed input size"):
        ki.GoogLeNet(aux=True, input_shape=(None, None, 3))


@pytest.mark.parametrize("width", slow_but((0.25, 1.5), (0.25, 0.5, 0.75, 1.5, 2)))
def test_widths_scale_every_layer_to_multiples_of_eight(width):
    model = ki.GoogLeNet(norm="batch", width=width, input_shape=(32, 32, 3), classes=3)
    filters = [layer.filters for layer in model.layers if hasattr(layer, "filters")]
    assert all(n % 8 == 0 for n in filters)
    assert model.get_layer("inception_5b").output.shape[-1] == 1024 * width


def test_without_the_top_as_in_keras_applications():
    arguments = {"include_top": False, "input_shape": (96, 96, 3)}
    images = np.zeros((2, 96, 96, 3), "float32")
    assert ki.GoogLeNet(**arguments)(images).shape == (2, 3, 3, 1024)
    for pooling in ("avg", "max"):
        assert ki.GoogLeNet(**arguments, pooling=pooling)(images).shape == (2, 1024)


def test_an_input_tensor_is_built_upon():
    image = keras.Input((64, 64, 3))
    scaled = keras.layers.Rescaling(1 / 255)(image)
    model = ki.GoogLeNet(norm="batch", width=0.25, input_tensor=scaled, classes=3)
    assert model(np.zeros((1, 64, 64, 3), "float32")).shape == (1, 3)
    assert model.inputs[0] is image


def test_logits_on_request():
    model = ki.GoogLeNet(classifier_activation=None, width=0.25, input_shape=(32, 32, 3), classes=5)
    scores = np.array(model(np.random.default_rng(0).normal(size=(4, 32, 32, 3))))
    assert not np.allclose(scores.sum(axis=1), 1)


def test_branches_are_joined_in_the_papers_order():
    """1x1, 3x3, 5x5, pool: published kernels of the next layer depend on it."""
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, ki.blocks.inception(x, 1, 2, 3, 4, 5, 6, name="block"))
    for value, conv in enumerate(["1x1", "3x3", "5x5", "pool_proj"], start=1):
        layer = model.get_layer(f"block_{conv}")
        layer.set_weights([np.zeros_like(layer.get_weights()[0]), np.full(layer.filters, value)])
    out = np.array(model(np.ones((1, 8, 8, 3))))[0, 4, 4]
    np.testing.assert_array_equal(out, [1] + [2] * 3 + [3] * 5 + [4] * 6)


def test_blocks_have_the_published_weights():
    """Paper, figure 2: 3a reduced (163,328 weights) and naive (387,072 weights)."""
    x = keras.Input((28, 28, 192))
    reduced = keras.Model(x, ki.blocks.inception(x, 64, 96, 128, 16, 32, 32))
    naive = keras.Model(x, ki.blocks.naive_inception(x, 64, 128, 32))
    assert reduced.output.shape[1:] == (28, 28, 256)
    assert naive.output.shape[1:] == (28, 28, 416)
    assert reduced.count_params() == 163_328 + 368
    assert naive.count_params() == 387_072 + 224


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"classes": 0}, "classes must be"),
        ({"classes": 2.5}, "classes must be"),
        ({"width": 0.1}, "width must lie"),
        ({"norm": "layer"}, "norm must be"),
        ({"dropout": 1.0}, "dropout must lie"),
        ({"pooling": "sum", "include_top": False}, "pooling must be"),
        ({"aux": True, "include_top": False}, "aux=True needs include_top=True"),
        ({"weights": "imagenets"}, "neither a preset nor a file 'imagenets'"),
        ({"input_shape": (224, 224)}, "input_shape of"),
    ],
)
def test_bad_arguments_get_one_sentence(arguments, sentence):
    with pytest.raises(ki.BadInput, match=sentence):
        ki.GoogLeNet(**arguments)


def test_weights_from_a_file(tmp_path):
    arguments = {"norm": "batch", "width": 0.25, "input_shape": (32, 32, 3), "classes": 3}
    model = ki.GoogLeNet(**arguments)
    model.save_weights(tmp_path / "w.weights.h5")
    again = ki.GoogLeNet(**arguments, weights=tmp_path / "w.weights.h5")
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
