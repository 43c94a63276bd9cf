"""What a network is: rows of nodes, blocks of parallel branches, heads; and what every node says.

A node type says all there is to know of it: what it makes of a shape, its weights, its layers and
its drawing; costs, models, pictures and lists of weights follow from that. `nodes` has those that
are a layer. Standard library only: layers are made by the builder that a node is given. Shapes are
(height, width, channels), of which the first two may be None, or (units,). Every node keeps the
name its paper or reference release gave it, which is also its layer name, weight key and endpoint
name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, ClassVar, NamedTuple

Shape = tuple[Any, ...]

FRAME = "#fafafa"


class TooSmall(Exception):
    """A map has too few pixels left for the row of this name."""


class Weight(NamedTuple):
    """A weight of a layer; each of its numbers is multiplied `uses` times for one image.

    For a convolution `name` the layer is `name`, and `name`_bn for its normalization. `row` is the
    node that the layer was made for: the Residual for a residual's projection. `head` names the
    auxiliary head it is part of.
    """

    row: Row
    layer: str
    variable: str
    shape: Shape
    uses: int = 0
    head: str | None = None

    def __str__(self) -> str:
        return f"{self.layer}/{self.variable}"


def positions(shape: Shape) -> int:
    """Where on a map a kernel is applied; 0 for a map of any size."""
    return 0 if None in shape else prod(shape[:-1])


@dataclass(frozen=True)
class Row(ABC):
    """A node of a network: the base of all node types."""

    name: str

    #: The fill of its box, and what stands in it: a format of which {0} is the node.
    drawing: ClassVar[tuple[str, str]]

    @property
    def label(self) -> str:
        """What stands in its box."""
        return self.drawing[1].format(self)

    def output(self, shape: Shape, net: Network) -> Shape:
        """The shape that it makes of `shape`. Raises TooSmall where that has too few pixels."""
        return shape

    def weights(self, shape: Shape, net: Network) -> Iterator[Weight]:
        """Its weights, in the order of creation, where it is given `shape`."""
        return iter(())

    @abstractmethod
    def layers(self, build, x):
        """The Keras tensor that its layers, made by the builder.Builder `build`, make of `x`."""

    def linear(self, layer: str, kernel: Shape, uses: int = 1, bias=True) -> Iterator[Weight]:
        """The weights of a convolution or of a dense layer made for it."""
        yield Weight(self, layer, "kernel", kernel, uses)
        if bias:
            yield Weight(self, layer, "bias", kernel[-1:])


@dataclass(frozen=True)
class Block(Row):
    """Parallel branches, each a sequence of rows, joined along the channels in this order.

    An empty branch passes its input through.
    """

    branches: tuple[tuple[Row, ...], ...]
    drawing = FRAME, "{0.name}"

    def _joined(self, shape: Shape, net: Network) -> Shape:
        made = [output(branch, shape, net) for branch in self.branches]
        if len({each[:2] for each in made}) > 1:
            raise TooSmall(self.name)
        return (*made[0][:2], sum(each[2] for each in made))

    def weights(self, shape, net):
        for branch in self.branches:
            yield from weights(branch, shape, net)

    def _join(self, build, name: str, x):
        return build.layer("Concatenate", name, [build.rows(each, x) for each in self.branches])


@dataclass(frozen=True)
class Concat(Block):
    """A block that is its branches, joined."""

    def output(self, shape, net):
        return self._joined(shape, net)

    def layers(self, build, x):
        return self._join(build, self.name, x)


@dataclass(frozen=True)
class Residual(Block):
    """x + scale * projection(branches(x)), with a ReLU unless `relu` is False.

    The branches are joined and projected back to the channels of x by a linear 1x1 convolution,
    `projection`, with bias and without normalization (arXiv 1602.07261, figures 10 to 19).
    """

    projection: str
    scale: float
    relu: bool = True
    drawing = FRAME, "{0.name} : input + {0.scale:g} × projection"

    def weights(self, shape, net):
        yield from super().weights(shape, net)
        kernel = (1, 1, self._joined(shape, net)[2], shape[2])
        yield from self.linear(self.projection, kernel, positions(shape))

    def layers(self, build, x):
        residual = self._join(build, f"{self.name}_joined", x)
        residual = build.layer(
            "Conv2D", self.projection, residual, filters=x.shape[-1], kernel_size=1
        )
        if self.scale != 1:
            residual = build.layer("Rescaling", f"{self.name}_scale", residual, scale=self.scale)
        x = build.layer("Add", f"{self.name}_sum" if self.relu else self.name, [x, residual])
        return build.layer("ReLU", self.name, x) if self.relu else x


@dataclass(frozen=True)
class Aux(Row):
    """An auxiliary classifier tapping the row before it; `name` is the name of its output."""

    rows: tuple[Row, ...]
    loss_weight: float

    def output(self, shape, net):
        return output(self.rows, shape, net)

    def weights(self, shape, net):
        for weight in weights(self.rows, shape, net):
            yield weight._replace(head=self.name)

    def layers(self, build, x):
        return build.output(self.name, build.rows(self.rows, x), self.loss_weight)


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalization after every convolution.

    epsilon 1e-3 is TF-slim's, Keras' and torchvision's; `momentum` is how much of the moving
    averages each step keeps, and belongs to the length of the run.
    """

    scale: bool = True
    epsilon: float = 1e-3
    momentum: float = 0.99

    def weights(self, row: Row, channels: int) -> Iterator[Weight]:
        """Those of the layer after the `channels` that `row` makes."""
        scale = ("gamma",) if self.scale else ()
        for variable in (*scale, "beta", "moving_mean", "moving_variance"):
            yield Weight(row, f"{row.name}_bn", variable, (channels,))

    def layers(self, build, name: str, x):
        """The Keras tensor that the layer after `name` makes of `x`."""
        # asdict: the fields are the arguments of Keras' layer.
        return build.layer("BatchNormalization", f"{name}_bn", x, **asdict(self))


@dataclass(frozen=True)
class Network:
    """A network as a value: the trunk, the classifier on top of it, and what they share.

    `norm` is None where convolutions are not batch-normalized. `bias` says whether convolutions
    add one; None means those that are not normalized, False means the classifiers neither.
    `activation` is the classifiers' (None leaves logits); `top` is empty for a feature extractor.
    """

    name: str
    rows: tuple[Row, ...]
    top: tuple[Row, ...]
    norm: BatchNorm | None = None
    bias: bool | None = None
    input_shape: tuple[int | None, int | None, int] = (224, 224, 3)
    classes: int = 1000
    activation: str | None = "softmax"
    year: int | None = None

    @property
    def conv_bias(self) -> bool:
        """Whether normalized convolutions (all, where there is no normalization) have a bias."""
        return self.norm is None if self.bias is None else self.bias

    @property
    def heads(self) -> tuple[Aux, ...]:
        """The auxiliary classifiers, in the order of the rows."""
        return tuple(row for row in self.rows if isinstance(row, Aux))


def walk(rows: tuple[Row, ...], shape: Shape, net: Network) -> Iterator[tuple[Row, Shape, Shape]]:
    """Each row, with the shape it is given and the shape it makes. Raises TooSmall."""
    for row in rows:
        made = row.output(shape, net)
        yield row, shape, made
        if not isinstance(row, Aux):
            shape = made


def output(rows: tuple[Row, ...], shape: Shape, net: Network) -> Shape:
    """The shape that the last row makes."""
    for *_, made in walk(rows, shape, net):
        shape = made
    return shape


def weights(rows: tuple[Row, ...], shape: Shape, net: Network) -> Iterator[Weight]:
    """Every weight of the rows, heads included, in the order of creation: branch after branch."""
    for row, given, _ in walk(rows, shape, net):
        yield from row.weights(given, net)
