"""Anybody's Keras 3 classifier made ready: plain layers, pixels understood, probabilities out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from keras_inception.classes import class_names
from keras_inception.errors import BadInput
from keras_inception.preprocess import NAMED, Preprocessing, named

from .calls import flat, in_float32
from .front import apart, then
from .twin import built, require_same

log = logging.getLogger(__name__)

#: Layers whose outputs can be logits: they neither bound nor normalize what they give.
_LINEAR = "Add AveragePooling2D BatchNormalization Conv2D Dense DepthwiseConv2D Dropout Flatten"
_LINEAR = (*_LINEAR.split(), "GlobalAveragePooling2D", "Reshape", "SeparableConv2D")


def labels(path: str | Path) -> tuple[str, ...]:
    """The classes that a text file names, one on each line; "imagenet" is no file, but its 1000."""
    if str(path) == "imagenet":
        return class_names(1000)
    if not Path(path).is_file():
        raise BadInput(f"there is no file {str(path)!r}; give one of class names, one on each line")
    return tuple(line.strip() for line in Path(path).read_text("utf-8").splitlines())


def require_named(model, classes: Sequence[str]) -> None:
    """Raise BadInput unless `classes` has a name for every output of `model`."""
    outputs = model.output_shape[1]
    if len(classes) != outputs:
        raise BadInput(
            f"{model.name} has {outputs} classes; {len(classes)} are named: give --classes "
            "a text file with a name on each line, in the order of the outputs"
        )


def classifier(model, preprocessing: str | Preprocessing | None = None):
    """A Keras 3 model in plain layers that gives probabilities, and what pixels become for it.

    `preprocessing` is a record, or the name of one in NAMED, of what the pixels 0..255 become
    before `model`; None where the model itself begins with that. The layers it begins with are
    taken off and are part of the record that comes back. Raises BadInput if there is no such
    record, or if `model` does not give one probability, or one logit, for each class.
    """
    model = in_float32(model)
    front, rest = apart(flat(model))
    if preprocessing is None and front is None:
        raise BadInput(
            f"{model.name} does not begin with preprocessing: say with --preprocessing how pixels "
            f"0..255 become its input, one of {', '.join(NAMED)}"
        )
    height, width, channels = rest.shape
    if height != width or channels not in (1, 3):
        raise BadInput(
            f"{model.name} takes {rest.shape}; square images of 1 or 3 channels are needed"
        )
    given = named("raw" if preprocessing is None else preprocessing).for_channels(channels)
    expected = then(given, front)
    plain = built(rest, keras, model.name)
    noise = np.random.default_rng(0).integers(0, 256, (4, *rest.shape))
    require_same("the model in plain layers", plain, expected(noise), model, given(noise))
    return _with_probabilities(plain), expected


def _with_probabilities(model):
    if len(model.output_shape) != 2:
        raise BadInput(
            f"{model.name} gives {model.output_shape}; one number for each class is needed, "
            "(batch, classes)"
        )
    (last,) = (layer for layer in model.layers if layer.output is model.output)
    kind = type(last).__name__
    if kind == "Activation" and last.get_config()["activation"] == "softmax":
        return model
    if kind not in _LINEAR or model.output_shape[1] < 2:
        raise BadInput(
            f"{model.name} ends in {last.name} ({kind}) with {model.output_shape[1]} outputs; a "
            "softmax over the classes is needed, or the logits before it"
        )
    log.info("%s gives logits: a softmax is added", model.name)
    scores = keras.layers.Activation("softmax", name=f"{last.name}_softmax")(model.output)
    return keras.Model(model.inputs, scores, name=model.name)
