"""Weights that people have: of a trunk, with another head, as training scripts leave them.

The names of the arrays are those that torchvision and Keras wrote; the numbers do not matter.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

import keras_inception as ki
from keras_inception.cli import main
from keras_inception.errors import BadInput
from keras_inception.training import fit
from keras_inception.training.recipes.recipe import recipe_for
from keras_inception.transform import without_aux
from keras_inception.variants import VARIANTS
from keras_inception.weights import pretrained, store
from keras_inception.weights.keys import keys
from keras_inception.weights.names import NAME_MAPS
from keras_inception.weights.recognition import has_classifier, recognize

GOLDEN = Path(__file__).parent / "golden" / "names_torchvision_googlenet.txt"
SMALL = {"width": 0.25, "input_shape": (32, 32, 3)}


def zeros(*shape):
    return np.broadcast_to(np.float32(0), shape)


@pytest.fixture(scope="module")
def googlenet():
    """The arrays of torchvision's GoogLeNet, its auxiliary heads included."""
    lines = (line.split(" ") for line in GOLDEN.read_text().splitlines())
    return {name: zeros(*map(int, filter(None, shape.split("x")))) for name, shape in lines}


def tuned(arrays, classes=5):
    """The same with another last layer, and without the auxiliary heads."""
    kept = {name: array for name, array in arrays.items() if not name.startswith("aux")}
    return kept | {"fc.weight": zeros(classes, 1024), "fc.bias": zeros(classes)}


def prefixed(prefix, arrays):
    return {prefix + name: array for name, array in arrays.items()}


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module.net.backbone."])
def test_what_wrappers_put_before_all_names_is_taken_off_and_said(googlenet, prefix, caplog):
    beside = {"criterion.weight": zeros(5)}
    with caplog.at_level("INFO"):
        found = recognize(prefixed(prefix, tuned(googlenet)) | beside, "x.pth", "googlenet", None)
    assert (
        found.net.classes == 5 and not found.net.heads and has_classifier(found.net, found.arrays)
    )
    assert f"{prefix!r} is taken off" in caplog.text
    assert "left out: criterion.weight (1 arrays)" in caplog.text


def test_a_classifier_within_a_sequential_is_the_classifier(googlenet, caplog):
    arrays = tuned(googlenet)
    arrays = {name.replace("fc.", "fc.1."): array for name, array in arrays.items()}
    with caplog.at_level("INFO"):
        found = recognize(arrays, "x.pth", "googlenet", None)
    assert found.net.classes == 5
    assert "fc.1.bias, fc.1.weight is taken for its classifier" in caplog.text
    several = arrays | {"fc.3.weight": zeros(5, 5), "fc.3.bias": zeros(5)}
    found = recognize(several, "x.pth", "googlenet", None)
    assert not has_classifier(found.net, found.arrays)
    assert "left out: fc.1.bias, fc.1.weight, fc.3.bias, fc.3.weight (4 arrays)" in caplog.text


def test_auxiliary_heads_of_other_classes_are_left_out_by_name(googlenet, caplog):
    arrays = googlenet | {"fc.weight": zeros(5, 1024), "fc.bias": zeros(5)}
    found = recognize(arrays, "x.pth", None, None)
    assert found.net.classes == 5 and not found.net.heads
    assert "left out: aux1.conv.bn.bias" in caplog.text and "(18 arrays)" in caplog.text
    five = {n: zeros(5, *a.shape[1:]) if "fc2" in n else a for n, a in arrays.items()}
    assert len(recognize(five, "x.pth", None, None).net.heads) == 2


def test_without_its_classifier_it_is_a_trunk(googlenet):
    arrays = {n: a for n, a in tuned(googlenet).items() if not n.startswith("fc.")}
    found = recognize(arrays, "x.pth", "googlenet", None)
    trunk = {str(key) for key in keys(without_aux(VARIANTS["googlenet.torchvision"]))}
    assert found.arrays.keys() == {key for key in trunk if "classifier" not in key}


def test_what_stands_inside_a_block_is_not_left_out(googlenet):
    """It would be another network: one with excitation in its blocks, for one."""
    arrays = {n: a for n, a in tuned(googlenet).items() if not n.startswith("fc.")}
    with pytest.raises(BadInput, match=r"without a place: inception3a\.se\.weight"):
        recognize(arrays | {"inception3a.se.weight": zeros(3)}, "x.pth", "googlenet", None)


@pytest.mark.parametrize("channels", [1, 4])
def test_a_stem_for_other_channels_makes_a_network_for_these(googlenet, channels):
    arrays = tuned(googlenet) | {"conv1.conv.weight": zeros(64, channels, 7, 7)}
    assert recognize(arrays, "x.pth", None, None).net.input_shape == (224, 224, channels)


def test_half_precision_is_taken(googlenet):
    arrays = {name: array.astype(np.float16) for name, array in tuned(googlenet).items()}
    assert recognize(arrays, "x.pth", "googlenet", None).net.classes == 5


def test_weights_that_are_not_finite_are_refused_by_name(googlenet):
    arrays = tuned(googlenet) | {"fc.bias": np.float32([0, 0, np.nan, 0, 0])}
    with pytest.raises(BadInput, match=r"x\.pth .*: fc\.bias holds NaN or infinity"):
        recognize(arrays, "x.pth", "googlenet", None)


@pytest.mark.parametrize("kind", ["keras_applications", "keras_numbers"])
@pytest.mark.parametrize("within", ["", "inception_v3/"])
def test_a_trunk_of_keras_applications_is_found_under_any_head(kind, within, caplog):
    net = without_aux(VARIANTS["inception_v3.keras"])
    shapes = {str(key): key.shape for key in keys(net)}
    sources = NAME_MAPS[kind].names(net)
    arrays = {
        within + source.key: zeros(*shapes[key])
        for key, source in sources.items()
        if not key.startswith("Logits/")
    }
    head = {"batch_normalization:94/0": zeros(2048), "dense_7/0": zeros(2048, 3)}
    found = recognize(arrays | head, "x.h5", "inception_v3", None)
    assert len(found.arrays) == len(arrays) and not has_classifier(found.net, found.arrays)
    assert "left out: batch_normalization:94/0, dense_7/0 (2 arrays)" in caplog.text


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small network of ours, and the folder of the files that Keras 3 saved it in."""
    keras.utils.set_random_seed(0)
    model = ki.GoogLeNet(classes=5, **SMALL)
    folder = tmp_path_factory.mktemp("saved")
    model.save_weights(folder / "x.weights.h5")
    model.save(folder / "x.h5")
    return model, folder


@pytest.mark.parametrize("name", ["x.weights.h5", "x.h5"])
def test_a_trunk_of_ours_comes_out_of_any_file_of_keras(saved, name):
    model, folder = saved
    trunk = ki.GoogLeNet(include_top=False, weights=folder / name, **SMALL)
    key = "inception_5b_3x3/kernel"
    np.testing.assert_array_equal(store.read(trunk)[key], store.read(model)[key])
    assert trunk.preprocessing is None


def test_our_own_weights_need_their_own_classes_and_width(saved):
    _, folder = saved
    path = folder / "x.weights.h5"
    with pytest.raises(BadInput, match="has 5 classes; got classes=1000: give classes=5, or incl"):
        ki.GoogLeNet(weights=path, **SMALL)
    with pytest.raises(BadInput, match=r"conv1_7x7_s2/0 has the shape .*, which cannot be"):
        ki.GoogLeNet(weights=path, classes=5)


def test_our_own_layers_alone_do_not_say_whose_padding_they_had(saved, tmp_path, capsys):
    path = saved[1] / "x.weights.h5"
    assert main(["convert", str(path), str(tmp_path / "x.npz")]) == 2
    assert "calls its layers as googlenet has them here" in capsys.readouterr().err
    assert not (tmp_path / "x.npz").exists()


@pytest.fixture
def trunk(saved, tmp_path):
    """A file of ours that holds a trunk alone."""
    net = without_aux(ki.widen(ki.network("googlenet"), 0.25))
    arrays = {k: v for k, v in store.read(saved[0]).items() if "classifier" not in k}
    found = pretrained.PretrainedWeights(net, arrays, ki.Preprocessing(), "x")
    pretrained.save(found, tmp_path / "trunk.npz")
    return tmp_path / "trunk.npz"


def test_a_trunk_is_refused_as_a_classifier(trunk, tmp_path, capsys):
    with pytest.raises(BadInput, match=r"trunk of googlenet without a classifier.*include_top=Fal"):
        ki.GoogLeNet(weights=trunk)
    assert main(["predict", "photo.jpg", "--weights", str(trunk)]) == 2
    assert f"train --weights {trunk} --classes-from-data" in capsys.readouterr().err
    recipe = recipe_for("digits", weights=str(trunk), classes_from_data=False, image_size=32)
    with pytest.raises(BadInput, match="without a classifier"):
        fit.start(recipe, tmp_path / "run")


@pytest.mark.slow
def test_a_trunk_trains_a_classifier(trunk, tmp_path, capsys):
    start = ["train", "--run", str(tmp_path / "r"), "--data", "digits", "--weights", str(trunk)]
    assert main([*start, "--classes-from-data", "--image-size", "32", "--dry-run"]) == 0
    assert str(trunk) in capsys.readouterr().out
