"""Anybody's Keras 3 classifier made ready: plain layers, pixels understood, probabilities out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from keras_inception.errors import BadInput
from keras_inception.imagenet import class_names
from keras_inception.inference import outputs_of
from keras_inception.preprocess import Preprocessing, Unsaid, named

from .input_preprocessing import composed, split_off
from .lowering import lower
from .plain import WEIGHTED, Layer, PlainNetwork
from .read import in_float32, of_size, read
from .to_keras import require_equal, to_keras

log = logging.getLogger(__name__)

#: Layers whose outputs can be logits: they neither bound nor normalize what they give.
_LINEAR = (*WEIGHTED, "Add", "AveragePooling", "GlobalAveragePooling", "Reshape", "Scale")
#: What images are multiplied by, for a comparison that reaches every clip and saturation, of which
#: some show only before the softmax after them saturates too.
_AMPLITUDES = (1, 2, 4, 8, 16, 32, 64)
#: By how much of themselves images are changed to see how far float rounding goes; and how far
#: that is too far.
_NUDGE = np.float32(1e-6)
_MAGNIFIED = 1e-4


def labels(path: str | Path) -> tuple[str, ...]:
    """The classes that a text file names, one on each line; "imagenet" is no file, but its 1000."""
    if str(path) == "imagenet":
        return class_names(1000)
    if not Path(path).is_file():
        raise BadInput(f"there is no file {str(path)!r}; give one of class names, one on each line")
    return tuple(line.strip() for line in Path(path).read_text("utf-8").splitlines())


def require_named(network: PlainNetwork, classes: Sequence[str]) -> None:
    """Raise BadInput unless `classes` has a name for every output of `network`."""
    (outputs,) = network.output_shape
    if len(classes) != outputs:
        raise BadInput(
            f"{network.name} has {outputs} classes; {len(classes)} are named: give --classes "
            "a text file with a name on each line, in the order of the outputs"
        )


def classifier(
    model, preprocessing: str | Preprocessing | None = None, image_size: int | None = None
) -> tuple[PlainNetwork, Preprocessing]:
    """A Keras 3 model as plain layers that give probabilities, and what pixels become for it.

    `preprocessing` is a record, or the name of one in NAMED, of what the pixels 0..255 become
    before `model`; None where the model itself begins with that. The layers it begins with are
    taken off and are part of the record that comes back. `image_size` is for a model of open, of
    non-square or of other inputs: its layers are called on that size. Raises BadInput if there is
    no such record, if the layers fit no such size, if `model` does not give one probability, or one
    logit, for each class, or if the plain layers do not compute what it computes.
    """
    model = in_float32(model)
    if image_size is not None:
        model = of_size(model, image_size)
    front, rest = split_off(read(model))
    if preprocessing is None and front is None:
        raise Unsaid(f"{model.name} does not begin with preprocessing")
    height, width, channels = rest.shape
    if height != width or channels not in (1, 3):
        raise BadInput(
            f"{model.name} takes {rest.shape}; square images of 1 or 3 channels are needed: a size "
            "that it is made for instead is given with --image-size"
        )
    given = named("raw" if preprocessing is None else preprocessing).for_channels(channels)
    network = lower(rest)
    require_lowered(network, model, given, front)
    return _with_probabilities(network), composed(given, front)


def require_lowered(
    network: PlainNetwork, model, given: Preprocessing, front: Preprocessing | None = None
) -> None:
    """Raise BadInput unless `network` computes what `model` does, after `front` if that is given.

    `given` is what pixels become for `model`.
    """
    rng = np.random.default_rng(0)
    surface = np.broadcast_to(rng.integers(150, 256, network.shape[-1]), network.shape)
    # What noise averages away, a bright, plain surface adds up.
    pixels = np.stack([rng.integers(0, 256, network.shape), surface])
    images = np.concatenate([given(pixels) * np.float32(k) for k in _AMPLITUDES])
    expected = outputs_of(model, images)
    finite = np.isfinite(expected).reshape(len(images), -1).all(axis=1)
    if not finite[: len(pixels)].all():
        raise BadInput(
            f"{model.name} gives numbers that are not finite for ordinary images: its weights may "
            "hold NaN or infinity; train it again, or restore them"
        )
    # An exponential overflows where no image of a camera would take it.
    plain = outputs_of(to_keras(network, keras), front(images) if front else images)
    what = "the model in plain layers"
    try:
        require_equal(what, plain[finite], expected[finite])
    except BadInput:
        # A deep network that is not trained magnifies float rounding, and more so of brighter
        # images: those that show nothing else any more are left out, but not what a camera takes.
        nudged = images * (1 + _NUDGE * rng.choice(np.float32([-1, 1]), images.shape))
        changed = np.abs(outputs_of(model, nudged) - expected).reshape(len(images), -1).max(axis=1)
        changed[: len(pixels)] = 0
        magnifies = ~finite | (changed > _MAGNIFIED)
        count = int(np.argmax(magnifies)) if magnifies.any() else len(images)
        require_equal(what, plain[:count], expected[:count], 10 * changed[:count])


def _with_probabilities(network: PlainNetwork) -> PlainNetwork:
    if len(network.output_shape) != 1:
        raise BadInput(
            f"{network.name} gives {network.output_shape}; one number for each class is needed, "
            "(classes,)"
        )
    last, (classes,) = network.maker[network.output], network.output_shape
    if last.kind == "Activation" and last.options["activation"] == "softmax":
        return network
    if last.kind not in _LINEAR or classes < 2:
        raise BadInput(
            f"{network.name} ends in {last.name} ({last.kind}"
            f"{' ' + last.options['activation'] if last.kind == 'Activation' else ''}) with "
            f"{classes} outputs; a softmax over the classes is needed, or the logits before it"
        )
    log.info("%s gives logits: a softmax is added", network.name)
    output = 1 + max(layer.output for layer in network.layers)
    scores = Layer(
        "Activation",
        f"{last.name}_softmax",
        (network.output,),
        output,
        last.shape,
        {"activation": "softmax"},
    )
    return replace(network, layers=(*network.layers, scores), output=output)
