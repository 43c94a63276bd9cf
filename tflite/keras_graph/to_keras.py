"""Plain layers as a functional model, in Keras 3 or in tf_keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.layers import is_keras_3, local_response_normalization

from .plain import JOINING, KINDS, Layer, PlainNetwork


def to_keras(network: PlainNetwork, keras: ModuleType):
    """The model that computes `network`, in float32."""
    tensors = tensors_of(network, keras)
    return keras.Model(tensors[network.input], tensors[network.output], name=network.name)


def tensors_of(network: PlainNetwork, keras: ModuleType) -> dict[int, Any]:
    """The symbolic tensors of the model that computes `network`, by their numbers in it."""
    tensors = {network.input: keras.Input(network.shape, name="image")}
    for layer in network.layers:
        made = keras_layer(layer, keras)
        tensors[layer.output] = called(made, layer, tensors)
        if layer.weights:
            made.set_weights(layer.weights)
    return tensors


def called(made: Callable[..., Any], layer: Layer, tensors: Mapping[int, Any]) -> Any:
    """What `made`, which computes a plain layer, makes of its inputs among `tensors`."""
    given = [tensors[number] for number in layer.inputs]
    return made(given if layer.kind in JOINING else given[0])


def built(layer: Layer, keras: ModuleType, shapes: Mapping[int, tuple[int, ...]]):
    """The layer of `keras` that computes a plain one, with its weights, for tensors of `shapes`,
    the batch included."""
    made = keras_layer(layer, keras)
    given = [shapes[number] for number in layer.inputs]
    made.build(given if layer.kind in JOINING else given[0])
    if layer.weights:
        made.set_weights(layer.weights)
    return made


def keras_layer(layer: Layer, keras: ModuleType, kind: type | None = None):
    """The stock layer of `keras`, or one of the class `kind`, that computes a plain one."""
    options = dict(layer.options)
    if layer.kind == "LeakyReLU" and not is_keras_3(keras):
        options["alpha"] = options.pop("negative_slope")
    if layer.kind == "Activation":
        options["activation"] = _function(options["activation"], keras)
    name = KINDS[layer.kind].keras
    if layer.kind == "LocalResponseNormalization":
        kind = local_response_normalization(keras)
    made = kind or getattr(keras.layers, name)
    return made(name=layer.name, dtype="float32", trainable=layer.trainable, **options)


def _function(name: str, keras: ModuleType):
    """An activation: its name where Keras has it, or the function."""
    if is_keras_3(keras):
        ours = {"gelu_tanh": keras.ops.gelu, "log": keras.ops.log, "rsqrt": keras.ops.rsqrt}
    else:
        import tensorflow as tf

        ours = {
            "gelu_tanh": lambda x: tf.nn.gelu(x, approximate=True),
            "log": tf.math.log,
            "rsqrt": tf.math.rsqrt,
            # As the converter knows it.
            "hard_silu": lambda x: x * tf.nn.relu6(x + 3.0) * (1 / 6),
        }
    return ours.get(name, name)


def outputs(
    network: PlainNetwork, images: np.ndarray, tensors: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """What tensors of `network`, by any name, are for preprocessed images."""
    import keras

    if not tensors:
        return {}
    made = tensors_of(network, keras)
    wanted = {name: made[number] for name, number in tensors.items()}
    probe = keras.Model(made[network.input], wanted)
    return {name: np.asarray(value) for name, value in probe(images, training=False).items()}


def require_equal(
    what: str, outputs: np.ndarray, expected: np.ndarray, magnified: np.ndarray | float = 0.0
) -> None:
    """Raise BadInput unless `outputs` equal the float model's `expected`, (n, …), up to float
    rounding, which goes by the largest output of each image, and by what is `magnified` of it."""
    over = tuple(range(1, expected.ndim))
    differences = np.abs(outputs - expected).max(axis=over)
    allowed = 1e-4 * np.maximum(1.0, np.abs(expected).max(axis=over)) + magnified
    worst = int(np.argmax(differences / allowed))
    if not differences[worst] <= allowed[worst]:
        raise BadInput(
            f"{what} is not the network that was trained: an output differs by "
            f"{differences[worst]:.3g}, float rounding allows {allowed[worst]:.3g}; nothing was "
            "written"
        )
