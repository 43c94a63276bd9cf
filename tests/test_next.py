"""InceptionNeXt is a network like the others: both Kerases, saved, widened, written down, drawn."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tf_keras

from keras_inception.build import build
from keras_inception.measure import measure, smallest_input, total
from keras_inception.networks.inception_next import ATTO, BASE
from keras_inception.plot import svg
from keras_inception.record import from_record, to_record
from keras_inception.transform import widen, with_pooling, without_top
from keras_inception.weights import store

SMALL_ATTO = replace(ATTO, input_shape=(64, 96, 3), classes=7)


def images_and_noise(model):
    """Images, and weights far from their start, where every block would pass its input on."""
    rng = np.random.default_rng(0)
    arrays = {}
    for key, array in store.read(model).items():
        if key.endswith(("gamma/kernel", "variance")):
            arrays[key] = rng.uniform(0.5, 1.5, array.shape)
        else:
            arrays[key] = rng.normal(array, 0.1)
    return rng.normal(size=(3, *model.input_shape[1:])).astype("float32"), arrays


def test_both_kerases_compute_the_same():
    ours, theirs = build(SMALL_ATTO, keras), build(SMALL_ATTO, tf_keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    images, arrays = images_and_noise(ours)
    store.write(ours, arrays)
    store.write(theirs, arrays)
    a, b = ours.predict(images, verbose=0), theirs.predict(images, verbose=0)
    np.testing.assert_allclose(a, b, atol=2e-5)
    assert np.ptp(a, axis=0).max() > 1e-2


@pytest.mark.parametrize("module", [keras, tf_keras], ids=lambda m: m.__name__)
def test_a_saved_model_computes_the_same(module, tmp_path):
    model = build(SMALL_ATTO, module)
    images, arrays = images_and_noise(model)
    store.write(model, arrays)
    model.save(tmp_path / "m.keras")
    again = module.models.load_model(tmp_path / "m.keras")
    expected = model.predict(images, verbose=0)
    assert expected.shape == (3, 7)
    np.testing.assert_allclose(again.predict(images, verbose=0), expected, atol=1e-6)


@pytest.mark.parametrize("module", [keras, tf_keras], ids=lambda m: m.__name__)
def test_at_the_start_a_block_passes_its_input_on(module):
    """The release starts every gamma at 1e-6."""
    model = build(replace(ATTO, input_shape=(64, 64, 3)), module)
    before, after = (
        model.get_layer(n).output for n in ("stages_3_downsample_1", "stages_3_blocks_1")
    )
    images = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype("float32")
    a, b = module.Model(model.inputs, [before, after]).predict(images, verbose=0)
    assert 0 < np.abs(a - b).max() < 1e-3 * np.abs(a).max()


def test_the_branches_see_a_square_a_row_and_a_column():
    """The last three eighths of the channels reach 3x3, 1x11 and 11x1; the others one pixel."""
    rows = BASE.rows[:3]
    model = build(replace(BASE, rows=rows, top=(), input_shape=(64, 64, 3)), keras)
    mixer = model.get_layer("stages_0_blocks_0_token_mixer")
    inner = keras.Model(model.get_layer("stem_1").output, mixer.output)
    for layer in inner.layers:
        if layer.weights:
            layer.set_weights([np.ones_like(weight) for weight in layer.get_weights()])
            layer.bias.assign(np.zeros_like(layer.bias))
    dot = np.zeros((1, 16, 16, 128), "float32")
    dot[:, 8, 8] = 1
    seen = np.array(inner(dot))[0]
    for channel, (tall, wide) in {
        0: (1, 1),
        79: (1, 1),
        80: (3, 3),
        96: (1, 11),
        112: (11, 1),
    }.items():
        expected = np.zeros((16, 16))
        expected[8 - tall // 2 : 9 + tall // 2, 8 - wide // 2 : 9 + wide // 2] = 1
        np.testing.assert_array_equal(seen[..., channel], expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda net: widen(net, 0.5),
        lambda net: widen(net, 1.5),
        lambda net: with_pooling(net, "attention"),
        lambda net: without_top(net, "avg"),
        lambda net: replace(net, norm=None, input_shape=(33, 70, 1)),
    ],
    ids=["half", "wide", "attention", "no top", "other input"],
)
def test_count_and_model_follow_a_change(change):
    net = change(replace(ATTO, input_shape=(64, 64, 3)))
    model = build(net, keras)
    assert model.count_params() == total(net).parameters
    shapes = {cost.name: cost.shape for cost in measure(net)}
    assert (
        tuple(model.get_layer("stages_3_blocks_1").output.shape[1:]) == shapes["stages_3_blocks_1"]
    )


def test_open_sizes_from_the_smallest_up():
    model = build(replace(ATTO, input_shape=(None, None, 3), classes=5), keras)
    assert smallest_input(ATTO) == 32
    for size in ((32, 32), (47, 65)):
        assert model(np.zeros((1, *size, 3), "float32")).shape == (1, 5)


def test_written_down_and_drawn():
    assert from_record(to_record(ATTO)) == ATTO
    picture = svg(ATTO)
    assert all(f"<title>{row.name}</title>" in picture for row in ATTO.rows + ATTO.top)
