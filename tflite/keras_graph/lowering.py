"""A Keras graph lowered to plain layers, whatever it was written with.

Activations stand apart, sums are of two, dense layers on maps are convolutions. A new layer of
Keras is a function here, or a line of STOCK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from numbers import Real

import keras
import numpy as np

from keras_inception.errors import BadInput
from keras_inception.layers import attention_pooling, local_response_normalization

from .emitter import Emitter, Lowering
from .folding import normalization
from .normal_form import normal_form
from .plain import KINDS, ONE_BY_ONE, WEIGHTED, PlainNetwork, needed
from .read import KerasGraph, Node

#: Layers of Keras that are plain as they are.
STOCK = {
    "AveragePooling2D": "AveragePooling",
    "Conv2D": "Convolution",
    "Conv2DTranspose": "TransposedConvolution",
    "Cropping2D": "Cropping",
    "DepthwiseConv2D": "DepthwiseConvolution",
    "ELU": "ELU",
    "GlobalAveragePooling2D": "GlobalAveragePooling",
    "GlobalMaxPooling2D": "GlobalMaxPooling",
    "LeakyReLU": "LeakyReLU",
    "MaxPooling2D": "MaxPooling",
    "PReLU": "PReLU",
    "Permute": "Permute",
    "UpSampling2D": "Resizing",
    "ZeroPadding2D": "Padding",
}
#: Operations of keras.ops -> the activation that they are.
OPERATIONS = {
    "Exp": "exponential",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "HardTanh": "hard_tanh",
    "Log": "log",
    "LogSigmoid": "log_sigmoid",
    "Relu": "relu",
    "Relu6": "relu6",
    "Rsqrt": "rsqrt",
    "Selu": "selu",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Tanh": "tanh",
}
#: x * scale + offset, of constants.
_AFFINE = ("Add", "Divide", "LayerScale", "Multiply", "Rescaling", "Subtract", "TrueDivide")
#: What does the same as some that a file cannot be made of.
_INSTEAD = {
    "Absolute": "keras.ops.maximum(x, -x)",
    "Conv1D": "Conv2D on a Reshape to one row",
    "GetItem": "neighbouring rows, columns or channels of maps",
    "Lambda": "operations of keras.ops, which Keras keeps as layers",
    "LogSoftmax": "Softmax, whose classes have the same order",
    "Power": "keras.ops.square, or a product of maps",
    "Stack": "Concatenate",
    "Where": "ReLU, LeakyReLU or keras.ops.clip",
}
#: More values than any network computes, for a constant to be seen behind them.
_HUGE = np.float32(1e30)


def lower(graph: KerasGraph) -> PlainNetwork:
    """The plain layers that do what `graph` does. Raises BadInput naming a layer that cannot be
    had."""
    lowering = Lowering(graph)
    for node, shape in zip(graph.nodes, _shapes(graph), strict=True):
        emit = Emitter(lowering, replace(node, shape=shape))
        inputs = [lowering.tensors[n] for n in node.inputs]
        lowering.tensors[node.output] = _function(node)(emit, *inputs)
    output = lowering.tensors[graph.output]
    layers = [*needed(lowering.layers, [output])]
    layers, output = normal_form(layers, output, lowering.fresh)
    return PlainNetwork(graph.name, layers, graph.shape, graph.input, output)


def _shapes(graph: KerasGraph) -> Iterator[tuple[int, ...]]:
    """The shapes of all nodes' outputs, for images of the graph's own size: a model inside it may
    have been made for any."""
    if not any(None in node.shape[1:] for node in graph.nodes):
        yield from (node.shape for node in graph.nodes)
        return
    specs = {graph.input: keras.KerasTensor((1, *graph.shape))}
    for node in graph.nodes:
        given = zip(node.keras_node.input_tensors, node.inputs, strict=True)
        args, kwargs = node.keras_node.arguments.fill_in({id(t): specs[n] for t, n in given})
        specs[node.output] = node.operation.compute_output_spec(*args, **kwargs)
        yield tuple(specs[node.output].shape)


def _function(node: Node) -> Callable[..., int]:
    kind, arguments = node.kind, len(node.inputs)
    ours = {attention_pooling: _attention, local_response_normalization: _local_response}
    for make, function in ours.items():
        if type(node.operation) is make(keras):
            return function
    if not node.is_stock:
        raise _unsupported(node)
    if getattr(node.operation, "data_format", None) == "channels_first":
        raise BadInput(f"{node.name} ({kind}) is channels_first; a file needs channels_last")
    if arguments == 1 and kind in _AFFINE:
        return _constants
    if arguments == 1 and kind in ("Maximum", "Minimum"):
        return _bounded
    if node.constants:
        raise BadInput(
            f"{node.name} ({kind}) is called with an array of constants beside tensors, which a "
            "file has for sums, products, maxima and minima, a number for each channel"
        )
    if kind in ("Add", "Subtract", "Multiply", "Maximum", "Minimum") and arguments > 1:
        return lambda emit, *x: emit.many(kind, *x)
    if not node.is_layer and kind in OPERATIONS:
        return lambda emit, x: emit.activation(x, OPERATIONS[kind])
    named = _LAYERS if node.is_layer else _OF_OPS
    if kind in named:
        return named[kind]
    smooth = getattr(node.operation, "interpolation", "nearest") not in ("nearest", "bilinear")
    if node.is_layer and kind in STOCK and not smooth:
        return _stock
    raise _unsupported(node)


def _unsupported(node: Node) -> BadInput:
    known = sorted({*STOCK, *_LAYERS, "Add", "Subtract", "Multiply", "Maximum", "Minimum"})
    known = f"{', '.join(known)}, activations, and constants for each channel"
    return BadInput(
        f"{node.name} is a {node.kind}, which is not among the layers that a file can be made of; "
        f"write it with {_INSTEAD.get(node.kind, known)}"
    )


def _options(emit: Emitter, kind: str) -> dict:
    given = vars(emit.layer) | emit.layer.get_config()  # Keras 3.12 does not save all of them.
    return {name: given[name] for name in KINDS[kind].options.split()}


def _arrays(emit: Emitter) -> list[np.ndarray]:
    return [np.asarray(array, np.float32) for array in emit.layer.get_weights()]


def _stock(emit: Emitter, x: int) -> int:
    kind = STOCK[emit.node.kind]
    options, weights = _options(emit, kind), _arrays(emit)
    if kind in WEIGHTED:
        weights = _with_bias(weights, emit.shape[-1])
    x = emit(kind, x, weights=tuple(weights), **options)
    return _followed(emit, x)


def _followed(emit: Emitter, x: int) -> int:
    """The activation inside a layer, by itself after it."""
    function = getattr(emit.layer, "activation", None)
    if isinstance(function, keras.layers.Layer):
        name = emit.lowering.free(f"{emit.node.name}_{function.name}")
        node = replace(emit.node, name=name, operation=function)
        return _function(node)(Emitter(emit.lowering, node), x)
    return emit.activation(x, (name := _activation(function)), part=str(name))


def _activation(function) -> str | None:
    """The name of an activation: keras.ops' gelu is not that of layers, which is exact."""
    if function is keras.ops.gelu:
        return "gelu_tanh"
    name = keras.activations.serialize(function) if function else None
    return name if isinstance(name, str | None) else function.__name__


def _activated(emit: Emitter, x: int) -> int:
    if isinstance(emit.layer.activation, keras.layers.Layer):
        return _followed(emit, x)
    return emit.activation(x, _activation(emit.layer.activation))


def _with_bias(weights: list[np.ndarray], channels: int) -> tuple[np.ndarray, ...]:
    return (*weights, np.zeros(channels, np.float32)) if len(weights) == 1 else tuple(weights)


def _pointwise(emit: Emitter, x: int, kernel, bias, *, part="", trainable=True) -> int:
    """A dense layer of every position's channels: a 1x1 convolution of a map."""
    shape = (*emit.lowering.shapes[x][:-1], kernel.shape[-1])
    options = {"part": part, "shape": shape, "trainable": trainable}
    if len(shape) != 3:
        return emit("Dense", x, weights=(kernel, bias), units=shape[-1], **options)
    return emit(
        "Convolution",
        x,
        weights=(kernel[None, None], bias),
        filters=shape[-1],
        groups=1,
        **ONE_BY_ONE,
        **options,
    )


def _dense(emit: Emitter, x: int) -> int:
    x = _pointwise(emit, x, *_with_bias(_arrays(emit), emit.shape[-1]))
    return _followed(emit, x)


def _separable(emit: Emitter, x: int) -> int:
    """A depthwise convolution, then a 1x1 one."""
    given = emit.layer.get_config()
    depthwise, pointwise, *bias = _arrays(emit)
    options = {name: given[name] for name in KINDS["DepthwiseConvolution"].options.split()}
    channels = pointwise.shape[2]
    zeros = np.zeros(channels, np.float32)
    x = emit(
        "DepthwiseConvolution",
        x,
        part="depthwise",
        shape=(*emit.shape[:-1], channels),
        weights=(depthwise, zeros),
        **options,
    )
    x = _pointwise(emit, x, *_with_bias([pointwise[0, 0], *bias], emit.shape[-1]))
    return _followed(emit, x)


def _normalization(emit: Emitter, x: int) -> int:
    axis = _axis(emit)
    if axis not in (-1, len(emit.shape)):
        raise BadInput(
            f"{emit.node.name} ({emit.node.kind}) normalizes axis {axis}; a file needs the last"
        )
    return emit.affine(x, *normalization(_named_arrays(emit), emit.layer.epsilon))


def _axis(emit: Emitter) -> int:
    axis = emit.layer.axis
    return axis if isinstance(axis, int) else axis[0]


def _named_arrays(emit: Emitter) -> dict[str, np.ndarray]:
    return {variable.name: np.asarray(variable) for variable in emit.layer.variables}


def _layer_normalization(emit: Emitter, x: int) -> int:
    """(x - mean) / sqrt(variance + epsilon), mean and variance of the channels of each position;
    the mean is left out of RMSNormalization."""
    layer, shape = emit.layer, emit.shape
    if _axis(emit) not in (-1, len(shape)) or getattr(layer, "rms_scaling", False):
        raise _unsupported(emit.node)
    channels = shape[-1]
    mean = np.full((channels, 1), 1 / channels, np.float32)
    zero, epsilon = np.zeros(1, np.float32), np.float32([layer.epsilon])
    if emit.node.kind == "LayerNormalization":
        centre = _pointwise(emit, x, mean, zero, part="mean", trainable=False)
        x = emit("Subtract", x, centre, part="centred")
    x_squared = emit("Multiply", x, x, part="squared")
    variance = _pointwise(emit, x_squared, mean, epsilon, part="variance", trainable=False)
    scale = emit.activation(variance, "rsqrt", part="rsqrt")
    x = emit("Multiply", x, scale, part="normalized")
    weights = _named_arrays(emit)
    gamma = weights.get("gamma", weights.get("scale", 1.0))
    return emit.affine(x, gamma, weights.get("beta", 0.0))


def _constants(emit: Emitter, x: int) -> int:
    """x * scale + offset, which are seen from what the operation makes of a few numbers."""
    if emit.node.kind == "Rescaling" and np.ndim(emit.layer.scale) == 0:
        return emit.affine(x, float(emit.layer.scale), np.asarray(emit.layer.offset))
    ones = _ones(emit, x)
    at = {n: np.asarray(emit.node(n * ones), np.float64) for n in (-1000, -1, 0, 1, 1000)}
    scale, offset = at[1] - at[0], at[0]
    if offset.shape != ones.shape or not all(
        np.allclose(made, n * scale + offset, rtol=1e-5) for n, made in at.items()
    ):
        raise _unsupported(emit.node)
    return emit.affine(x, _channels(scale), _channels(offset))


def _bounded(emit: Emitter, x: int) -> int:
    """The larger or the smaller of x and a constant."""
    smaller = emit.node.kind == "Minimum"
    bound = np.asarray(emit.node((_HUGE if smaller else -_HUGE) * _ones(emit, x)))
    if bound.shape != _ones(emit, x).shape:
        raise _unsupported(emit.node)
    bound = _channels(bound)
    before = emit.lowering.maker(x)
    plain = before and before.kind == "ReLU" and before.options["max_value"] is None
    if smaller and plain and np.size(bound) == 1 and bound > 0:
        return emit.relu(x, float(bound.ravel()[0]))
    return _at_most(emit, x, bound, -1.0 if smaller else 1.0)


def _clipped(emit: Emitter, x: int) -> int:
    low, high = emit.layer.x_min, emit.layer.x_max
    if not isinstance(low, Real) or not isinstance(high, Real) or not -_HUGE < low < high < _HUGE:
        raise _unsupported(emit.node)
    return emit.clipped(x, float(low), float(high))


def _ones(emit: Emitter, x: int) -> np.ndarray:
    shape = emit.lowering.shapes[x]
    return np.ones((*(1 for _ in shape), shape[-1]), np.float32)


def _channels(array: np.ndarray) -> np.ndarray:
    """A number for each channel; one where they are equal."""
    array = array.ravel()
    return array[:1] if np.ptp(array) == 0 else array


def _relu(emit: Emitter, x: int) -> int:
    options = _options(emit, "ReLU")
    largest, slope, threshold = (options[n] for n in ("max_value", "negative_slope", "threshold"))
    if slope and largest is None and not threshold:
        return emit("LeakyReLU", x, negative_slope=slope)
    if threshold or largest == 0:
        return emit("ReLU", x, **options)
    if slope:
        x = emit("LeakyReLU", x, part="leaky", negative_slope=slope)
        return _at_most(emit, x, largest)
    return emit.relu(x, largest)


def _at_most(emit: Emitter, x: int, bound, sign: float = -1.0) -> int:
    """The smaller of x and a constant; for a `sign` of 1, the larger."""
    x = emit.relu(emit.affine(x, sign, -sign * bound, "above"), part="relu")
    return emit.affine(x, sign, bound)


def _softmax(emit: Emitter, x: int) -> int:
    axis = emit.layer.axis
    if axis not in (-1, len(emit.shape)):
        raise BadInput(
            f"{emit.node.name} (Softmax) is over axis {axis}; a file needs it over the last"
        )
    return emit.activation(x, "softmax")


def _scaled_residual(emit: Emitter, x: int, residual: int) -> int:
    """x + residual * scale, as keras.applications' InceptionResNetV2 has it."""
    return emit("Add", x, emit.affine(residual, float(emit.layer.scale), 0.0, "scale"))


def _local_response(emit: Emitter, x: int) -> int:
    return emit("LocalResponseNormalization", x, **emit.layer.constants)


def _attention(emit: Emitter, x: int) -> int:
    """Positions weighted by a softmax of their products with the query, then summed."""
    (query,) = _arrays(emit)
    height, width, channels = emit.lowering.shapes[x]
    kernel = query[:, None] / np.float32(channels**0.5)
    scores = _pointwise(emit, x, kernel, np.zeros(1, np.float32), part="query")
    rows = emit("Reshape", scores, part="row", shape=(height * width,), target_shape=(-1,))
    weights = emit.activation(rows, "softmax", part="softmax")
    shape = (height, width, 1)
    weights = emit("Reshape", weights, part="map", shape=shape, target_shape=shape)
    x = emit("Multiply", x, weights, part="weighted", shape=(height, width, channels))
    x = emit("GlobalAveragePooling", x, part="mean", keepdims=False)
    return emit.affine(x, float(height * width), 0.0)


def _average(emit: Emitter, *inputs: int) -> int:
    return emit.affine(emit.many("Add", *inputs, part="sum"), 1 / len(inputs), 0.0)


def _reshaped(emit: Emitter, x: int) -> int:
    if emit.lowering.shapes[x] == emit.shape:
        return x
    before = emit.lowering.maker(x)
    if before and before.kind == "Reshape":
        (x,) = before.inputs
    return emit("Reshape", x, target_shape=emit.shape)


def _concatenated(emit: Emitter, *inputs: int) -> int:
    axis = emit.layer.axis
    return emit("Concatenate", *inputs, axis=axis if axis < 0 else axis - 1 - len(emit.shape))


def _reduced(of_positions: str, of_channels: Callable[[Emitter, int], int]) -> Callable[..., int]:
    """What is made of all positions, or of all channels of each."""

    def reduced(emit: Emitter, x: int) -> int:
        axes, shape = emit.layer.axis, emit.lowering.shapes[x]
        given = axes if isinstance(axes, list | tuple) else [axes or 0]
        over = {axis % (len(shape) + 1) for axis in given}
        if len(shape) == 3 and over == {1, 2}:
            return emit(of_positions, x, keepdims=bool(emit.layer.keepdims))
        if len(shape) == 3 and over == {3} and emit.layer.keepdims:
            return of_channels(emit, x)
        raise _unsupported(emit.node)

    return reduced


def _mean_of_channels(emit: Emitter, x: int) -> int:
    channels = emit.lowering.shapes[x][-1]
    mean = np.full((channels, 1), 1 / channels, np.float32)
    return _pointwise(emit, x, mean, np.zeros(1, np.float32), trainable=False)


def _largest_of_channels(emit: Emitter, x: int) -> int:
    """The pooling of rows: one for each position, of its channels."""
    height, width, channels = emit.lowering.shapes[x]
    rows = (height * width, channels, 1)
    x = emit("Reshape", x, part="rows", shape=rows, target_shape=rows)
    window = {"pool_size": (1, channels), "strides": (1, channels), "padding": "valid"}
    x = emit("MaxPooling", x, part="largest", shape=(height * width, 1, 1), **window)
    return emit("Reshape", x, target_shape=(height, width, 1))


_mean = _reduced("GlobalAveragePooling", _mean_of_channels)
_largest = _reduced("GlobalMaxPooling", _largest_of_channels)


def _sum(emit: Emitter, x: int) -> int:
    count = np.prod(emit.lowering.shapes[x]) / np.prod(emit.shape)
    return emit.affine(_mean(emit, x), float(count), 0.0)


def _celu(emit: Emitter, x: int) -> int:
    alpha = float(emit.layer.alpha)
    x = emit("ELU", emit.affine(x, 1 / alpha, 0.0, "over_alpha"), part="elu", alpha=1.0)
    return emit.affine(x, alpha, 0.0)


def _gelu(emit: Emitter, x: int) -> int:
    return emit.activation(x, "gelu_tanh" if emit.layer.approximate else "gelu")


def _square(emit: Emitter, x: int) -> int:
    return emit("Multiply", x, x)


def _power(emit: Emitter, x: int) -> int:
    exponents = [n for n in emit.node.keras_node.arguments.args if isinstance(n, Real)]
    if exponents != [2]:
        raise _unsupported(emit.node)
    return _square(emit, x)


def _padded(emit: Emitter, x: int) -> int:
    width, mode = emit.layer._process_pad_width(emit.layer.pad_width), emit.layer.mode
    value = emit.node.keras_node.arguments.kwargs.get("constant_values") or 0
    least = isinstance(value, Real) and value <= -_HUGE
    if (
        len(width) != 4
        or any(width[0])
        or any(width[3])
        or mode != "constant"
        or (value != 0 and not least)
    ):
        raise _unsupported(emit.node)
    rows, columns = (tuple(pair) for pair in width[1:3])
    if not least:
        return emit("Padding", x, padding=(rows, columns))
    return _edged(emit, _edged(emit, x, 0, *rows, part="rows"), 1, *columns)


def _edged(emit: Emitter, x: int, axis: int, before: int, after: int, part: str = "") -> int:
    """A map with its first and last row, or column, repeated: to a pooling of the largest, which
    sees them anyway, that is a padding below all numbers. The comparison with the model finds any
    other reader."""
    shape = emit.lowering.shapes[x]

    def edge(word: str, *cropped: int) -> int:
        cropping = ((0, 0), cropped) if axis else (cropped, (0, 0))
        one = (*shape[:axis], 1, *shape[axis + 1 :])
        return emit("Cropping", x, part=f"{part}{word}", shape=one, cropping=cropping)

    parts = [x]
    if before:
        parts = [edge("first", 0, shape[axis] - 1)] * before + parts
    if after:
        parts += [edge("last", shape[axis] - 1, 0)] * after
    if len(parts) == 1:
        return x
    longer = (*shape[:axis], shape[axis] + before + after, *shape[axis + 1 :])
    return emit("Concatenate", *parts, part=part, shape=longer, axis=axis - 3)


def _permuted(emit: Emitter, x: int) -> int:
    """Which axis went where is seen from their sizes."""
    sizes = range(1, len(emit.shape) + 2)
    dims = emit.node(np.zeros(sizes, np.float32)).shape
    if dims[0] != 1:
        raise _unsupported(emit.node)
    return emit("Permute", x, dims=tuple(n - 1 for n in dims[1:]))


def _sliced(emit: Emitter, x: int) -> int:
    """Neighbouring rows, columns and channels; which, is seen from what becomes of their numbers.
    Channels are chosen by a 1x1 convolution."""
    shape = emit.lowering.shapes[x]
    numbers = np.indices(shape).astype(np.float32)
    made = np.stack([emit.node(axis[None])[0] for axis in numbers])
    ends = [(int(axis.min()), int(axis.max()) + 1) for axis in made]
    wanted = numbers[(slice(None), *(slice(*end) for end in ends))]
    if len(shape) != 3 or wanted.shape != made.shape or not np.array_equal(wanted, made):
        raise _unsupported(emit.node)
    *cropping, (first, last) = [
        (low, size - high) for (low, high), size in zip(ends, shape, strict=True)
    ]
    if any(map(any, cropping)):
        part = "rows" if first or last else ""
        rows = (*emit.shape[:2], shape[2])
        x = emit("Cropping", x, part=part, shape=rows, cropping=tuple(cropping))
    if not (first or last):
        return x
    chosen = np.eye(shape[2], dtype=np.float32)[:, first : shape[2] - last]
    zeros = np.zeros(emit.shape[2], np.float32)
    return _pointwise(emit, x, chosen, zeros, trainable=False)


def _pooled(kind: str) -> Callable[[Emitter, int], int]:
    def pooled(emit: Emitter, x: int) -> int:
        given = emit.layer
        strides = given.pool_size if given.strides is None else given.strides
        return emit(kind, x, pool_size=given.pool_size, strides=strides, padding=given.padding)

    return pooled


def _resized(emit: Emitter, x: int) -> int:
    """Only to a whole multiple of its size."""
    given, before = emit.layer, emit.lowering.shapes[x]
    times = [to // size for to, size in zip(emit.shape[:2], before, strict=False)]
    odd = any(
        getattr(given, name, False)
        for name in ("antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio")
    )
    whole = len(before) == 3 and emit.shape == (*np.multiply(before[:2], times), before[2])
    if odd or not whole or given.interpolation not in ("nearest", "bilinear"):
        raise _unsupported(emit.node)
    return emit("Resizing", x, size=tuple(times), interpolation=given.interpolation)


_LAYERS: dict[str, Callable[..., int]] = {
    "Activation": _activated,
    "Average": _average,
    "BatchNormalization": _normalization,
    "Concatenate": _concatenated,
    "CustomScaleLayer": _scaled_residual,
    "Dense": _dense,
    "Flatten": _reshaped,
    "LayerNormalization": _layer_normalization,
    "RMSNormalization": _layer_normalization,
    "ReLU": _relu,
    "Reshape": _reshaped,
    "Resizing": _resized,
    "SeparableConv2D": _separable,
    "Softmax": _softmax,
}
_OF_OPS: dict[str, Callable[..., int]] = {
    "Amax": _largest,
    "AveragePool": _pooled("AveragePooling"),
    "Celu": _celu,
    "Clip": _clipped,
    "Concatenate": _concatenated,
    "Elu": lambda emit, x: emit("ELU", x, alpha=emit.layer.alpha),
    "ExpandDims": _reshaped,
    "Gelu": _gelu,
    "GetItem": _sliced,
    "LeakyRelu": lambda emit, x: emit("LeakyReLU", x, negative_slope=emit.layer.negative_slope),
    "Max": _largest,
    "MaxPool": _pooled("MaxPooling"),
    "Mean": _mean,
    "Moveaxis": _permuted,
    "Negative": lambda emit, x: emit.affine(x, -1.0, 0.0),
    "Pad": _padded,
    "Power": _power,
    "Reshape": _reshaped,
    "Resize": _resized,
    "Softmax": _softmax,
    "Square": _square,
    "Squeeze": _reshaped,
    "Sum": _sum,
    "Swapaxes": _permuted,
    "Transpose": _permuted,
}
