"""Whether each operator of a file computes what the layer does that it was made from.

A layer is given what its operator was given in the file, so that roundings do not add up, and a
fault is found where it is.
"""

from __future__ import annotations

import keras
import numpy as np

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

from ..file.graph import Graph
from ..file.interpreter import File
from ..keras_graph.plain import JOINING, KINDS, WEIGHTED, Layer, PlainNetwork
from ..keras_graph.to_keras import keras_layer
from .tensors import stored

#: Images that are compared.
COMPARED = 2
#: A layer's share of values that must be within two steps of the file's: integer operators round
#: halves their own way, and look exponentials up.
WITHIN = 0.98


def require_operators(
    graph: Graph, network: PlainNetwork, pixels: np.ndarray, expected: Preprocessing
) -> None:
    """Raise BadInput, naming the layer, for an operator that computes something else than the layer
    of `network` that it was made from, on images of 0..255, or that is not there."""
    tensors = stored(File(graph, keep_tensors=True), expected.caller(pixels[:COMPARED]))
    values = {network.input: tensors["image"].values}
    for layer in network.layers:
        readers = [reader.name for reader in network.readers.get(layer.output, ())]
        if layer.kind in WEIGHTED and not any(name in tensors for name in (layer.name, *readers)):
            raise BadInput(f"{layer.name} ({layer.kind}) is not in the file; nothing was kept")
        found = tensors.get(layer.name)
        given = [values[number] for number in layer.inputs]
        computed = _computed(layer, given, rounded=graph.is_integer)
        values[layer.output] = found.values if found else computed
        if found and (within := found.share_of(computed)) < WITHIN:
            raise BadInput(
                f"the operator of {layer.name} ({layer.kind}) computes something else in the file: "
                f"{within:.1%} of its values are those of the layer; nothing was kept"
            )


def _computed(layer: Layer, inputs: list[np.ndarray], rounded: bool) -> np.ndarray:
    """What a layer makes of arrays, its kernel `rounded` to 8 bits as in an integer file."""
    made = keras_layer(layer, keras)
    given = inputs if layer.kind in JOINING else inputs[0]
    made.build([each.shape for each in inputs] if layer.kind in JOINING else inputs[0].shape)
    if layer.weights:
        weights = list(layer.weights)
        if rounded and layer.kind in WEIGHTED:
            weights[0] = _in_8_bits(weights[0], KINDS[layer.kind].outputs)
        made.set_weights(weights)
    return np.asarray(made(given))


def _in_8_bits(kernel: np.ndarray, over: tuple[int, ...]) -> np.ndarray:
    """A kernel rounded, each output channel, of the axes `over`, in steps of its own."""
    others = tuple(axis for axis in range(kernel.ndim) if axis not in over)
    step = np.maximum(np.abs(kernel).max(axis=others, keepdims=True), 1e-6) / 127
    return np.round(kernel / step) * step
