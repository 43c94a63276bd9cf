"""From a published file to a model: fetched, verified, unpacked, renamed, complete; or refused."""

import io
import re
import tarfile
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from helpers.networks import to_heads

import keras_inception as ki
from keras_inception.builder import build
from keras_inception.cli import main
from keras_inception.errors import BadInput
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.preprocess import Preprocessing
from keras_inception.training import fit
from keras_inception.training.recipes.recipe import recipe_for
from keras_inception.transform import widen
from keras_inception.variants import VARIANTS
from keras_inception.weights import presets, pretrained, store
from keras_inception.weights.names import NAME_MAPS, caffe
from keras_inception.weights.presets import PRESETS, RECOMMENDED, Preset

#: A network small enough to make its file in a test, with a background class.
TINY = replace(widen(to_heads(GOOGLENET), 0.25), input_shape=(32, 32, 3))
#: As publishers give them, PyTorch 8 digits in a file's name.
DIGEST = r"(sha256:(?=.{8}$|.{64}$)|sha384:(?=.{96}$)|md5:(?=.{32}$))[0-9a-f]+"
EXPECTED = Preprocessing((1.0, 2.0, 3.0), 4.0, "BGR")


@pytest.fixture(scope="module")
def trained():
    """The weights under our names, and the same as Caffe would keep them."""
    net = replace(TINY, classes=1001)
    ours = store.read(build(net))
    theirs = {}
    for key, source in caffe.names(net).items():
        array = ours[key]
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        elif key.endswith("_fc/kernel"):
            array = array.reshape(4, 4, -1, array.shape[-1]).transpose(3, 2, 0, 1)
            array = array.reshape(len(array), -1)
        else:
            array = array.T
        theirs[source.key] = array
    return ours, theirs


@pytest.fixture
def archive(trained, tmp_path, monkeypatch):
    """A preset whose archive lies in a folder, and an empty cache."""
    content = io.BytesIO()
    np.savez(content, **trained[1])
    path = tmp_path / "tiny.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("models/tiny.npz")
        member.size = len(content.getvalue())
        tar.addfile(member, io.BytesIO(content.getvalue()))
    record = Preset(
        "googlenet.tiny",
        "tiny",
        "caffe",
        path.as_uri(),
        f"sha256:{sha256(path.read_bytes()).hexdigest()}",
        EXPECTED,
        1.0,
        5.0,
        "none",
        "a test",
        classes=1001,
        heads="trained",
        archive_member="*.npz",
    )
    monkeypatch.setitem(PRESETS, record.tag, record)
    monkeypatch.setitem(VARIANTS, "tiny", TINY)
    monkeypatch.setitem(RECOMMENDED, "googlenet", record.tag)
    monkeypatch.setenv("KERAS_INCEPTION_CACHE", str(tmp_path / "cache"))
    return path


def test_imagenet_weights_arrive_in_the_model(archive, trained):
    ours, _ = trained
    model = ki.GoogLeNet(weights="imagenet", classes=1001, aux=True)
    assert model.output_names == ["main", "aux1", "aux2"]
    for key, array in store.read(model).items():
        np.testing.assert_array_equal(array, ours[key])


def test_the_background_class_is_left_out_unless_asked_for(archive, trained):
    ours, _ = trained
    model = ki.GoogLeNet(weights="googlenet.tiny")
    arrays = store.read(model)
    assert model.output_shape == (None, 1000)
    for variable in ("kernel", "bias"):
        key = f"loss3_classifier/{variable}"
        np.testing.assert_array_equal(arrays[key], ours[key][..., 1:])


def test_without_the_classifier_the_trunk_is_the_same(archive, trained):
    model = ki.GoogLeNet(weights="imagenet", include_top=False, pooling="avg", classes=7)
    key = "inception_4d_3x3/kernel"
    np.testing.assert_array_equal(store.read(model)[key], trained[0][key])


def test_the_preprocessing_comes_with_the_weights(archive):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    plain = ki.GoogLeNet(weights="imagenet")
    inside = ki.GoogLeNet(weights="imagenet", include_preprocessing=True)
    expected = plain(ki.preprocess_input(pixels, "googlenet.tiny"))
    np.testing.assert_allclose(inside(pixels), expected, atol=1e-6)


def test_a_second_time_needs_no_network(archive):
    first = pretrained.load("googlenet.tiny")
    archive.unlink()
    again = pretrained.load("googlenet.tiny")
    assert first.arrays.keys() == again.arrays.keys()


def test_a_file_that_is_not_the_published_one_is_not_read(archive, monkeypatch):
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(pretrained.formats, "read", None)
    with pytest.raises(BadInput, match="not the file that was published"):
        ki.GoogLeNet(weights="imagenet")


def test_untrained_heads_are_announced(archive, monkeypatch, caplog):
    monkeypatch.setitem(
        PRESETS, "googlenet.tiny", replace(PRESETS["googlenet.tiny"], heads="untrained")
    )
    ki.GoogLeNet(weights="imagenet", aux=True, classes=1001)
    assert "heads of googlenet.tiny were never trained" in caplog.text


def test_a_file_of_ours_says_what_it_is(archive, trained, tmp_path, capsys):
    path = tmp_path / "ours.npz"
    assert main(["convert", "googlenet.tiny", str(path)]) == 0
    archive.unlink()
    found = pretrained.load(path)
    assert found.net == PRESETS["googlenet.tiny"].net and found.preprocessing == EXPECTED
    for key, array in found.arrays.items():
        np.testing.assert_array_equal(array, trained[0][key])
    with pytest.raises(BadInput, match="holds the weights of googlenet; those of inception_v4"):
        ki.InceptionV4(weights=path)
    with pytest.raises(BadInput, match=r"written to a .npz file"):
        pretrained.save(found, tmp_path / "ours.h5")


def test_a_file_of_ours_with_a_damaged_record_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, **{pretrained.RECORD: np.frombuffer(b"{", np.uint8)})
    with pytest.raises(BadInput, match=r"the record in .* is damaged"):
        pretrained.load(path)


@pytest.mark.parametrize("change", ["one more", "one less"])
def test_both_leftovers_of_a_file_that_does_not_fit_are_named(trained, tmp_path, change, archive):
    theirs = dict(trained[1])
    if change == "one more":
        theirs["surplus"] = np.zeros(3)
    else:
        del theirs["inception_4d/1x1/0"]
    path = tmp_path / "x.npz"
    np.savez(path, **theirs)
    words = {
        "one more": "without a place: surplus",
        "one less": "not in the file: inception_4d/1x1",
    }
    with pytest.raises(BadInput, match=words[change]):
        pretrained.load(path, "googlenet")


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("nobody", 'weights of googlenet are "imagenet", googlenet.caffe_in1k'),
        ("inception_v3.keras_in1k", "neither a preset nor a file 'inception_v3.keras_in1k'"),
    ],
)
def test_names_that_mean_nothing_are_refused(weights, words):
    with pytest.raises(BadInput, match=words):
        ki.GoogLeNet(weights=weights)


def test_a_network_without_published_weights_says_so():
    with pytest.raises(BadInput, match="no ImageNet weights of inception_resnet_v1"):
        ki.InceptionResNetV1(weights="imagenet")


def test_every_preset_can_be_read():
    for tag, record in PRESETS.items():
        assert tag.split(".")[0] == record.network and record.url.startswith("http")
        sources = NAME_MAPS[record.names].names(record.net)
        assert len({source.key for source in sources.values()}) == len(sources)
        # Without a digest, it is the connection that says whose file it is.
        assert re.fullmatch(DIGEST, record.digest) if record.digest else "https:" in record.url
    assert len({record.file for record in PRESETS.values()}) == len(PRESETS)
    assert {presets.preset("imagenet", name).network for name in RECOMMENDED} == set(RECOMMENDED)


def test_the_list_of_weights_shows_every_preset(capsys):
    assert main(["weights"]) == 0
    out = capsys.readouterr().out
    assert all(tag in out for tag in PRESETS)
    assert out.count("*") == len(RECOMMENDED) + 1


@pytest.mark.slow
def test_training_starts_from_published_weights(archive, trained, tmp_path, caplog):
    """Grey digits: the first kernel adapted, the classifier new, the trunk where it was."""
    recipe = recipe_for("digits", weights="imagenet", image_size=32, epochs=1, learning_rate=1e-9)
    assert (recipe.norm, recipe.width) == ("published", 1.0)
    with caplog.at_level("INFO"):
        run = fit.start(recipe, tmp_path / "run")
    assert "adapted: conv1_7x7_s2; new: loss3_classifier" in caplog.text
    assert run.preprocessing == Preprocessing(2.0, 4.0)
    arrays = store.read(ki.load_model(run.model))
    key = "inception_4d_3x3/kernel"
    np.testing.assert_allclose(arrays[key], trained[0][key], atol=1e-5)
    kernel = "conv1_7x7_s2/kernel"
    np.testing.assert_allclose(
        arrays[kernel], trained[0][kernel].sum(axis=2, keepdims=True), atol=1e-5
    )


def test_a_classifier_is_kept_only_for_as_many_classes(archive, tmp_path):
    recipe = recipe_for("digits", weights="imagenet", classes_from_data=False, image_size=32)
    with pytest.raises(BadInput, match=r"has 1001 classes, the data have 10; --classes-from-data"):
        fit.start(recipe, tmp_path / "run")


def test_a_network_of_another_shape_does_not_pass_for_the_published_one(archive, tmp_path):
    recipe = recipe_for("digits", weights="imagenet", image_size=32, width=0.5)
    with pytest.raises(BadInput, match=r"has little in common with googlenet.tiny"):
        fit.start(recipe, tmp_path / "run")
