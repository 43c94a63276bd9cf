"""Operations of keras.ops on one tensor, as plain layers."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np

from .emitter import HUGE, Emitter, NoLayer

#: Operations of keras.ops -> the activation that they are.
ACTIVATIONS = {
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


def _clipped(emit: Emitter, x: int) -> int:
    low, high = emit.layer.x_min, emit.layer.x_max
    if not isinstance(low, Real) or not isinstance(high, Real) or not -HUGE < low < high < HUGE:
        raise NoLayer
    return emit.clipped(x, float(low), float(high))


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
        raise NoLayer

    return reduced


def _mean_of_channels(emit: Emitter, x: int) -> int:
    channels = emit.lowering.shapes[x][-1]
    mean = np.full((channels, 1), 1 / channels, np.float32)
    return emit.pointwise(x, mean, np.zeros(1, np.float32), trainable=False)


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
        raise NoLayer
    return _square(emit, x)


def _padded(emit: Emitter, x: int) -> int:
    width, mode = emit.layer._process_pad_width(emit.layer.pad_width), emit.layer.mode
    value = emit.node.keras_node.arguments.kwargs.get("constant_values") or 0
    least = isinstance(value, Real) and value <= -HUGE
    if (
        len(width) != 4
        or any(width[0])
        or any(width[3])
        or mode != "constant"
        or (value != 0 and not least)
    ):
        raise NoLayer
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
        raise NoLayer
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
        raise NoLayer
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
    return emit.pointwise(x, chosen, zeros, trainable=False)


def _pooled(kind: str) -> Callable[[Emitter, int], int]:
    def pooled(emit: Emitter, x: int) -> int:
        given = emit.layer
        strides = given.pool_size if given.strides is None else given.strides
        return emit(kind, x, pool_size=given.pool_size, strides=strides, padding=given.padding)

    return pooled


def resized(emit: Emitter, x: int) -> int:
    """Only to a whole multiple of its size."""
    given, before = emit.layer, emit.lowering.shapes[x]
    times = [to // size for to, size in zip(emit.shape[:2], before, strict=False)]
    odd = any(
        getattr(given, name, False)
        for name in ("antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio")
    )
    whole = len(before) == 3 and emit.shape == (*np.multiply(before[:2], times), before[2])
    if odd or not whole or given.interpolation not in ("nearest", "bilinear"):
        raise NoLayer
    return emit("Resizing", x, size=tuple(times), interpolation=given.interpolation)


OF_OPS: dict[str, Callable[..., int]] = {
    "Amax": _largest,
    "AveragePool": _pooled("AveragePooling"),
    "Celu": _celu,
    "Clip": _clipped,
    "Elu": lambda emit, x: emit("ELU", x, alpha=emit.layer.alpha),
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
    "Resize": resized,
    "Square": _square,
    "Sum": _sum,
    "Swapaxes": _permuted,
    "Transpose": _permuted,
}
