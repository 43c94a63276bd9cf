"""The words a network is written in: one frozen row per layer, and the Network that lists them.

Standard library only. Shapes are (height, width, channels); every row keeps the name its paper
or reference release gave it, which is also its layer name, weight key and endpoint name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conv:
    """A convolution with its normalization (or bias) and ReLU; zero-padded to keep the grid."""

    name: str
    filters: int
    kernel: int = 1
    stride: int = 1


@dataclass(frozen=True)
class Pool:
    """Max or average pooling, padded so that a stride of s leaves ceil(n / s) pixels."""

    name: str
    kind: str
    size: int
    stride: int


@dataclass(frozen=True)
class GridPool:
    """Average pooling to a fixed grid: `grid` x `grid` equal windows whatever the map's size.

    The stride is floor(n / grid) and the window n - (grid - 1) * stride, so a 14x14 map is
    pooled 5x5/3, as the paper's heads do. Maps smaller than the grid are repeated first.
    """

    name: str
    grid: int


@dataclass(frozen=True)
class GlobalPool:
    """The average (or maximum) over the whole map: (height, width, channels) -> (channels,)."""

    name: str
    kind: str = "avg"


@dataclass(frozen=True)
class LRN:
    """Local response normalization across channels, in TensorFlow's convention:

    y = x * (bias + alpha * sum of x^2 over the 2 * depth_radius + 1 nearest channels) ** -beta.
    Caffe divides its alpha by the window, so bvlc_googlenet's 1e-4 with a window of 5 is 2e-5.
    """

    name: str
    depth_radius: int = 2
    bias: float = 1.0
    alpha: float = 2e-5
    beta: float = 0.75


@dataclass(frozen=True)
class Concat:
    """Parallel branches, each a sequence of rows, joined along the channels in this order.

    An empty branch passes its input through.
    """

    name: str
    branches: tuple[tuple[Row, ...], ...]


@dataclass(frozen=True)
class Dropout:
    name: str
    rate: float


@dataclass(frozen=True)
class Dense:
    """A fully connected layer with bias and ReLU; a map is flattened first."""

    name: str
    units: int


@dataclass(frozen=True)
class Classifier:
    """The last linear layer, with one unit per class of the network; computed in float32."""

    name: str


@dataclass(frozen=True)
class Aux:
    """An auxiliary classifier tapping the row before it; `name` is the name of its output."""

    name: str
    rows: tuple[Row, ...]
    loss_weight: float


Row = Conv | Pool | GridPool | GlobalPool | LRN | Concat | Dropout | Dense | Classifier | Aux


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalization after every convolution, which then has no bias.

    epsilon 1e-3 is TF-slim's, Keras' and torchvision's; `momentum` is how much of the moving
    averages each step keeps, and belongs to the length of the run.
    """

    scale: bool = True
    epsilon: float = 1e-3
    momentum: float = 0.99


@dataclass(frozen=True)
class Network:
    """A network as a value: the trunk, the classifier on top of it, and what they share.

    `norm` is None where convolutions carry a bias and no batch normalization; `activation` is
    the classifiers' (None leaves logits); `top` is empty for a feature extractor.
    """

    name: str
    rows: tuple[Row, ...]
    top: tuple[Row, ...]
    norm: BatchNorm | None = None
    input_shape: tuple[int | None, int | None, int] = (224, 224, 3)
    classes: int = 1000
    activation: str | None = "softmax"

    @property
    def heads(self) -> tuple[Aux, ...]:
        """The auxiliary classifiers, in the order of the rows."""
        return tuple(row for row in self.rows if isinstance(row, Aux))
