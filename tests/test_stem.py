"""The rewritten first convolution computes the same bits."""

import keras
import numpy as np
import pytest
from helpers.networks import plain
from keras import layers

from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.convert import to_tflite
from keras_inception.tflite.convert.space_to_depth_stem import faster_stem
from keras_inception.tflite.file.interpreter import File
from keras_inception.weights.presets import CAFFE

OURS = Preprocessing()


def file_of(
    kernel, size=16, channels=3, strides=2, around=None, expected=OURS, groups=1, groups_before=0
):
    """An INT8 file of one convolution as the converter makes it, not rewritten; with
    `groups_before`, after one of each pixel in so many groups."""
    keras.utils.set_random_seed(0)
    image = x = layers.Input((*np.broadcast_to(size, 2), channels))
    if groups_before:
        x = layers.Conv2D(channels, 1, groups=groups_before)(x)
    if around:
        x = layers.ZeroPadding2D(around)(x)
    padding = "valid" if around is not None else "same"
    x = layers.Conv2D(8, kernel, strides, padding=padding, groups=groups, activation="relu")(x)
    model = plain(keras.Model(image, layers.Conv2D(8, 1)(x)))
    pixels = np.random.default_rng(0).integers(0, 256, (4, *model.shape))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(to_tflite, "faster_stem", lambda graph: graph)
        return to_tflite.convert(model, "int8", expected, "uint8", pixels)


def slow(options):
    return pytest.param(options, marks=pytest.mark.slow)


def operators(content):
    return [name for name, _ in content.kinds()]


@pytest.mark.parametrize(
    "options",
    [
        {"kernel": 3},
        {"kernel": (4, 2), "size": (12, 20)},
        {"kernel": 7, "around": ((3, 2), (2, 3)), "expected": CAFFE},
        slow({"kernel": 3, "groups_before": 1}),
        slow({"kernel": 3, "groups_before": 3}),
        slow({"kernel": 7}),
        slow({"kernel": 5, "channels": 1}),
        slow({"kernel": 7, "around": 3}),
        slow({"kernel": 7, "around": ((3, 2), (2, 3))}),
        slow({"kernel": 7, "around": 3, "expected": CAFFE}),
        slow({"kernel": 3, "expected": CAFFE}),
    ],
    ids=str,
)
def test_every_output_is_the_same(options):
    before = file_of(**options)
    after = faster_stem(before)
    assert "SPACE_TO_DEPTH" in operators(after) and audit(after).integer
    images = np.random.default_rng(1).integers(0, 256, (8, *File(before).input_shape))
    given = options.get("expected", OURS).caller(images)
    expected, found = File(before).scores(given), File(after).scores(given)
    assert len(np.unique(expected)) > 50
    np.testing.assert_array_equal(found, expected)
    first = "CONV_2D" if options.get("groups_before", 0) > 1 else "SPACE_TO_DEPTH"
    assert next(name for name in operators(after) if name in ("CONV_2D", "SPACE_TO_DEPTH")) == first


@pytest.mark.parametrize(
    "options",
    [
        {"kernel": 7, "size": 15},
        {"kernel": 3, "around": 0},
        {"kernel": 3, "channels": 4, "groups": 2},
        slow({"kernel": 7, "strides": 1}),
        slow({"kernel": 3, "channels": 8}),
        slow({"kernel": 1}),
    ],
    ids=str,
)
def test_others_are_left_alone(options):
    before = file_of(**options)
    assert faster_stem(before) is before


def test_of_float_files_nothing_is_rewritten():
    image = layers.Input((32, 32, 3))
    model = plain(keras.Model(image, layers.Conv2D(8, 7, 2, padding="same")(image)))
    graph = to_tflite.convert(model, "float32", Preprocessing())
    assert faster_stem(graph) is graph
