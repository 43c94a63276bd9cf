"""What an INT8 file must pass before it is kept."""

from __future__ import annotations

import logging

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

from ..convert.rounding import Ranges
from ..file.graph import Graph
from ..file.interpreter import File
from ..keras_graph.plain import PlainNetwork
from .integer import audit
from .operators import require_operators
from .ranges import require_input, require_ranges

log = logging.getLogger(__name__)


def require(
    graph: Graph,
    network: PlainNetwork,
    pixels: np.ndarray,
    expected: Preprocessing,
    ranges: Ranges,
    allow_float: bool = False,
) -> None:
    """Raise BadInput unless an integer file may be kept.

    It has to be integer throughout, or `allow_float`; of TFLite's own operators, with a batch of 1;
    its input that of the preprocessing `expected`; its tensors in the `ranges` of those of
    `network`, by number; and each operator has to compute what its layer does, on some of the
    calibration images `pixels`.
    """
    require_integer(graph, allow_float)
    require_plain(graph)
    require_input(File(graph), expected)
    require_ranges(graph, network, ranges)
    require_operators(graph, network, pixels, expected)


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
