"""A network behaves as Keras' own: copied, saved, and given pixels of any kind."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.networks import small

import keras_inception as ki
from keras_inception.preprocess import NAMED, Preprocessing
from keras_inception.weights import presets, pretrained, store

SMALL = {"width": 0.25, "input_shape": (32, 32, 3), "classes": 4}
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)


@pytest.fixture(scope="module")
def headed():
    return ki.build(small(ki.network("googlenet")))


def copies(model, folder):
    yield keras.models.clone_model(model)
    yield type(model).from_config(model.get_config())
    yield keras.models.model_from_json(model.to_json())
    model.save(folder / "headed.keras")
    ki.register_layers()
    yield keras.models.load_model(folder / "headed.keras")
    yield ki.load_model(folder / "headed.keras")


def test_a_network_with_heads_is_copied_and_saved_as_any_model(headed, tmp_path):
    for copy in copies(headed, tmp_path):
        assert copy.head_weights == {"main": 1.0, "aux1": 0.3, "aux2": 0.3}
        assert copy.output_names == headed.output_names
        copy.compile(loss="sparse_categorical_crossentropy")
        assert copy.get_compile_config()["loss_weights"] == copy.head_weights


def test_a_file_of_an_earlier_release_keeps_the_weights_of_its_heads(headed, tmp_path):
    """They stood in the model's own config then, and the outputs were plain activations."""
    config = headed.get_config()
    for layer in config["layers"]:
        if layer["class_name"] == "AuxiliaryOutput":
            layer |= {"module": "keras.layers", "class_name": "Activation"}
            layer["registered_name"] = None
            del layer["config"]["loss_weight"]
    weights = {"main": 1.0, "aux1": 0.25, "aux2": 0.5}
    assert type(headed).from_config({**config, "head_weights": weights}).head_weights == weights


@pytest.mark.parametrize("expected", [Preprocessing(), NAMED["torch"], presets.CAFFE])
def test_pixels_of_every_kind_become_the_same_numbers(expected):
    import tensorflow as tf

    wanted = expected(PIXELS)
    assert wanted.dtype == np.float32
    np.testing.assert_array_equal(expected(PIXELS.tolist()), wanted)
    mapped = tf.data.Dataset.from_tensor_slices(PIXELS).map(expected)
    np.testing.assert_allclose(np.stack(list(mapped.as_numpy_iterator())), wanted, rtol=1e-6)
    jax = pytest.importorskip("jax.numpy")
    np.testing.assert_allclose(np.asarray(expected(jax.asarray(PIXELS))), wanted, rtol=1e-6)
    x = keras.Input((None, None, 3))
    model = keras.Model(x, expected(x))
    found = keras.ops.convert_to_numpy(model(PIXELS.astype("float32")))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_pixels_of_pytorch():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    found = presets.CAFFE(torch.from_numpy(PIXELS))
    np.testing.assert_allclose(found.numpy(), presets.CAFFE(PIXELS), rtol=1e-6)


def test_pixels_that_are_not_channels_last_are_refused():
    with pytest.raises(ki.BadInput, match=r"\(\.\.\., 3\), channels last; got \(2, 3, 5, 4\)"):
        ki.preprocess_input(PIXELS.transpose(0, 3, 1, 2), "googlenet.caffe_in1k")
    with pytest.raises(ki.BadInput, match=r"channels first: give \(224, 224, 3\)"):
        ki.GoogLeNet(input_shape=(3, 224, 224))


def test_integers_of_numpy_are_integers():
    assert ki.GoogLeNet(**{**SMALL, "classes": np.int64(10)}).output_shape == (None, 10)
    for wrong in (0, 2.0, "10", None):
        with pytest.raises(ki.BadInput, match="classes must be a whole number"):
            ki.GoogLeNet(**{**SMALL, "classes": wrong})


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of weights for GoogLeNet at a quarter of its width, of ten classes."""
    net = ki.without_aux(ki.widen(ki.network("googlenet.caffe"), 0.25))
    model = ki.build(replace(net, classes=10, input_shape=(32, 32, 3)))
    found = pretrained.PretrainedWeights(model.network, store.read(model), presets.CAFFE, "ours")
    path = tmp_path_factory.mktemp("weights") / "small.npz"
    pretrained.save(found, path)
    return path


def test_a_model_carries_what_it_expects_of_pixels(weights):
    assert ki.GoogLeNet(**SMALL).preprocessing == Preprocessing()
    model = ki.GoogLeNet(weights=weights, classes=10, input_shape=(32, 32, 3))
    assert model.preprocessing == presets.CAFFE and model.network.classes == 10
    assert ki.without_aux(ki.GoogLeNet(aux=True, **SMALL)).preprocessing == Preprocessing()
    inside = ki.GoogLeNet(
        weights=weights, classes=10, input_shape=(32, 32, 3), include_preprocessing=True
    )
    assert inside.preprocessing == presets.CAFFE.raw


def test_what_a_keras_file_expects_of_pixels_is_not_guessed(tmp_path):
    model = ki.GoogLeNet(**SMALL)
    model.save(path := tmp_path / "x.keras")
    assert ki.GoogLeNet(**SMALL, weights=path).preprocessing is None
    with pytest.raises(ki.BadInput, match=r"x\.keras does not say what it expects of pixels: give"):
        ki.GoogLeNet(**SMALL, weights=path, include_preprocessing=True)


def test_another_number_of_classes_says_what_to_give(weights):
    with pytest.raises(ki.BadInput, match=r"has 10 classes; got classes=1000: give classes=10, or"):
        ki.GoogLeNet(weights=weights)


@pytest.mark.parametrize("channels", [1, 4])
def test_weights_for_three_channels_go_into_others(weights, channels):
    """One channel sees a grey image as the three did; of four the fourth is red again."""
    options = {"weights": weights, "classes": 10, "classifier_activation": None}
    three = ki.GoogLeNet(input_shape=(32, 32, 3), **options)
    other = ki.GoogLeNet(input_shape=(32, 32, channels), **options)
    assert other.preprocessing == presets.CAFFE.for_channels(channels)
    if channels == 1:
        grey = np.random.default_rng(0).uniform(-50, 50, (2, 32, 32, 1)).astype("float32")
        expected, found = three(np.repeat(grey, 3, -1)), other(grey)
        np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())
    else:
        old, new = (store.read(m)["conv1_7x7_s2/kernel"] for m in (three, other))
        np.testing.assert_allclose(new, old[:, :, [0, 1, 2, 0]] * 0.75, rtol=1e-6)


def test_weights_are_brought_into_a_model_that_one_has(weights):
    model = ki.build(
        replace(ki.widen(ki.network("googlenet.caffe"), 0.25), classes=3, input_shape=(48, 48, 1))
    )
    used = ki.load_weights(model, weights)
    assert used.adapted == ("conv1_7x7_s2/kernel",)
    assert {"loss3_classifier/kernel", "loss1_conv/kernel"} <= set(used.new)
    assert set(used.unused) == {"loss3_classifier/kernel", "loss3_classifier/bias"}
    assert model.preprocessing == presets.CAFFE.for_channels(1)
    arrays = pretrained.load(weights).arrays
    np.testing.assert_array_equal(store.read(model)["conv2_3x3/kernel"], arrays["conv2_3x3/kernel"])


def test_weights_with_little_in_common_change_nothing(weights):
    x = keras.Input((75, 75, 3))
    y = keras.layers.Conv2D(8, 1, name="own")(
        keras.layers.Conv2D(16, 1, name="conv2_3x3_reduce")(x)
    )
    model = keras.Model(x, keras.layers.Dense(3)(keras.layers.GlobalMaxPooling2D()(y)))
    before = store.read(model)
    with pytest.raises(ki.BadInput, match="has little in common with"):
        ki.load_weights(model, weights)
    after = store.read(model)
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_a_classifier_takes_photographs_in_any_form(int8, tmp_path):
    from PIL import Image

    classifier = ki.open_classifier(int8)
    assert len(classifier.classes) == 10 and classifier.channels == 1
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    forms = [tmp_path / "x.png", str(tmp_path / "x.png"), Image.fromarray(pixels), pixels]
    scores = classifier.scores([*forms, pixels[..., None]])
    assert scores.shape == (5, 10) and scores.dtype == np.float32
    assert np.ptp(scores, axis=0).max() == 0 and scores[0].sum() == pytest.approx(1, abs=0.02)
    (best,) = ki.predict(classifier, photographs=tmp_path / "x.png", top=1)
    assert best[0][0] == classifier.classes[int(scores[0].argmax())]
    for wrong in ([], tmp_path / "none.png", pixels / 255):
        with pytest.raises(ki.BadInput):
            classifier.scores(wrong)
