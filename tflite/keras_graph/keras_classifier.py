"""Anybody's Keras 3 model made ready: plain layers, pixels understood, outputs of a known kind."""

from __future__ import annotations

import keras
import numpy as np

from keras_inception.builder import MAIN
from keras_inception.errors import BadInput
from keras_inception.inference import outputs_of
from keras_inception.outputs import Kind
from keras_inception.preprocess import Preprocessing, Unsaid, named

from .endings import ended
from .input_preprocessing import composed, split_off
from .lowering import lower
from .plain import PlainNetwork
from .read import in_float32, of_size, read
from .to_keras import require_equal, to_keras

#: What images are multiplied by, for a comparison that reaches every clip and saturation, of which
#: some show only before the softmax after them saturates too.
_AMPLITUDES = (1, 2, 4, 8, 16, 32, 64)
#: By how much of themselves images are changed to see how far float rounding goes; and how far
#: that is too far.
_NUDGE = np.float32(1e-6)
_MAGNIFIED = 1e-4


def classifier(
    model,
    preprocessing: str | Preprocessing | None = None,
    *,
    name: str | None = None,
    image_size: int | None = None,
    kind: Kind | None = None,
    head: str | None = None,
) -> tuple[PlainNetwork, Kind, Preprocessing]:
    """A Keras 3 model as plain layers, what its outputs are, and what pixels become for it.

    `preprocessing` is a record, or the name of one in NAMED, of what the pixels 0..255 become
    before `model`; None where the model itself begins with that. The layers it begins with are
    taken off and are part of the record that comes back. `name` is what it is called where it is
    refused, rather than what Keras made up. `image_size` is for a model of open, of
    non-square or of other inputs: its layers are called on that size. `kind` is as for
    `endings.ended`, `head` the name or the number of the output to take of several. Raises BadInput
    if there is no such record or head, if the layers fit no such size, if the outputs are not of
    that kind, or if the plain layers do not compute what `model` computes.
    """
    name = name or model.name
    model = in_float32(_headed(model, head))
    if image_size is not None:
        model = of_size(model, image_size)
    front, rest = split_off(read(model))
    if preprocessing is None and front is None:
        raise Unsaid(f"{name} does not begin with preprocessing")
    height, width, channels = rest.shape
    if height != width or channels not in (1, 3):
        raise BadInput(
            f"{name} takes {rest.shape}; square images of 1 or 3 channels are needed: a size "
            "that it is made for instead is given with --image-size"
        )
    given = named("raw" if preprocessing is None else preprocessing).for_channels(channels)
    network = lower(rest)
    require_lowered(network, model, given, front)
    return *ended(network, kind), composed(given, front)


def _headed(model, head: str | None):
    """`model` with this one of its outputs alone; as it is where one is called main, or alone."""
    if not hasattr(model, "output_names") or (head is None and len(model.outputs) == 1):
        return model
    found = model.output
    if isinstance(found, dict):  # Keras may have them in another order in `outputs`.
        names, tensors = [*found], [*found.values()]
    else:
        names, tensors = model.output_names, model.outputs
    if head is None and MAIN in names:
        return model
    numbered = dict(zip(map(str, range(len(tensors))), tensors, strict=True))
    pairs = zip(names, tensors, strict=True)  # A layer called twice gives two of one name.
    named_once = {name: tensor for name, tensor in pairs if names.count(name) == 1}
    chosen = named_once.get(head, numbered.get(head))
    if head is None and len({id(tensor) for tensor in tensors}) == 1:
        chosen = tensors[0]
    if chosen is None:
        several = head is None or head in names
        said = "several outputs" if several else f"no output {head!r}"
        raise BadInput(
            f"{model.name} has {said}; give --head one of {', '.join(names)}, or its number, 0 to "
            f"{len(tensors) - 1}"
        )
    return keras.Model(model.inputs, chosen, name=model.name)


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
