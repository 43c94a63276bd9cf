"""What a network costs, row by row, from the table alone: shapes, parameters, multiply-adds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from .errors import BadInput
from .spec import Network, Shape, TooSmall, Weight, output, walk, weights


@dataclass(frozen=True)
class Cost:
    """One row: its name, output shape without batch, and what it holds and computes.

    `trainable` and `non_trainable` are numbers (the latter batch normalization's moving averages);
    `macs` are multiply-accumulates of convolutions and dense layers for one image.
    """

    name: str
    shape: Shape
    trainable: int = 0
    non_trainable: int = 0
    macs: int = 0

    @property
    def parameters(self) -> int:
        """All numbers held, as `model.count_params()` counts them."""
        return self.trainable + self.non_trainable


def _cost(name: str, shape: Shape, held: Iterable[Weight]) -> Cost:
    sizes = [(prod(weight.shape), weight) for weight in held]
    moving = sum(size for size, weight in sizes if weight.variable.startswith("moving_"))
    macs = sum(size * weight.uses for size, weight in sizes)
    return Cost(name, shape, sum(size for size, _ in sizes) - moving, moving, macs)


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
    return [
        _cost(row.name, made, row.weights(given, net))
        for row, given, made in walk(net.rows + net.top, net.input_shape, net)
    ]


def total(net: Network) -> Cost:
    """The whole network as one Cost; its shape is the main output's."""
    check_input(net)
    whole = net.rows + net.top, net.input_shape, net
    return _cost(net.name, output(*whole), weights(*whole))


#: Pixels that a network which can be used needs at most: those of the family need 75.
LARGEST = 500


def smallest_input(net: Network) -> int:
    """The smallest square input, in pixels, that leaves every row a window to look through.

    Where padding would let a strided row look at a single pixel, two are asked for. Raises BadInput
    where none of up to LARGEST does: the branches of a block then never agree.
    """
    for size in range(1, LARGEST + 1):
        if _fits(net, size):
            return size
    raise BadInput(f"{net.name} fits no square input of up to {LARGEST} pixels")


def _fits(net: Network, size: int) -> bool:
    try:
        output(net.rows, (size, size, net.input_shape[2]), net)
    except TooSmall:
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
        output(net.rows, shape, net)
    except TooSmall as small:
        least = smallest_input(net)
        raise BadInput(
            f"{net.name} needs inputs of at least {least}x{least} "
            f"({small} would have too few pixels left); got {shape[0]}x{shape[1]}"
        ) from None
