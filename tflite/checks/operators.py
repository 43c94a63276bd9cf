"""Whether each operator of a file computes what the layer does that it was made from.

A layer is given what its operator was given in the file, so that roundings do not add up, and a
fault is found where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import keras
import numpy as np

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

from ..convert.rounding import rounded_kernel
from ..file.graph import Graph
from ..file.interpreter import File
from ..keras_graph.plain import KINDS, WEIGHTED, Layer, PlainNetwork
from ..keras_graph.to_keras import built, called
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
    values, rounded = {network.input: tensors["image"].values}, graph.is_integer
    fusing = {graph.name(i) for i, operator in graph.makers.items() if graph.fuses(operator)}
    computed: dict[int, np.ndarray] = {}
    for layer in network.layers:
        readers = [reader.name for reader in network.readers.get(layer.output, ())]
        if layer.kind in WEIGHTED and not any(name in tensors for name in (layer.name, *readers)):
            raise BadInput(f"{layer.name} ({layer.kind}) is not in the file; nothing was kept")
        found = tensors.get(layer.name)
        # An operator that takes an activation along does not round before it. The converter makes
        # such a second one of a Dense whose own values are read too.
        given = computed if layer.kind == "ReLU" and layer.name in fusing else values
        made = computed[layer.output] = _computed(_rounded(layer) if rounded else layer, given)
        values[layer.output] = found.values if found else made
        if found and (within := found.share_of(made)) < WITHIN:
            raise BadInput(
                f"the operator of {layer.name} ({layer.kind}) computes something else in the file: "
                f"{within:.1%} of its values are those of the layer; nothing was kept"
            )


def _computed(layer: Layer, values: Mapping[int, np.ndarray]) -> np.ndarray:
    """What a layer makes of its inputs among `values`."""
    made = built(layer, keras, {number: array.shape for number, array in values.items()})
    return np.asarray(called(made, layer, values))


def _rounded(layer: Layer) -> Layer:
    """The layer with its kernel rounded to 8 bits."""
    if layer.kind not in WEIGHTED:
        return layer
    kernel, *others = layer.weights
    kernel = rounded_kernel(kernel, KINDS[layer.kind].outputs, np)
    return replace(layer, weights=(kernel, *others))
