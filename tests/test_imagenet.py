"""Predictions are named, and photographs in folders or lists find their class."""

import numpy as np
import pytest
from PIL import Image

import keras_inception as ki
from keras_inception.class_matching import match
from keras_inception.errors import BadInput
from keras_inception.imagenet import class_names, imagenet_classes
from keras_inception.preprocess import Preprocessing
from keras_inception.training.data.labelled import labelled


def scores(classes, best):
    found = np.full((1, classes), 0.1)
    found[0, best] = [0.9, 0.8]
    return found


def test_the_classes_are_in_the_order_of_their_ids():
    ids = [wnid for wnid, _ in imagenet_classes()]
    assert len(ids) == 1000 and ids == sorted(ids)
    assert imagenet_classes()[0] == ("n01440764", "tench")
    assert imagenet_classes()[999] == ("n15075141", "toilet tissue")


def test_the_best_classes_are_named_best_first():
    (best,) = ki.decode_predictions(scores(1000, [281, 285]), top=2)
    assert best == [("n02123045", "tabby", 0.9), ("n02124075", "Egyptian cat", 0.8)]


def test_a_background_moves_the_others_by_one():
    (best,) = ki.decode_predictions(scores(1001, [282, 0]), top=2)
    assert [name for _, name, _ in best] == ["tabby", "background"]
    assert class_names(1001)[1] == "tench"


def test_other_classes_need_names():
    with pytest.raises(BadInput, match="got 1008: give labels="):
        ki.decode_predictions(np.zeros((1, 1008)))
    with pytest.raises(BadInput, match="3 classes need as many labels; got 2"):
        ki.decode_predictions(np.zeros((1, 3)), labels=["a", "b"])
    with pytest.raises(BadInput, match=r"shape \(n, classes\)"):
        ki.decode_predictions(np.zeros(3))
    ((best,),) = ki.decode_predictions(np.eye(3)[1:2], top=1, labels=["a", "b", "c"])
    assert best == ("1", "b", 1.0)


@pytest.fixture
def folder(tmp_path):
    for wnid, shade in (("n02123045", 10), ("n01440764", 200)):
        (tmp_path / wnid).mkdir()
        Image.new("RGB", (8, 8), (shade,) * 3).save(tmp_path / wnid / "x.png")
    return tmp_path


def test_sub_folders_name_classes(folder):
    found = labelled(folder)
    assert [found.classes[k] for k in found.labels] == ["n01440764", "n02123045"]
    assert [found.image(i).getpixel((0, 0))[0] for i in (0, 1)] == [200, 10]


@pytest.mark.parametrize("line", ["{} 281", "{}\t281", "{}, 281", "{} n02123045", "{} tabby"])
def test_a_list_names_classes(folder, line):
    listing = folder / "val.txt"
    listing.write_text(line.format("n02123045/x.png") + "\n\n")
    found = labelled(folder, listing)
    known = match(found.classes, class_names(1000), what="a list", who="a network", numbers=True)
    assert [*known.values()] == [281] and found.labels.tolist() == [0]


def test_a_list_made_in_the_folder_above_is_understood(folder):
    listing = folder / "val.txt"
    listing.write_text("./photographs/x.png 7\n")
    assert labelled(folder / "n02123045", listing).classes == ("7",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n02123045/x.png", "line 1 of .* needs a file name and a class"),
        ("nowhere.png 3", "line 1 of .*there is no file"),
        ("", "is empty"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(folder, text, words):
    listing = folder / "val.txt"
    listing.write_text(text)
    with pytest.raises(BadInput, match=words):
        labelled(folder, listing)


def test_folders_that_cannot_be_used_are_refused(folder):
    with pytest.raises(BadInput, match="there is no folder"):
        labelled(folder / "none")
    with pytest.raises(BadInput, match=r"no file .*none.txt"):
        labelled(folder, folder / "none.txt")
    (folder / "empty").mkdir()
    with pytest.raises(BadInput, match="there are no photographs"):
        labelled(folder / "empty")


def test_preprocessing_is_done_in_the_order_of_the_channels():
    pixels = np.array([[[10, 20, 30]]], np.uint8)
    caffe = Preprocessing((104.0, 117.0, 123.0), 1.0, "BGR")
    np.testing.assert_array_equal(caffe(pixels), [[[30 - 104, 20 - 117, 10 - 123]]])
    kernel, offset = caffe.as_convolution()
    np.testing.assert_allclose(pixels[0] @ kernel[0, 0] + offset, caffe(pixels)[0])
    assert caffe.range == (-123.0, 151.0) and not caffe.is_quantization
    assert Preprocessing().range == (-1.0, 127 / 128) and Preprocessing().is_quantization
    grey = caffe.for_channels(1)
    assert grey.mean == pytest.approx(344 / 3) and grey.order == "RGB"


@pytest.mark.parametrize(
    ("field", "value"), [("order", "GBR"), ("crop", 0), ("std", 0.0), ("interpolation", "cubic")]
)
def test_preprocessing_that_makes_no_sense_is_refused(field, value):
    with pytest.raises(BadInput, match=f"{field} must be"):
        Preprocessing(**{field: value})
