"""What a network costs, row by row, from the table alone: shapes, parameters, multiply-adds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from .errors import BadInput
from .spec import (
    LRN,
    Aux,
    BatchNorm,
    Classifier,
    Concat,
    Conv,
    Dense,
    Dropout,
    Embedding,
    GlobalPool,
    GridPool,
    Network,
    Pool,
    Residual,
    Row,
    SeparableConv,
)

#: (height, width, channels), of which the first two may be None: of any size; or (units,).
Shape = tuple[Any, ...]


@dataclass(frozen=True)
class Cost:
    """One row: its name, output shape without batch, and what it holds and computes.

    `trainable` and `statistics` are numbers (the latter batch normalization's moving averages);
    `macs` are multiply-accumulates of convolutions and dense layers for one image.
    """

    name: str
    shape: Shape
    trainable: int = 0
    statistics: int = 0
    macs: int = 0

    @property
    def parameters(self) -> int:
        """All numbers held, as `model.count_params()` counts them."""
        return self.trainable + self.statistics


class _TooSmall(Exception):
    """A map has too few pixels left for a row."""


def _reduced(row: Conv | SeparableConv | Pool, n: int | None, kernel: int) -> int | None:
    """The pixels that `n` become under a window of `kernel`, padded as the row says."""
    if n is None:
        return None
    padding = getattr(row, "padding", "same")
    if padding == "same":
        pixels = -(-n // row.stride) if n >= min(2, row.stride) else 0
    elif padding == "ceil":
        pixels = -(-(n - kernel) // row.stride) + 1
    else:
        padded = n + 2 * (kernel // 2) if padding == "symmetric" else n
        pixels = (padded - kernel) // row.stride + 1
    if pixels < 1:
        raise _TooSmall(row.name)
    return pixels


def pair(kernel: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) of a kernel given as one number or two."""
    return kernel if isinstance(kernel, tuple) else (kernel, kernel)


def _macs(per_pixel: int, height: int | None, width: int | None) -> int:
    return 0 if height is None or width is None else per_pixel * height * width


def _conv(row: Conv, shape: Shape, net: Network) -> Cost:
    tall, wide = pair(row.kernel)
    height, width = _reduced(row, shape[0], tall), _reduced(row, shape[1], wide)
    weights = tall * wide * shape[2] * row.filters
    norm = net.norm
    vectors = net.conv_bias + (0 if norm is None else 1 + norm.scale)
    stats = 2 * row.filters if norm else 0
    macs = _macs(weights, height, width)
    return Cost(
        row.name, (height, width, row.filters), weights + vectors * row.filters, stats, macs
    )


def _separable(row: SeparableConv, shape: Shape, net: Network) -> Cost:
    height, width = (_reduced(row, n, row.kernel) for n in shape[:2])
    deep = shape[2] * row.multiplier
    weights = row.kernel**2 * deep + deep * row.filters
    macs = _macs(weights, height, width)
    return Cost(row.name, (height, width, row.filters), weights + row.filters, 0, macs)


def _pool(row: Pool, shape: Shape, net: Network) -> Cost:
    height, width = (_reduced(row, n, row.size) for n in shape[:2])
    return Cost(row.name, (height, width, shape[2]))


def _global_pool(row: GlobalPool, shape: Shape, net: Network) -> Cost:
    if row.kind != "attention":
        return Cost(row.name, shape[2:])
    # One product per position for its weight, one for the sum.
    return Cost(row.name, shape[2:], shape[2], 0, _macs(2 * shape[2], *shape[:2]))


def _dense(name: str, units: int, shape: Shape, bias: bool = True) -> Cost:
    inputs = math.prod(shape)
    return Cost(name, (units,), inputs * units + bias * units, 0, inputs * units)


def _embedding(row: Embedding, shape: Shape, net: Network) -> Cost:
    dense = _dense(row.name, row.units, shape, bias=False)
    norm = net.norm or BatchNorm()
    trainable = dense.trainable + (1 + norm.scale) * row.units
    return replace(dense, trainable=trainable, statistics=2 * row.units)


def _branches(row: Concat | Residual, shape: Shape, net: Network) -> Cost:
    costs = [_sequence(row.name, branch, shape, net) for branch in row.branches]
    if len({cost.shape[:2] for cost in costs}) > 1:
        raise _TooSmall(row.name)
    return _total(row.name, (*costs[0].shape[:2], sum(cost.shape[2] for cost in costs)), costs)


def _residual(row: Residual, shape: Shape, net: Network) -> Cost:
    joined = _branches(row, shape, net)
    weights = joined.shape[2] * shape[2]
    macs = _macs(weights, *shape[:2])
    projection = Cost(row.projection, shape, weights + shape[2], 0, macs)
    return _total(row.name, shape, [joined, projection])


_COSTS = {
    Conv: _conv,
    SeparableConv: _separable,
    Pool: _pool,
    GridPool: lambda row, shape, net: Cost(row.name, (row.grid, row.grid, shape[2])),
    GlobalPool: _global_pool,
    LRN: lambda row, shape, net: Cost(row.name, shape),
    Dropout: lambda row, shape, net: Cost(row.name, shape),
    Dense: lambda row, shape, net: _dense(row.name, row.units, shape),
    Embedding: _embedding,
    Classifier: lambda row, shape, net: _dense(
        row.name, net.classes, shape, bias=net.bias is not False
    ),
    Concat: _branches,
    Residual: _residual,
    Aux: lambda row, shape, net: _sequence(row.name, row.rows, shape, net),
}


def _total(name: str, shape: Shape, costs: list[Cost]) -> Cost:
    return Cost(
        name,
        shape,
        sum(cost.trainable for cost in costs),
        sum(cost.statistics for cost in costs),
        sum(cost.macs for cost in costs),
    )


def _walk(rows: tuple[Row, ...], shape: Shape, net: Network) -> list[Cost]:
    costs = []
    for row in rows:
        cost = _COSTS[type(row)](row, shape, net)
        costs.append(cost)
        if not isinstance(row, Aux):
            shape = cost.shape
    return costs


def _sequence(name: str, rows: tuple[Row, ...], shape: Shape, net: Network) -> Cost:
    costs = _walk(rows, shape, net)
    return _total(name, costs[-1].shape if costs else shape, costs)


def measure(net: Network) -> list[Cost]:
    """What the network `net` costs: one Cost per row of its table, the classifier's rows last.

    Raises BadInput where the network's input is too small, or has no fixed size although a
    head needs one.

    >>> import keras_inception
    >>> row = keras_inception.measure(keras_inception.network("googlenet"))[0]
    >>> row.name, row.shape, row.parameters, row.macs
    ('conv1_7x7_s2', (112, 112, 64), 9472, 118013952)
    """
    check_input(net)
    return _walk(net.rows + net.top, net.input_shape, net)


def total(net: Network) -> Cost:
    """The whole network as one Cost; its shape is the main output's."""
    costs = measure(net)
    return _total(net.name, costs[-1].shape, costs)


def smallest_input(net: Network) -> int:
    """The smallest square input, in pixels, that leaves every row a window to look through.

    Where padding would let a strided row look at a single pixel, two are asked for.
    """
    size = 1
    while not _fits(net, size):
        size += 1
    return size


def _fits(net: Network, size: int) -> bool:
    try:
        _walk(net.rows, (size, size, net.input_shape[2]), net)
    except _TooSmall:
        return False
    return True


def check_input(net: Network) -> None:
    """Raise BadInput unless the network can be built on its `input_shape`."""
    shape = net.input_shape
    if len(shape) != 3 or not shape[2] or any(n is not None and n < 1 for n in shape):
        raise BadInput(
            f"{net.name} needs an input_shape of (height, width, channels); got {tuple(shape)}"
        )
    if shape[0] in (1, 3, 4) and (shape[2] or 0) > 4:
        raise BadInput(
            f"{net.name} takes channels last, (height, width, channels); got {tuple(shape)}, which "
            f"is channels first: give {(*shape[1:], shape[0])} and such images"
        )
    if None in shape and net.heads:
        raise BadInput(
            f"the auxiliary heads of {net.name} need a fixed input size; got {tuple(shape)}: "
            f"give input_shape=(224, 224, {shape[2]}), say, or aux=False"
        )
    try:
        _walk(net.rows, shape, net)
    except _TooSmall as small:
        least = smallest_input(net)
        raise BadInput(
            f"{net.name} needs inputs of at least {least}x{least} "
            f"({small} would have too few pixels left); got {shape[0]}x{shape[1]}"
        ) from None
