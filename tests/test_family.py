"""One harness that every network passes: build, train, save, strip, quantize, export, run."""

from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pytest
import tf_keras
from helpers.marks import slow_but
from helpers.networks import RANGE, batches, on_small_images, plain, small

import keras_inception as ki
from keras_inception.builder import build
from keras_inception.networks import FAMILY
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph.integer_operators import in_integers
from keras_inception.tflite.qat import ENGINES, engine
from keras_inception.training.data import DataRef
from keras_inception.training.data.evaluation_pixels import pixels
from keras_inception.transform import widen, without_aux
from keras_inception.weights import store


def images_for(net, count=32):
    """Real digits of four classes: on noise, normalization would blow up what sets images apart."""
    train = DataRef("digits").split().train
    chosen = np.concatenate([np.flatnonzero(train.labels == k)[: count // 4] for k in range(4)])
    grey = Preprocessing()(pixels(train, net.input_shape[0], Preprocessing(), np.sort(chosen)))
    return np.repeat(grey, 3, axis=-1), train.labels[np.sort(chosen)]


# One member stands for its like; the others are left to the slow tests, GoogLeNet to test_build.
@pytest.mark.parametrize("name", slow_but(("inception_v3",), FAMILY))
def test_every_member_builds_the_same_in_both_kerases(name):
    net = on_small_images(widen(FAMILY[name], 0.25))
    ours, theirs = build(net, keras), build(net, tf_keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    store.write(theirs, store.read(ours))
    images, _ = images_for(net, 4)
    pairs = zip(*(x if net.heads else [x] for x in (ours(images), theirs(images))), strict=True)
    for ours_out, theirs_out in pairs:
        np.testing.assert_allclose(ours_out, theirs_out, atol=2e-5)


@cache
def fitted(net):
    """The member after a few steps of fit with its heads on one label array."""
    keras.utils.set_random_seed(0)
    model = build(net, keras)
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(batches(*images_for(net)), epochs=4, verbose=0).history
    assert np.isfinite(history["loss"][0])
    return model


#: The member that is trained and quantized in the quick tests: the others have the same rows,
#: but for those of GoogLeNet, which most other tests train and quantize.
TRAINED = "inception_resnet_v1"


@pytest.fixture
def model(name):
    return fitted(small(FAMILY[name]))


@pytest.mark.parametrize("name", slow_but((TRAINED,), FAMILY))
def test_every_member_trains_and_is_saved(name, model, tmp_path):
    net = small(FAMILY[name])
    model.save(tmp_path / "m.keras")
    images, _ = images_for(net, 4)
    again = ki.load_model(tmp_path / "m.keras")
    single = ki.without_aux(again)
    expected = model(images)
    np.testing.assert_allclose(single(images), expected[0] if net.heads else expected, atol=1e-6)
    assert single.output_names == ["main"]
    assert single.count_params() == build(without_aux(net), keras).count_params()


@cache
def converted(net, engine):
    """The fitted member, quantization-aware for a few steps, and its file."""
    images, labels = images_for(net)
    quantized = engine(in_integers(plain(fitted(net)), images), images, RANGE)
    optimizer = quantized.KERAS.optimizers.SGD(1e-4)
    quantized.model.compile(optimizer, loss="sparse_categorical_crossentropy")
    quantized.model.fit(batches(images, labels), verbose=0)
    trained, ranges = quantized.trained(), quantized.ranges()
    return quantized, convert(trained, "int8", Preprocessing(), "uint8", ranges=ranges)


def assert_quantizes(net, engine):
    """Its file is integer throughout, and the same network."""
    images, _ = images_for(net)
    quantized, content = converted(net, engine)
    assert audit(content).integer, str(audit(content))
    assert File(content).scores(images).shape == (32, 4)
    # After a handful of steps normalization magnifies every rounding, so the logits are held to
    # their spread here; trained networks are held to a single step in test_files.py.
    (last,) = quantized.network.maker[quantized.network.output].inputs
    expected = quantized.outputs(images, {"logits": last})["logits"]
    noise = File(content.without_softmax()).scores(images) - expected
    assert np.std(noise) < 0.35 * np.std(expected), (np.std(noise), np.std(expected))


@pytest.fixture(params=[pytest.param("tfmot", marks=pytest.mark.slow), "keras"])
def chosen(name, request):
    """Each engine, which has made the member's file already."""
    converted(small(FAMILY[name]), engine(request.param))
    return engine(request.param)


@pytest.mark.parametrize("name", slow_but((TRAINED,), FAMILY))
def test_every_member_quantizes_to_integers(name, chosen):
    assert_quantizes(small(FAMILY[name]), chosen)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_local_response_normalization_quantizes_to_integers(name):
    """GoogLeNet as in the paper; TFLite's own operator is in float."""
    net = replace(widen(FAMILY["googlenet"], 0.25), input_shape=(32, 32, 3), classes=4)
    assert_quantizes(net, engine(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inception_v3", "inception_v4", "inception_resnet_v2"])
def test_the_deep_members_quantize_at_their_full_depth(name):
    assert_quantizes(on_small_images(widen(FAMILY[name], 0.25)), engine("tfmot"))
