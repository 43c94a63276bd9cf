"""The first convolution of an INT8 file, rewritten so that it runs at the speed of the others.

Kernels that take three channels at a time leave most of a processor's dot products empty: the 7x7
of GoogLeNet, 7 % of its multiply-adds, takes a fifth of its time. Where it has stride 2, the same
sums are those of a smaller kernel without stride over a picture of half the size, whose pixels are
made of four each (SPACE_TO_DEPTH). A preprocessing of each pixel before it is done to four at once.
Its outputs are the same bits.
"""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..file.graph import Graph, buffer_of

#: More channels than these fill the dot products well enough.
CHANNELS = 4
#: What the names of tensors end in whose pixels are made of four.
SUFFIX = b"_space_to_depth"


def faster_stem(graph: Graph) -> Graph:
    """A file that computes the same as this one, its first convolution rewritten.

    As it is if that has not INT8 weights, stride 2, one group of at most CHANNELS inputs, and an
    even picture padded as for "same" or by an operator of its own.
    """
    changed = graph.changeable()
    for (name, before), (this, convolution) in pairwise([("", None), *changed.kinds()]):
        if this == "CONV_2D" and _is_slow(changed, convolution):
            pads = name == "PAD" and before.outputs[0] == convolution.inputs[0]
            if _rewritten(changed, before if pads else None, convolution):
                return Graph(changed.model, graph.files)
            break
    return graph


def pixels_of_four(values: np.ndarray) -> np.ndarray:
    """(height, width, 4 * channels) as a tensor of such a name has it, as the picture it was made
    of, (2 * height, 2 * width, channels)."""
    height, width, channels = values.shape
    pairs = values.reshape(height, width, 2, 2, channels // 4).swapaxes(1, 2)
    return pairs.reshape(2 * height, 2 * width, channels // 4)


def _is_slow(graph, convolution) -> bool:
    options, (image, kernel, *_) = convolution.builtinOptions, convolution.inputs
    return (
        options.strideH == options.strideW == 2
        and options.dilationHFactor == options.dilationWFactor == 1
        and _has_one_group(graph, convolution)
        and graph.tensors[image].shape[3] <= CHANNELS
        and graph.tensors[image].type == graph.tensors[kernel].type == schema.TensorType.INT8
    )


def _has_one_group(graph, convolution) -> bool:
    image, kernel, *_ = (graph.tensors[i] for i in convolution.inputs)
    return image.shape[3] == kernel.shape[3]


def _rewritten(graph: Graph, pad, convolution) -> bool:
    kernel = graph.tensors[convolution.inputs[1]]
    buffers = graph.model.buffers
    old = buffers[kernel.buffer].data
    source = pad.inputs[0] if pad else convolution.inputs[0]
    batch, *size, channels = (int(n) for n in graph.tensors[source].shape)
    out = [int(n) for n in graph.tensors[convolution.outputs[0]].shape[1:3]]
    same = convolution.builtinOptions.padding == schema.Padding.SAME
    if pad:
        padding = graph.constant(pad.inputs[1], np.int32).reshape(4, 2)[1:3, 0].tolist()
    else:
        padding = [(n - 2) // 2 for n in kernel.shape[1:3]]
    # One output for each pair of pixels.
    if (
        old is None
        or same == bool(pad)
        or size != [2 * n for n in out]
        or min(*padding, *kernel.shape[1:3] - np.array(2)) < 0
        or _uses(graph, convolution.inputs[1]) > 1
        or (pad and _uses(graph, pad.outputs[0]) > 1)
    ):
        return False
    weights = np.frombuffer(bytes(old), np.int8).reshape(kernel.shape)
    weights, first = _of_pairs(weights, padding)
    buffers[kernel.buffer] = buffer_of(weights)
    _reshape(kernel, weights.shape)
    convolution.builtinOptions.strideH = convolution.builtinOptions.strideW = 1

    taking = pad or convolution
    before = _of_each_pixel(graph, source)
    if before:
        _to_four_at_once(graph, before)
        _reshape(graph.tensors[source], [batch, *out, 4 * channels], SUFFIX)
        source, taking = before.inputs[0], before
    made = _copied(graph, source, 0)
    _reshape(graph.tensors[made], [batch, *out, 4 * int(graph.tensors[source].shape[3])], SUFFIX)
    place = graph.operators.index(taking)
    graph.operators.insert(place, _space_to_depth(graph, source, made))
    taking.inputs = [made, *taking.inputs[1:]]
    if pad:
        around = [(p, n - 1 - p) for p, n in zip(first, weights.shape[1:3], strict=True)]
        buffers.append(buffer_of(np.array([(0, 0), *around, (0, 0)], np.int32)))
        pad.inputs = [pad.inputs[0], _copied(graph, pad.inputs[1], len(buffers) - 1)]
        padded = [n + sum(p) for n, p in zip(out, around, strict=True)]
        _reshape(graph.tensors[pad.outputs[0]], [batch, *padded, 4 * channels], SUFFIX)
    return True


def _reshape(tensor, shape, suffix: bytes = b"") -> None:
    tensor.shape, tensor.shapeSignature, tensor.name = [*shape], None, tensor.name + suffix


def _copied(graph: Graph, tensor: int, buffer: int) -> int:
    """The number of a tensor like this one, with the content of another buffer."""
    graph.tensors.append(copy.copy(graph.tensors[tensor]))
    graph.tensors[-1].buffer = buffer
    return len(graph.tensors) - 1


def _of_each_pixel(graph: Graph, made: int):
    """The 1x1 convolution that makes a tensor, which nothing else reads, of a few channels."""
    for name, operator in graph.kinds():
        if name == "CONV_2D" and made in operator.outputs:
            options, shape = operator.builtinOptions, graph.tensors[operator.inputs[1]].shape
            if (
                [*shape[1:3], options.strideH, options.strideW] == [1] * 4
                and _has_one_group(graph, operator)
                and shape[3] <= CHANNELS
                and _uses(graph, made) == 1
                and max(_uses(graph, i) for i in operator.inputs[1:]) == 1
            ):
                return operator
    return None


def _to_four_at_once(graph: Graph, convolution) -> None:
    """Make of a 1x1 convolution one of four pixels, whose channels come one after another."""
    kernel, bias = (graph.tensors[i] for i in convolution.inputs[1:])
    outputs, _, _, inputs = kernel.shape
    one = graph.constant(convolution.inputs[1], np.int8).reshape(outputs, inputs)
    buffers = graph.model.buffers
    buffers[kernel.buffer] = buffer_of(np.kron(np.eye(4, dtype=np.int8), one))
    kernel.shape = [4 * outputs, 1, 1, 4 * inputs]
    biases = graph.constant(convolution.inputs[2], np.int32)
    buffers[bias.buffer] = buffer_of(np.tile(biases, 4))
    bias.shape = [4 * outputs]
    for tensor in (kernel, bias):
        steps = tensor.quantization
        if len(steps.scale) > 1:
            steps.scale = np.tile(steps.scale, 4)
            steps.zeroPoint = np.tile(steps.zeroPoint, 4)


def _of_pairs(weights: np.ndarray, padding: list[int]) -> tuple[np.ndarray, list[int]]:
    """Kernels (out, height, width, in) of stride 2 after so many zeros above and left, as kernels
    of stride 1 over pairs of pixels, and the zeros that these need."""
    count, *size, channels = weights.shape
    first = [-(-p // 2) for p in padding]
    pairs = [(n - 1 - p) // 2 + f + 1 for n, p, f in zip(size, padding, first, strict=True)]
    wide = np.zeros((count, 2 * pairs[0], 2 * pairs[1], channels), weights.dtype)
    top, left = (2 * f - p for f, p in zip(first, padding, strict=True))
    wide[:, top : top + size[0], left : left + size[1]] = weights
    # Channels of a pair: its rows, then its columns, then their own.
    wide = wide.reshape(count, pairs[0], 2, pairs[1], 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return wide.reshape(count, *pairs, 4 * channels), first


def _space_to_depth(graph: Graph, source: int, made: int):
    model = graph.model
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SPACE_TO_DEPTH
    code.version = 2  # the first that knows int8
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [source], [made]
    operator.builtinOptionsType = schema.BuiltinOptions.SpaceToDepthOptions
    operator.builtinOptions = schema.SpaceToDepthOptionsT()
    operator.builtinOptions.blockSize = 2
    return operator


def _uses(graph, tensor: int) -> int:
    return sum(list(operator.inputs).count(tensor) for operator in graph.operators)
