"""The real weights of BVLC GoogLeNet: other people's network, loaded, right, and in integers."""

import json
from dataclasses import replace
from hashlib import sha256

import keras
import numpy as np
import pytest
from helpers.tflite_files import graph_of
from PIL import Image

import keras_inception as ki
from keras_inception.cli import main
from keras_inception.errors import BadInput
from keras_inception.evaluation.accuracy import evaluate
from keras_inception.evaluation.classifier import open_classifier
from keras_inception.images import centre
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.exporting import export
from keras_inception.tflite.file.interpreter import File
from keras_inception.weights import pretrained, store
from keras_inception.weights.presets import CAFFE


@pytest.fixture(scope="module")
def bvlc(shared):
    return shared / "weights" / "googlenet_bvlc_hwio.npz"


@pytest.fixture(scope="module")
def found(bvlc):
    """The weights with their network and preprocessing."""
    return pretrained.load(bvlc, "googlenet")


@pytest.fixture(scope="module")
def reference(shared):
    """(n, 224, 224, 3) uint8 pixels of the nine crops, and their logits in float64."""
    kept = np.load(shared / "weights" / "googlenet_bvlc_photo_logits.npz")
    names = [str(name).removesuffix(".png") for name in kept["files"]]
    crops = shared / "data" / "photos" / "crops_224"
    pixels = np.stack([np.asarray(Image.open(crops / f"{name}.png")) for name in names])
    return pixels, kept["logits"]


def test_the_logits_are_those_of_the_original_network(bvlc, reference):
    pixels, logits = reference
    model = ki.GoogLeNet(weights=bvlc, classifier_activation=None)
    assert model.count_params() == 6_998_552
    images = ki.preprocess_input(pixels, "googlenet.caffe_in1k")
    blue_first = pixels[..., ::-1].astype("float32") - np.float32([104, 117, 123])
    np.testing.assert_array_equal(images, blue_first)
    np.testing.assert_allclose(model(images), logits, atol=1e-3)


@pytest.mark.parametrize("change", ["mean 104.007", "RGB", "same padding", "alpha undivided"])
def test_a_small_mistake_in_any_of_it_shows_in_the_logits(found, reference, change):
    """The comparison above would not notice a mistake that hardly moves a logit."""
    pixels, logits = reference
    net, expected = replace(found.net, activation=None), found.preprocessing
    if change == "mean 104.007":
        expected = replace(expected, mean=(104.0070, 116.6688, 122.6789))
    elif change == "RGB":
        expected = replace(expected, order="RGB", mean=(123.0, 117.0, 104.0))
    else:
        field, value = {
            "same padding": ("padding", "same"),
            "alpha undivided": ("alpha", 1e-4),
        }[change]
        rows = tuple(replace(r, **{field: value}) if hasattr(r, field) else r for r in net.rows)
        net = replace(net, rows=rows)
    model = ki.build(net)
    store.write(model, found.arrays)
    outputs = model(expected(pixels[:2]))
    assert np.abs(outputs - logits[:2]).max() > 0.01


def test_with_its_preprocessing_inside_the_model_takes_pixels(bvlc, reference, tmp_path):
    pixels, logits = reference
    model = ki.GoogLeNet(weights=bvlc, classifier_activation=None, include_preprocessing=True)
    np.testing.assert_allclose(model(pixels), logits, atol=1e-3)
    model.save(tmp_path / "x.keras")
    again = ki.load_model(tmp_path / "x.keras")
    np.testing.assert_allclose(again(pixels[:2]), logits[:2], atol=1e-3)


def test_the_evaluation_crop_of_a_photograph_is_the_reference_crop(shared):
    record = json.loads((shared / "weights" / "googlenet_bvlc_photo_top5.json").read_text())
    photos = shared / "data" / "photos"
    for path in sorted(photos.glob("*.jpg")):
        kept = np.asarray(Image.open(photos / "crops_224" / f"{path.stem}.png"))
        ours = np.asarray(centre(Image.open(path).convert("RGB"), 224, CAFFE))
        # Decoders of JPEG differ by a step here and there.
        assert np.abs(ours.astype(int) - kept).max() <= 4
        assert sha256(kept.tobytes()).hexdigest() in json.dumps(record)


def test_predict_names_what_is_on_a_photograph(bvlc, shared, capsys):
    photo = str(shared / "data" / "photos" / "dragonfly.jpg")
    assert main(["predict", photo, "--weights", str(bvlc)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == photo and len(lines) == 6
    probability, name = lines[1].split(maxsplit=1)
    assert name == "dragonfly" and float(probability) == pytest.approx(0.9694, abs=0.01)
    assert lines[2].endswith("damselfly")


def test_the_labelled_photographs_are_recognized(bvlc, shared, tmp_path):
    """Five of seven first, all seven among the first five: what the original network says."""
    lines = (shared / "data" / "photos" / "crops_224" / "labels.csv").read_text().splitlines()[1:]
    listing = tmp_path / "labels.txt"
    listing.write_text("\n".join(" ".join(line.split(",")[:2]) for line in lines))
    scores = evaluate(
        bvlc, images=shared / "data" / "photos" / "crops_224", labels=listing, short_side=224
    )
    assert scores.images == 7
    assert (round(7 * scores.top1), round(7 * scores.top5)) == (5, 7)


def test_what_a_file_does_not_hold_is_not_promised(bvlc):
    with pytest.raises(BadInput, match="without auxiliary heads"):
        ki.GoogLeNet(weights=bvlc, aux=True)
    with pytest.raises(BadInput, match="1000 classes; got classes=10: give classes=1000, or incl"):
        ki.GoogLeNet(weights=bvlc, classes=10)
    with pytest.raises(BadInput, match="does not hold the weights of inception_v4"):
        ki.InceptionV4(weights=bvlc)


@pytest.fixture(scope="module")
def int8(bvlc, shared, tmp_path_factory):
    return export(
        bvlc, scheme="int8", images=shared / "data" / "photos", out=tmp_path_factory.mktemp("x")
    ).path


@pytest.mark.slow
def test_the_int8_file_is_integer_throughout_normalization_included(int8):
    found = audit(graph_of(int8))
    assert found.integer
    assert not any("LOCAL_RESPONSE" in operator for operator in found.operators)


@pytest.mark.slow
def test_the_int8_file_takes_raw_pixels(int8, reference):
    file, (pixels, _) = File(int8), reference
    assert file.input_quantization == (1.0, 0)
    assert open_classifier(int8).preprocessing == CAFFE.raw
    np.testing.assert_array_equal(file.encoded(CAFFE.raw(pixels)), pixels)


@pytest.mark.slow
def test_the_int8_file_says_what_the_float_network_says(int8, reference):
    """On the seven with a clear first class; the probabilities of 8 bits are within a few steps."""
    pixels, logits = reference
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = odds / odds.sum(axis=1, keepdims=True)
    scores = File(int8).scores(CAFFE.raw(pixels))
    clear = expected.max(axis=1) > 0.5
    assert clear.sum() == 7
    np.testing.assert_array_equal(scores[clear].argmax(1), expected[clear].argmax(1))
    assert np.abs(scores - expected).max() < 0.2
    assert np.abs(scores - expected).mean() < 5e-4


def test_without_normalization_it_would_not(found, reference):
    """The bounds above are ones that a broken normalization does not keep."""
    pixels, logits = reference
    model = ki.build(ki.transform.with_norm(replace(found.net, activation=None), None))
    store.write(model, found.arrays)
    outputs = np.array(model(found.preprocessing(pixels)))
    assert (outputs.argmax(1) == logits.argmax(1)).sum() <= 2


def test_fine_tuning_keeps_the_trunk_and_replaces_the_classifier(found):
    from keras_inception.weights.transfer_learning import reuse

    found = found.without_classifiers()
    net = replace(found.net, classes=10, input_shape=(96, 96, 1))
    model = ki.build(net)
    used = reuse(model, found.arrays, "bvlc")
    assert used.new == ("loss3_classifier/kernel", "loss3_classifier/bias")
    assert used.adapted == ("conv1_7x7_s2/kernel",)
    assert used.unused == () and len(used.taken) == 113
    kernel = model.get_layer("inception_4e_3x3").kernel
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(kernel), found.arrays["inception_4e_3x3/kernel"]
    )
    grey = np.random.default_rng(0).uniform(-100, 100, (1, 96, 96, 1)).astype("float32")
    rgb = ki.build(replace(found.net, input_shape=(96, 96, 3), top=()))
    store.write(rgb, found.arrays, partial=True)
    one = ki.build(replace(net, top=()))
    reuse(one, found.arrays, "bvlc")
    np.testing.assert_allclose(one(grey), rgb(grey.repeat(3, -1)), atol=1e-2)
