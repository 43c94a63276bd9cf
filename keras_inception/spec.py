"""The words a network is written in: one frozen row per layer, and the Network that lists them.

Standard library only. Shapes are (height, width, channels); every row keeps the name its paper
or reference release gave it, which is also its layer name, weight key and endpoint name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conv:
    """A convolution with its normalization (or bias) and ReLU.

    `kernel` is (height, width), or one number for both. `padding` is "same" (as many zeros as a
    stride of s needs to leave ceil(n / s) pixels, the odd one after), "symmetric" (kernel // 2
    zeros on either side, as Caffe and PyTorch) or "valid" (none).
    """

    name: str
    filters: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1
    padding: str = "same"


@dataclass(frozen=True)
class SeparableConv:
    """`multiplier` depthwise filters per channel, then 1x1: with bias and ReLU, never normalized.

    Padded as "same".
    """

    name: str
    filters: int
    kernel: int
    stride: int
    multiplier: int


@dataclass(frozen=True)
class Pool:
    """Max or average pooling ("max" or "avg") over size x size.

    `padding` is "same" (outside pixels do not count), "symmetric" (size // 2 zeros on either
    side, which an average counts), "ceil" (Caffe's: windows hang over the right and lower edge,
    and outside pixels do not count) or "valid".
    """

    name: str
    kind: str
    size: int
    stride: int
    padding: str = "same"


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
    """The whole map as one vector: (height, width, channels) -> (channels,).

    `kind` is "avg", "max" or "attention", a softmax over positions of their products with one
    learned query, which starts at zero and so as the average.
    """

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
class Residual:
    """x + scale * projection(branches(x)), with a ReLU unless `relu` is False.

    The branches are joined and projected back to the channels of x by a linear 1x1 convolution,
    `projection`, with bias and without normalization (arXiv 1602.07261, figures 10 to 19).
    """

    name: str
    branches: tuple[tuple[Row, ...], ...]
    projection: str
    scale: float
    relu: bool = True


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
class Embedding:
    """A linear layer without bias, batch-normalized: a bottleneck before the classifier."""

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


Row = (
    Conv
    | SeparableConv
    | Pool
    | GridPool
    | GlobalPool
    | LRN
    | Concat
    | Residual
    | Dropout
    | Dense
    | Embedding
    | Classifier
    | Aux
)


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalization after every convolution.

    epsilon 1e-3 is TF-slim's, Keras' and torchvision's; `momentum` is how much of the moving
    averages each step keeps, and belongs to the length of the run.
    """

    scale: bool = True
    epsilon: float = 1e-3
    momentum: float = 0.99


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
