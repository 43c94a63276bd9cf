"""The rewritten first convolution computes the same bits."""

import numpy as np
import pytest
import tf_keras
from tf_keras import layers

from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.conversion.convert import convert, left_to_the_user
from keras_inception.tflite.conversion.stem import faster_stem
from keras_inception.tflite.file.flatbuffer import kind, unpack
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.gates.audit import audit
from keras_inception.weights.presets import CAFFE

OURS = Preprocessing()


def file_of(kernel, size=16, channels=3, strides=2, around=None, expected=OURS):
    """An INT8 file of one convolution as the converter makes it, not rewritten."""
    tf_keras.utils.set_random_seed(0)
    image = x = layers.Input((*np.broadcast_to(size, 2), channels))
    if around:
        x = layers.ZeroPadding2D(around)(x)
    padding = "valid" if around is not None else "same"
    x = layers.Conv2D(8, kernel, strides, padding=padding, activation="relu")(x)
    model = tf_keras.Model(image, layers.Conv2D(8, 1)(x))
    pixels = np.random.default_rng(0).integers(0, 256, (4, *model.input_shape[1:]))
    return convert(model, "int8", expected, "uint8", pixels)


def slow(options):
    return pytest.param(options, marks=pytest.mark.slow)


def operators(content):
    model = unpack(content)
    return [kind(model, operator) for operator in model.subgraphs[0].operators]


@pytest.mark.parametrize(
    "options",
    [
        {"kernel": 3},
        {"kernel": (4, 2), "size": (12, 20)},
        {"kernel": 7, "around": ((3, 2), (2, 3)), "expected": CAFFE},
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
    given = left_to_the_user(options.get("expected", OURS))(images)
    expected, found = File(before).scores(given), File(after).scores(given)
    assert len(np.unique(expected)) > 50
    np.testing.assert_array_equal(found, expected)
    (preprocessed,) = [i for i, name in enumerate(operators(after)) if name == "SPACE_TO_DEPTH"]
    assert "CONV_2D" not in operators(after)[:preprocessed]


@pytest.mark.parametrize(
    "options",
    [
        {"kernel": 7, "size": 15},
        {"kernel": 3, "around": 0},
        slow({"kernel": 7, "strides": 1}),
        slow({"kernel": 3, "channels": 8}),
        slow({"kernel": 1}),
    ],
    ids=str,
)
def test_others_are_left_alone(options):
    before = file_of(**options)
    assert faster_stem(before) == before


def test_of_float_files_nothing_is_rewritten():
    image = layers.Input((32, 32, 3))
    model = tf_keras.Model(image, layers.Conv2D(8, 7, 2, padding="same", name="conv1")(image))
    content = convert(model, "float32", Preprocessing())
    assert faster_stem(content) == content
