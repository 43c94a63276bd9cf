"""What an INT8 file must pass before it is kept."""

from __future__ import annotations

import logging

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

from ..convert.to_tflite import convert
from ..file.graph import Graph
from ..file.interpreter import File
from ..keras_graph.plain import PlainNetwork
from ..keras_graph.to_keras import outputs, require_equal
from .integer import audit
from .ranges import require_input, require_ranges

log = logging.getLogger(__name__)

#: How many images a float file is compared with its network on.
COMPARED = 4


def require(
    graph: Graph,
    network: PlainNetwork,
    pixels: np.ndarray,
    expected: Preprocessing,
    allow_float: bool,
    allowed: float,
) -> None:
    """Raise BadInput unless the file is integer throughout, or `allow_float`, of TFLite's own
    operators with a batch of 1, its ranges at most `allowed` times as wide as those that `network`
    has in float on the calibration images `pixels`, and its input's that of the preprocessing
    `expected`."""
    require_integer(graph, allow_float)
    require_plain(graph)
    require_input(File(graph), expected)
    floats = convert(network, "float32", expected, logits=not graph.gives_probabilities)
    require_equal_scores(floats, network, pixels, expected)
    require_ranges(graph, floats, pixels, expected, allowed)


def require_equal_scores(
    floats: Graph, network: PlainNetwork, pixels: np.ndarray, expected: Preprocessing
) -> None:
    """Raise BadInput unless a float32 file computes what `network` does, up to float rounding."""
    images = pixels[:COMPARED]
    (last,) = network.maker[network.output].inputs
    end = network.output if floats.gives_probabilities else last
    wanted = outputs(network, expected(images), {"scores": end})["scores"]
    require_equal("the float32 file", File(floats).scores(expected.caller(images)), wanted)


def require_integer(graph: Graph, allow_float: bool) -> None:
    found = audit(graph)
    if not (found.integer or allow_float):
        raise BadInput(
            f"the file is not integer throughout: {found}; "
            "change what is in float, or pass --allow-float to keep the file all the same"
        )
    log.info("audit: %s", found)


def require_plain(graph: Graph) -> None:
    """Raise BadInput for operators that TFLite does not have, Flex among them, and for an open
    batch size, which delegates refuse."""
    codes = graph.model.operatorCodes
    foreign = [code.customCode.decode() for code in codes if code.customCode]
    if foreign:
        raise BadInput(
            f"the file needs operators that TFLite does not have: {', '.join(foreign)}; "
            "build the network of others"
        )
    for tensor in (graph.tensors[i] for i in graph.inputs):
        signature = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
        if signature[0] != 1:
            raise BadInput(f"the file takes a batch of {signature[0]}; 1 is needed")
