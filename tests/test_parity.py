"""With the same weights, our networks compute what other people's models compute."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest

import keras_inception as ki
from keras_inception.networks import FAMILY
from keras_inception.transform import without_aux
from keras_inception.weights import store
from keras_inception.weights.names import NAME_MAPS
from keras_inception.weights.rename import rename

PAIRS = {
    "inception_v3": (ki.InceptionV3, keras.applications.InceptionV3),
    "inception_resnet_v2": (ki.InceptionResNetV2, keras.applications.InceptionResNetV2),
}


def renumbered(theirs) -> dict[str, np.ndarray]:
    """keras.applications' weights, with automatic layer numbers that start at 0."""
    names = {}
    for kind in ("conv2d", "batch_normalization"):
        numbered = [la.name for la in theirs.layers if re.fullmatch(rf"{kind}(_\d+)?", la.name)]
        numbered.sort(key=lambda name: int(name.removeprefix(kind)[1:] or 0))
        names |= {name: f"{kind}:{number}" for number, name in enumerate(numbered)}
    arrays = {}
    for key, array in store.read(theirs).items():
        layer, variable = key.split("/")
        arrays[f"{names.get(layer, layer)}/{variable}"] = array
    return arrays


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "top"),
    [
        ("inception_v3", False),
        pytest.param("inception_v3", True, marks=SLOW),
        pytest.param("inception_resnet_v2", False, marks=SLOW),
        pytest.param("inception_resnet_v2", True, marks=SLOW),
    ],
)
def test_the_same_numbers_as_keras_applications(name, top):
    our_builder, their_builder = PAIRS[name]
    shape = (299, 299, 3) if top else (139, 107, 3)
    arguments = {"include_top": top, "input_shape": shape, "classifier_activation": None}
    theirs = their_builder(weights=None, **arguments)
    rng = np.random.default_rng(0)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            noise = rng.normal(0, 0.3, (2, *layer.beta.shape))
            layer.set_weights([*noise, rng.uniform(0.3, 1.7, layer.beta.shape)])
    ours = our_builder(**arguments)
    net = without_aux(FAMILY[name])
    net = net if top else replace(net, top=())
    store.write(ours, rename(renumbered(theirs), net, NAME_MAPS["keras_applications"]))
    images = rng.uniform(-1, 1, (2, *shape)).astype("float32")
    expected = np.array(theirs(images))
    scale = max(1.0, float(np.std(expected)))
    assert np.std(expected) > 1e-3
    np.testing.assert_allclose(np.array(ours(images)) / scale, expected / scale, atol=1e-4)


@SLOW
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    "arguments",
    [
        {"include_top": False, "pooling": "avg", "input_shape": (75, 75, 3)},
        {"include_top": False, "pooling": "max", "input_shape": (90, 75, 3)},
        {"classes": 7, "input_shape": (75, 75, 3)},
    ],
    ids=["avg", "max", "classes"],
)
def test_the_same_arguments_give_the_same_shapes(name, arguments):
    ours, theirs = PAIRS[name]
    assert ours(**arguments).output.shape == theirs(weights=None, **arguments).output.shape
