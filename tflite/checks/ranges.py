"""Whether an integer file stores its tensors in the ranges that were found for them, and its input
in that of the declared preprocessing.

A tensor stored in a range much wider than its own loses the bits that tell its values apart, one in
a narrower range is clipped, and nothing else in the file shows it.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

from ..convert.rounding import Ranges
from ..file.graph import Graph
from ..file.interpreter import File
from ..keras_graph.plain import PlainNetwork

#: By how much of its width a stored range may differ from the one that was found; and one of 16
#: bits, which are found by TFLite, on an image more.
TOLERANCE, TOLERANCE_OF_16_BITS = 0.02, 0.5
#: The ends of an integer tensor.
_ENDS = {
    schema.TensorType.INT8: (-128, 127),
    schema.TensorType.UINT8: (0, 255),
    schema.TensorType.INT16: (-32768, 32767),
}


def require_ranges(graph: Graph, network: PlainNetwork, ranges: Ranges) -> None:
    """Raise BadInput, naming the layer, if the file stores a tensor in another range than it has.

    `ranges` are those of the network's tensors, by number. Those of 16 bits are symmetric.
    """
    stored = stored_ranges(graph)
    wrong = []
    for number, (low, high) in ranges.items():
        name = network.maker[number].name if number in network.maker else ""
        if name not in stored:
            continue
        ends, is_symmetric = stored[name]
        if is_symmetric:
            low, high = -max(-low, high), max(-low, high)
        off = max(abs(ends[0] - low), abs(ends[1] - high)) / (high - low)
        if off > (TOLERANCE_OF_16_BITS if is_symmetric else TOLERANCE):
            wrong.append((off, name, ends, (low, high)))
    if wrong:
        _, name, ends, (low, high) = max(wrong)
        raise BadInput(
            f"{len(wrong)} tensors are stored in other ranges than they have: {name} in "
            f"{ends[0]:.3g}..{ends[1]:.3g} where the network's values lie in {low:.3g}.."
            f"{high:.3g}; the file was not kept"
        )


def stored_ranges(graph: Graph) -> dict[str, tuple[tuple[float, float], bool]]:
    """By name, the range of each integer tensor that is computed, and whether it is symmetric."""
    found = {}
    for number in graph.makers:
        tensor = graph.tensors[number]
        steps = tensor.quantization
        if tensor.type in _ENDS and steps is not None and steps.scale is not None:
            ends = [float((n - steps.zeroPoint[0]) * steps.scale[0]) for n in _ENDS[tensor.type]]
            found[graph.name(number)] = (ends[0], ends[1]), tensor.type == schema.TensorType.INT16
    return found


def require_input(file: File, expected: Preprocessing) -> None:
    """Raise BadInput unless an integer input's scale and zero point are what `expected` implies.

    An app that feeds raw pixels relies on it: (pixel - mean) / std for each of the 256 pixels, to
    half a step.
    """
    scale, zero_point = file.input_quantization
    if not scale:
        return
    given = expected.caller
    # An int8 input is a pixel - 128.
    offset = np.iinfo(file.types[0]).min
    pixels = np.arange(256)
    error = np.abs(scale * (pixels + offset - zero_point) - (pixels - given.mean) / given.std)
    if error.max() > 0.501 * scale:
        raise BadInput(
            f"the file's input has scale {scale:.6g} and zero point {zero_point}, which make "
            f"{scale * (offset - zero_point):.4g} to {scale * (255 + offset - zero_point):.4g} of "
            f"pixels 0 to 255; its preprocessing, (pixel - {given.mean:g}) / {given.std:g}, makes "
            f"{given.range[0]:.4g} to {given.range[1]:.4g}; the file was not kept"
        )
