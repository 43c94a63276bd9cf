"""The tf_keras twin of a Keras 3 model: the same layers, the same names, the same weights.

tensorflow-model-optimization takes tf_keras models only, flat and in float32; the twin is what it
gets, and what every file is converted from.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.inference import outputs_of
from keras_inception.layers import (
    attention_pooling,
    is_keras_3,
    local_response_normalization,
)

from .calls import Calls, flat, in_float32
from .front import apart
from .plain import plain
from .stock import MERGING


def twin(model, images: np.ndarray):
    """The Keras 3 `model`, without heads and the preprocessing it begins with, in tf_keras.

    `images` are float32, (n, height, width, channels), as `model` takes them. Raises BadInput
    for a layer that is not in `stock.LAYERS`, or if the outputs differ by more than float rounding.
    """
    import tf_keras  # Keras 3 models are looked at without it.

    model = in_float32(model)
    front, rest = apart(flat(model))
    made = built(rest, tf_keras, model.name)
    require_same("the tf_keras twin", made, front(images) if front else images, model, images)
    return made


def built(calls: Calls, keras: ModuleType, name: str):
    """The model that does what `calls` do, of the layers of `keras`, in float32."""
    ours = {f(keras).__name__: f(keras) for f in (attention_pooling, local_response_normalization)}
    steps, output = plain(calls)
    image = keras.Input(calls.shape, name="image")
    tensors, names = {calls.input: image}, set()
    for step in steps:
        config = dict(step.config)
        if step.kind == "LeakyReLU" and not is_keras_3(keras):
            config["alpha"] = config.pop("negative_slope")
        make = ours.get(step.kind) or getattr(keras.layers, step.kind)
        free = step.name
        while free in names:
            free += "_"
        names.add(free)
        layer = make(name=free, dtype="float32", **config)
        given = [tensors[n] for n in step.inputs]
        tensors[step.output] = layer(given if step.kind in MERGING else given[0])
        layer.set_weights(step.weights)
    return keras.Model(image, tensors[output], name=name)


def require_same(what: str, model, images: np.ndarray, other, others_images: np.ndarray) -> None:
    """Raise BadInput unless `model` makes of `images` what `other` makes of its own."""
    require_equal(what, outputs_of(model, images), outputs_of(other, others_images))


def require_equal(what: str, outputs: np.ndarray, expected: np.ndarray) -> None:
    """Raise BadInput unless `outputs` equal the float model's `expected` up to float rounding."""
    difference = float(np.abs(outputs - expected).max())
    allowed = 1e-4 * max(1.0, float(np.abs(expected).max()))
    if not difference <= allowed:
        raise BadInput(
            f"{what} is not the network that was trained: an output differs by {difference:.3g}, "
            f"float rounding allows {allowed:.3g}; nothing was written"
        )
