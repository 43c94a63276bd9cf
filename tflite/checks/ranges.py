"""Whether the ranges in an INT8 file are those that the float network has on calibration images,
and its input's that of the declared preprocessing.

A tensor stored in a range much wider than its own loses the bits that tell its values apart, and
nothing else in the file shows it.
"""

from __future__ import annotations

import os

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

from ..convert.calibration import NARROWEST
from ..file.graph import CONVERSIONS, Graph
from ..file.interpreter import File

#: Stored ranges may be so many times as wide as the float network's; fine-tuning moves these.
ALLOWED = 1.5
ALLOWED_AFTER_TRAINING = 4.0

# Operators whose output is stored in the range of their inputs.
_SAME_RANGE = {
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "MAXIMUM",
    "MAX_POOL_2D",
    "MINIMUM",
    "PAD",
    "PADV2",
    "REDUCE_MAX",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR",
    "SPACE_TO_DEPTH",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TRANSPOSE",
}
# Operators of an INT8 file that its float one lacks.
_NOT_PAIRED = (*CONVERSIONS, "SPACE_TO_DEPTH")
# Operators whose output is stored in a range that TFLite fixes.
_FIXED_RANGE = {"LOGISTIC", "L2_NORMALIZATION", "SOFTMAX", "TANH"}


def require_ranges(
    graph: Graph, floats: Graph, pixels: np.ndarray, expected: Preprocessing, allowed=ALLOWED
) -> None:
    """Raise BadInput, naming the tensor, if one is stored more than `allowed` times too wide.

    `graph` is the INT8 file and `floats` the float32 file of the same network, which expects
    `expected`; `pixels` are calibration images of 0..255, (n, height, width, channels). Tensors
    that have to share a range are held to all their values; the input's range is not estimated and
    is left to `require_input`.
    """
    wide = [
        (stored / max(true, NARROWEST), name, stored, true)
        for name, stored, true in widths(graph, floats, pixels, expected)
        if stored > allowed * max(true, NARROWEST)
    ]
    if wide:
        ratio, name, stored, true = max(wide)
        raise BadInput(
            f"{len(wide)} tensors are stored in ranges wider than they need: {name} {ratio:.3g} "
            f"times, {stored:.3g} wide where the float network's values span {true:.3g}; the file "
            "was not kept"
        )


def widths(
    graph: Graph, floats: Graph, pixels: np.ndarray, expected: Preprocessing
) -> list[tuple[str, float, float]]:
    """Each quantized activation: its name, the width of its stored range, and of its true one.

    Arguments are those of `require_ranges`. Raises BadInput if the two files do not consist of the
    same operators.
    """
    pairs = _pairs(graph, floats)
    groups = _groups(graph)
    given = {groups[i] for i in graph.inputs}
    if expected.inside:  # The file's first operator preprocesses.
        given.add(groups[min(pairs)])
    limits = _limits(floats, expected.caller(pixels))
    true = {}
    for mine, (_, theirs) in pairs.items():
        low, high = true.get(groups[mine], (0.0, 0.0))
        true[groups[mine]] = min(low, limits[theirs][0]), max(high, limits[theirs][1])
    found = []
    for i, (name, _) in pairs.items():
        tensor, group = graph.tensors[i], groups[i]
        if name in _FIXED_RANGE or group in given or not _step(tensor):
            continue
        low, high = true[group]
        if tensor.type == schema.TensorType.INT16:  # symmetric
            found.append((graph.name(i), 65535 * _step(tensor), 2 * max(-low, high)))
        else:
            found.append((graph.name(i), 255 * _step(tensor), high - low))
    return found


def _pairs(graph: Graph, reference: Graph) -> dict[int, tuple[str, int]]:
    """The tensors that `graph` computes: each one's operator, and the tensor of `reference` that
    the same one computes there. The converter does not keep operators in one order."""
    pairs, both = {}, (graph, reference)
    pending = [tuple(each.outputs[0] for each in both)]
    while pending:
        tensors = [
            each.unconverted(i, _NOT_PAIRED) for i, each in zip(pending.pop(), both, strict=True)
        ]
        made = [each.makers.get(i) for i, each in zip(tensors, both, strict=True)]
        if tensors[0] in pairs or made == [None, None]:
            continue
        kinds = [each.kind(m) if m else None for m, each in zip(made, both, strict=True)]
        if kinds[0] != kinds[1]:
            raise BadInput(
                f"the INT8 file is not the float network: {' and '.join(filter(None, kinds))} do "
                "not correspond"
            )
        pairs[tensors[0]] = kinds[0], tensors[1]
        pending += zip(*(operator.inputs for operator in made), strict=True)
    return pairs


def _step(tensor) -> float:
    scales = None if tensor.quantization is None else tensor.quantization.scale
    return 0.0 if scales is None else float(scales[0])


def _groups(graph: Graph) -> list[int]:
    """For each tensor, the first of those that it has to share a range with."""
    groups = list(range(len(graph.tensors)))
    inputs = set(graph.inputs)
    for name, operator in graph.kinds():
        (output, *_) = operator.outputs
        # An input of another type has the same range by another step.
        if name in _SAME_RANGE or (name in CONVERSIONS and operator.inputs[0] in inputs):
            for i in operator.inputs:
                if i >= 0 and (_step(graph.tensors[i]) or i in inputs):
                    joined, other = sorted((groups[i], groups[output]))
                    groups = [joined if group == other else group for group in groups]
    return groups


def _limits(floats: Graph, images: np.ndarray) -> dict[int, tuple[float, float]]:
    """The smallest and largest value of each tensor that an operator computes, zero included."""
    file, limits = File(floats, threads=os.cpu_count() or 1, keep_tensors=True), {}
    for image in images:
        for tensor, values in file.tensors(image):
            low, high = limits.get(tensor["index"], (0.0, 0.0))
            limits[tensor["index"]] = min(low, float(values.min())), max(high, float(values.max()))
    return limits


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
