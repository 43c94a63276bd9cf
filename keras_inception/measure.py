"""What a network costs, row by row, from the table alone: shapes, parameters, multiply-adds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

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
    GlobalPool,
    GridPool,
    Network,
    Pool,
    Row,
)

Shape = tuple[int | None, ...]


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
    """A map has no pixels left to stride over."""


def _strided(row: Row, n: int | None) -> int | None:
    if n is None:
        return None
    if row.stride > 1 and n < 2:
        raise _TooSmall(row.name)
    return -(-n // row.stride)


def _conv(row: Conv, shape: Shape, net: Network) -> Cost:
    height, width, channels = _strided(row, shape[0]), _strided(row, shape[1]), shape[2]
    weights = row.kernel**2 * channels * row.filters
    macs = 0 if None in (height, width) else weights * height * width
    norm = net.norm
    extra = row.filters if norm is None or not norm.scale else 2 * row.filters
    stats = 2 * row.filters if isinstance(norm, BatchNorm) else 0
    return Cost(row.name, (height, width, row.filters), weights + extra, stats, macs)


def _pool(row: Pool, shape: Shape, net: Network) -> Cost:
    return Cost(row.name, (_strided(row, shape[0]), _strided(row, shape[1]), shape[2]))


def _dense(name: str, units: int, shape: Shape) -> Cost:
    inputs = 1
    for n in shape:
        inputs *= n
    return Cost(name, (units,), inputs * units + units, 0, inputs * units)


def _concat(row: Concat, shape: Shape, net: Network) -> Cost:
    costs = [_sequence(row.name, branch, shape, net) for branch in row.branches]
    channels = sum(cost.shape[2] for cost in costs)
    return _total(row.name, (*costs[0].shape[:2], channels), costs)


_COSTS = {
    Conv: _conv,
    Pool: _pool,
    GridPool: lambda row, shape, net: Cost(row.name, (row.grid, row.grid, shape[2])),
    GlobalPool: lambda row, shape, net: Cost(row.name, shape[2:]),
    LRN: lambda row, shape, net: Cost(row.name, shape),
    Dropout: lambda row, shape, net: Cost(row.name, shape),
    Dense: lambda row, shape, net: _dense(row.name, row.units, shape),
    Classifier: lambda row, shape, net: _dense(row.name, net.classes, shape),
    Concat: _concat,
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
    """One Cost per row of the table, the classifier's rows last.

    Raises BadInput where the network's input is too small, or has no fixed size although a
    head needs one.
    """
    check_input(net)
    return _walk(net.rows + net.top, net.input_shape, net)


def total(net: Network) -> Cost:
    """The whole network as one Cost; its shape is the main output's."""
    costs = measure(net)
    return _total(net.name, costs[-1].shape, costs)


def smallest_input(net: Network) -> int:
    """The smallest square input, in pixels, on which every strided row still has two to halve."""
    for size in itertools.count(1):
        try:
            _walk(net.rows, (size, size, net.input_shape[2]), net)
        except _TooSmall:
            continue
        return size


def check_input(net: Network) -> None:
    """Raise BadInput unless the network can be built on its `input_shape`."""
    shape = net.input_shape
    if len(shape) != 3 or not shape[2] or any(n is not None and n < 1 for n in shape):
        raise BadInput(
            f"{net.name} needs an input_shape of (height, width, channels); got {tuple(shape)}"
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
            f"({small} would have nothing left to halve); got {shape[0]}x{shape[1]}"
        ) from None
