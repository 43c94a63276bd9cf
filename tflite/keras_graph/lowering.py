"""A Keras graph lowered to plain layers, whatever it was written with.

Activations stand apart, sums are of two, dense layers on maps are convolutions. A new layer of
Keras is a function here, or a line of STOCK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import keras
import numpy as np

from keras_inception.errors import BadInput
from keras_inception.layers import attention_pooling, local_response_normalization

from .emitter import HUGE, Emitter, Lowering, NoLayer
from .folding import normalization
from .normal_form import normal_form
from .operations import ACTIVATIONS as OPERATIONS
from .operations import OF_OPS, resized
from .plain import KINDS, WEIGHTED, PlainNetwork, needed
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
#: x * scale + offset, of constants.
_AFFINE = ("Add", "Divide", "LayerScale", "Multiply", "Rescaling", "Subtract", "TrueDivide")
#: What does the same as some that a file cannot be made of.
_INSTEAD = {
    "Absolute": "keras.ops.maximum(x, -x)",
    "Conv1D": "Conv2D on a Reshape to one row",
    "Divide": "Multiply and keras.ops.rsqrt(y * y), where y is above 0",
    "GetItem": "neighbouring rows, columns or channels of maps",
    "Lambda": "operations of keras.ops, which Keras keeps as layers",
    "LogSoftmax": "Softmax, whose classes have the same order",
    "Power": "keras.ops.square, or a product of maps",
    "Stack": "Concatenate",
    "TrueDivide": "Multiply and keras.ops.rsqrt(y * y), where y is above 0",
    "Where": "ReLU, LeakyReLU or keras.ops.clip",
}


def lower(graph: KerasGraph) -> PlainNetwork:
    """The plain layers that do what `graph` does. Raises BadInput naming a layer that cannot be
    had."""
    lowering = Lowering(graph)
    for node, shape in zip(graph.nodes, _shapes(graph), strict=True):
        emit = Emitter(lowering, replace(node, shape=shape))
        inputs = [lowering.tensors[n] for n in node.inputs]
        try:
            lowering.tensors[node.output] = _function(node)(emit, *inputs)
        except NoLayer:
            raise _unsupported(node) from None
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
        raise NoLayer
    if getattr(node.operation, "data_format", None) == "channels_first":
        raise BadInput(f"{node.name} ({kind}) is channels_first; a file needs channels_last")
    if arguments == 1 and kind in _AFFINE:
        return _constants
    if arguments == 1 and kind in ("Maximum", "Minimum"):
        return _bounded
    if node.constants:
        raise _of_constants(node)
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
    raise NoLayer


def _of_constants(node: Node) -> BadInput:
    return BadInput(
        f"{node.name} ({node.kind}) is called with an array of constants beside tensors, which a "
        "file has for sums, products, maxima and minima, a number for each channel"
    )


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


def _dense(emit: Emitter, x: int) -> int:
    x = emit.pointwise(x, *_with_bias(_arrays(emit), emit.shape[-1]))
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
    x = emit.pointwise(x, *_with_bias([pointwise[0, 0], *bias], emit.shape[-1]))
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
    the mean is left out of RMSNormalization and UnitNormalization, which makes their length 1."""
    layer, shape = emit.layer, emit.shape
    if _axis(emit) not in (-1, len(shape)) or getattr(layer, "rms_scaling", False):
        raise NoLayer
    channels = shape[-1]
    mean = np.full((channels, 1), 1 / channels, np.float32)
    zero, epsilon = np.zeros(1, np.float32), np.float32([getattr(layer, "epsilon", 1e-12)])
    if emit.node.kind == "LayerNormalization":
        centre = emit.pointwise(x, mean, zero, part="mean", trainable=False)
        x = emit("Subtract", x, centre, part="centred")
    x_squared = emit("Multiply", x, x, part="squared")
    variance = emit.pointwise(x_squared, mean, epsilon, part="variance", trainable=False)
    scale = emit.activation(variance, "rsqrt", part="rsqrt")
    x = emit("Multiply", x, scale, part="normalized")
    weights = _named_arrays(emit)
    one = channels**-0.5 if emit.node.kind == "UnitNormalization" else 1.0
    gamma = weights.get("gamma", weights.get("scale", one))
    return emit.affine(x, gamma, weights.get("beta", 0.0))


def _constants(emit: Emitter, x: int) -> int:
    """x * scale + offset, which are seen from what the operation makes of a few numbers."""
    if emit.node.kind == "Rescaling" and np.ndim(emit.layer.scale) == 0:
        return emit.affine(x, float(emit.layer.scale), np.asarray(emit.layer.offset))
    ones = _ones(emit, x)
    at = {n: np.asarray(emit.node(n * ones), np.float64) for n in (-1000, -1, 0, 1, 1000)}
    scale, offset = at[1] - at[0], at[0]
    if offset.shape != ones.shape:
        raise _of_constants(emit.node)
    if not all(np.allclose(made, n * scale + offset, rtol=1e-5) for n, made in at.items()):
        raise NoLayer
    return emit.affine(x, _channels(scale), _channels(offset))


def _bounded(emit: Emitter, x: int) -> int:
    """The larger or the smaller of x and a constant."""
    smaller = emit.node.kind == "Minimum"
    bound = np.asarray(emit.node((HUGE if smaller else -HUGE) * _ones(emit, x)))
    if bound.shape != _ones(emit, x).shape:
        raise _of_constants(emit.node)
    bound = _channels(bound)
    before = emit.lowering.maker(x)
    plain = before and before.kind == "ReLU" and before.options["max_value"] is None
    if smaller and plain and np.size(bound) == 1 and bound > 0:
        return emit.relu(x, float(bound.ravel()[0]))
    return _at_most(emit, x, bound, -1.0 if smaller else 1.0)


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
    scores = emit.pointwise(x, kernel, np.zeros(1, np.float32), part="query")
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
    "Resizing": resized,
    "SeparableConv2D": _separable,
    "Softmax": _softmax,
    "UnitNormalization": _layer_normalization,
}
_OF_OPS: dict[str, Callable[..., int]] = OF_OPS | {
    "Concatenate": _concatenated,
    "ExpandDims": _reshaped,
    "Reshape": _reshaped,
    "Softmax": _softmax,
    "Squeeze": _reshaped,
}
