"""What can be had by name: networks, published weights, and what each expects of its pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import BadInput
from .networks import FAMILY
from .spec import Network
from .variants import VARIANTS

if TYPE_CHECKING:
    from .weights.transfer_learning import Reuse


def list_networks() -> list[str]:
    """The names that `network` knows: the members, oldest first, then other people's versions.

    >>> import keras_inception
    >>> keras_inception.list_networks()[:3]
    ['googlenet', 'inception_v2', 'inception_v3']
    """
    return [*FAMILY, *VARIANTS]


def network(name: str) -> Network:
    """The network called `name`, as a value: its paper's table.

    Give it to `widen`, `with_norm`, `without_aux`, `measure` or `build`. Raises BadInput for a
    name that `list_networks` does not have.

    >>> import keras_inception
    >>> net = keras_inception.widen(keras_inception.network("googlenet"), 0.5)
    >>> sum(row.parameters for row in keras_inception.measure(keras_inception.without_aux(net)))
    2019016
    """
    found = FAMILY.get(name) or VARIANTS.get(name)
    if found is None:
        raise BadInput(f"a network is one of {', '.join(list_networks())}; got {name!r}")
    return found


def list_weights(network: str | None = None) -> list[str]:
    """The tags of published ImageNet weights, of one member of the family or (None) of all.

    A tag is network.trainer_dataset; whose they are, their digest, licence and accuracy are
    its record, `keras_inception.weights.presets.PRESETS[tag]`.

    >>> import keras_inception
    >>> keras_inception.list_weights("googlenet")
    ['googlenet.caffe_in1k', 'googlenet.slim_in1k', 'googlenet.tv_in1k']
    """
    from .weights.presets import PRESETS

    return [tag for tag, record in PRESETS.items() if network in (None, record.network)]


def load_weights(model: Any, weights: str | Path, *, network: str | None = None) -> Reuse:
    """Bring published weights, or those in a file, into a model that one has.

    model: a Keras model whose layers are named as in this package: with or without its top or
        heads, with other classes or channels, of any input size.
    weights: a tag of `list_weights`, "imagenet" with the name of a `network`, or the path of a
        file, as for the builders' `weights`. A tag is downloaded once and verified.

    What fits by name and shape is taken. A first kernel for three channels is adapted to others:
    for one channel it is summed, which sees a grey image as it saw that image in RGB; for others
    the three are taken in turn, times 3 / channels. Everything else keeps its values. Gives
    the names of what was taken, adapted, new and not used, and sets `model.preprocessing`. Raises
    BadInput, and changes nothing, if less than half of the model's weights are found.

    >>> import keras_inception
    >>> model = keras_inception.GoogLeNet(classes=10)
    >>> keras_inception.load_weights(model, "googlenet.caffe_in1k")  # doctest: +SKIP
    """
    from .weights import pretrained
    from .weights.transfer_learning import reuse

    built = getattr(model, "network", None)
    found = pretrained.load(weights, network or getattr(built, "name", None), built)
    shape = model.output_shape
    shape = shape[0] if isinstance(shape, list) else shape
    used = reuse(model, found.with_classes(shape[-1]).arrays, found.origin)
    expected = found.preprocessing
    model.preprocessing = expected and expected.for_channels(model.input_shape[-1])
    return used


def preprocess_input(pixels: Any, weights: str, network: str | None = None) -> Any:
    """Images as published weights expect them.

    pixels: RGB, 0..255, (..., channels), of any dtype: an array, a tensor of TensorFlow (inside
        `tf.data` too), JAX or PyTorch, or a KerasTensor.
    weights: a tag of `list_weights`, or "imagenet" with the name of a `network`.

    Gives float32 of the same shape and kind. Nothing is downloaded. Raises BadInput for weights
    that are not known and for pixels that are not channels last. A builder's model has the same
    as `model.preprocessing(pixels)`.

    >>> import numpy as np
    >>> import keras_inception
    >>> white = np.full((1, 299, 299, 3), 255, np.uint8)
    >>> float(keras_inception.preprocess_input(white, "inception_v3.keras_in1k").max())
    1.0
    """
    from .weights.presets import preset

    return preset(weights, network or weights.split(".")[0]).preprocessing(pixels)
