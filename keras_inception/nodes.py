"""The node types that are a layer, and what belongs to it; `spec` has what every node type says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod

from .errors import BadInput
from .spec import BatchNorm, Row, Shape, TooSmall, Weight, positions

BLUE, RED, YELLOW, GREY, WHITE = "#cfe3f7", "#f7d6cf", "#fbe9b7", "#e3e3e3", "#ffffff"


def pair(kernel: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) of a kernel given as one number or two."""
    return kernel if isinstance(kernel, tuple) else (kernel, kernel)


def _windows(row: Row, shape: Shape, size, stride: int, padding: str = "same") -> Shape:
    """How many windows of `size` see a map, down and across. Raises TooSmall."""

    def along(pixels: int, window: int) -> int:
        if padding == "same":
            return -(-pixels // stride) if pixels >= min(2, stride) else 0
        if padding == "ceil":
            return -(-(pixels - window) // stride) + 1
        outside = 2 * (window // 2) if padding == "symmetric" else 0
        return (pixels + outside - window) // stride + 1

    sides = zip(shape[:2], pair(size), strict=True)
    windows = tuple(None if pixels is None else along(pixels, k) for pixels, k in sides)
    if any(n is not None and n < 1 for n in windows):
        raise TooSmall(row.name)
    return windows


@dataclass(frozen=True)
class Conv(Row):
    """A convolution with its normalization (or bias) and ReLU.

    `kernel` is (height, width), or one number for both. `padding` is "same" (as many zeros as a
    stride of s needs to leave ceil(n / s) pixels, the odd one after), "symmetric" (kernel // 2
    zeros on either side, as Caffe and PyTorch) or "valid" (none).
    """

    filters: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1
    padding: str = "same"
    drawing = BLUE, "{0.window}, {0.filters}"

    @property
    def window(self) -> str:
        """As papers write it: 7×7/2."""
        stride = f"/{self.stride}" if self.stride > 1 else ""
        return "{}×{}".format(*pair(self.kernel)) + stride

    def output(self, shape, net):
        return (*_windows(self, shape, self.kernel, self.stride, self.padding), self.filters)

    def weights(self, shape, net):
        kernel = (*pair(self.kernel), shape[2], self.filters)
        uses = positions(self.output(shape, net))
        yield from self.linear(self.name, kernel, uses, bias=net.conv_bias)
        if net.norm:
            yield from net.norm.weights(self, self.filters)

    def layers(self, build, x):
        padding = self.padding
        if padding == "symmetric" and self.stride == 1:
            padding = "same"  # which pads an odd kernel symmetrically
        elif padding == "symmetric":
            x = build.zeros(self.name, x, tuple((k // 2, k // 2) for k in pair(self.kernel)))
            padding = "valid"
        x = build.layer(
            "Conv2D",
            self.name,
            x,
            filters=self.filters,
            kernel_size=self.kernel,
            strides=self.stride,
            padding=padding,
            use_bias=build.net.conv_bias,
            # bvlc_googlenet's fillers: biases of 0.2 keep the ReLUs alive at the start.
            bias_initializer=build.keras.initializers.Constant(0.0 if build.net.norm else 0.2),
        )
        if build.net.norm:
            x = build.net.norm.layers(build, self.name, x)
        return build.layer("ReLU", f"{self.name}_relu", x)


@dataclass(frozen=True)
class SeparableConv(Row):
    """`multiplier` depthwise filters per channel, then 1x1: with bias and ReLU, never normalized.

    Padded as "same".
    """

    filters: int
    kernel: int
    stride: int
    multiplier: int
    drawing = BLUE, "{0.kernel}×{0.kernel}/{0.stride}, {0.filters}"

    def output(self, shape, net):
        return (*_windows(self, shape, self.kernel, self.stride), self.filters)

    def weights(self, shape, net):
        depthwise = (*pair(self.kernel), shape[2], self.multiplier)
        pointwise = (1, 1, shape[2] * self.multiplier, self.filters)
        uses = positions(self.output(shape, net))
        yield Weight(self, self.name, "depthwise_kernel", depthwise, uses)
        yield Weight(self, self.name, "pointwise_kernel", pointwise, uses)
        yield Weight(self, self.name, "bias", (self.filters,))

    def layers(self, build, x):
        x = build.layer(
            "SeparableConv2D",
            self.name,
            x,
            filters=self.filters,
            kernel_size=self.kernel,
            strides=self.stride,
            padding="same",
            depth_multiplier=self.multiplier,
        )
        return build.layer("ReLU", f"{self.name}_relu", x)


@dataclass(frozen=True)
class Pool(Row):
    """Max or average pooling ("max" or "avg") over size x size.

    `padding` is "same" (outside pixels do not count), "symmetric" (size // 2 zeros on either
    side, which an average counts), "ceil" (Caffe's: windows hang over the right and lower edge,
    and outside pixels do not count) or "valid".
    """

    kind: str
    size: int
    stride: int
    padding: str = "same"
    drawing = RED, "{0.kind} {0.size}×{0.size}/{0.stride}"

    def output(self, shape, net):
        return (*_windows(self, shape, self.size, self.stride, self.padding), shape[2])

    def layers(self, build, x):
        if self.padding == "symmetric":
            x = build.zeros(self.name, x, self.size // 2)
        elif self.padding == "ceil":
            x = self._hang_over(build, x)
        return build.layer(
            {"max": "MaxPooling2D", "avg": "AveragePooling2D"}[self.kind],
            self.name,
            x,
            pool_size=self.size,
            strides=self.stride,
            padding="same" if self.padding == "same" else "valid",
        )

    def _hang_over(self, build, x):
        """Room for windows over the lower and right edge: zeros, which no maximum of ReLUs sees."""
        sizes = x.shape[1:3]
        if None in sizes:
            raise BadInput(f"{self.name} rounds up as Caffe does and needs a fixed input size")
        over = tuple((0, -(n - self.size) % self.stride) for n in sizes)
        return x if over == ((0, 0), (0, 0)) else build.zeros(self.name, x, over)


@dataclass(frozen=True)
class AdaptiveAvgPool(Row):
    """Average pooling to a fixed grid: `grid` x `grid` equal windows whatever the map's size.

    The stride is floor(n / grid) and the window n - (grid - 1) * stride, so a 14x14 map is
    pooled 5x5/3, as the paper's heads do. Maps smaller than the grid are repeated first.
    """

    grid: int
    drawing = RED, "avg to {0.grid}×{0.grid}"

    def output(self, shape, net):
        return (self.grid, self.grid, shape[2])

    def layers(self, build, x):
        repeats = tuple(-(-self.grid // n) for n in x.shape[1:3])
        if repeats != (1, 1):
            x = build.layer("UpSampling2D", f"{self.name}_repeat", x, size=repeats)
        strides = tuple(n // self.grid for n in x.shape[1:3])
        window = tuple(n - (self.grid - 1) * s for n, s in zip(x.shape[1:3], strides, strict=True))
        return build.layer("AveragePooling2D", self.name, x, pool_size=window, strides=strides)


@dataclass(frozen=True)
class GlobalPool(Row):
    """The whole map as one vector: (height, width, channels) -> (channels,).

    `kind` is "avg", "max" or "attention", a softmax over positions of their products with one
    learned query, which starts at zero and so as the average.
    """

    kind: str = "avg"
    drawing = RED, "global {0.kind}"

    def output(self, shape, net):
        return shape[2:]

    def weights(self, shape, net):
        if self.kind == "attention":
            # One product per position for its weight, one for the sum.
            yield Weight(self, self.name, "query", shape[2:], 2 * positions(shape))

    def layers(self, build, x):
        kinds = {
            "avg": "GlobalAveragePooling2D",
            "max": "GlobalMaxPooling2D",
            "attention": "AttentionPooling",
        }
        return build.layer(kinds[self.kind], self.name, x)


@dataclass(frozen=True)
class LRN(Row):
    """Local response normalization across channels, in TensorFlow's convention:

    y = x * (bias + alpha * sum of x^2 over the 2 * depth_radius + 1 nearest channels) ** -beta.
    Caffe divides its alpha by the window, so bvlc_googlenet's 1e-4 with a window of 5 is 2e-5.
    """

    depth_radius: int = 2
    bias: float = 1.0
    alpha: float = 2e-5
    beta: float = 0.75
    drawing = GREY, "LRN"

    def layers(self, build, x):
        constants = asdict(self)
        return build.layer("LocalResponseNormalization", constants.pop("name"), x, **constants)


@dataclass(frozen=True)
class Dropout(Row):
    """In training, a share `rate` of all numbers is set to 0, and the others are scaled up."""

    rate: float
    drawing = WHITE, "dropout"

    def layers(self, build, x):
        return build.layer("Dropout", self.name, x, rate=self.rate)


@dataclass(frozen=True)
class Dense(Row):
    """A fully connected layer with bias and ReLU; a map is flattened first."""

    units: int
    drawing = YELLOW, "dense, {0.units}"

    def output(self, shape, net):
        return (self.units,)

    def weights(self, shape, net):
        return self.linear(self.name, (prod(shape), self.units))

    def layers(self, build, x):
        x = build.layer("Dense", self.name, build.flat(self.name, x), units=self.units)
        return build.layer("ReLU", f"{self.name}_relu", x)


@dataclass(frozen=True)
class Bottleneck(Dense):
    """A linear layer without bias, batch-normalized: a bottleneck before the classifier."""

    def weights(self, shape, net):
        yield from self.linear(self.name, (*shape, self.units), bias=False)
        yield from (net.norm or BatchNorm()).weights(self, self.units)

    def layers(self, build, x):
        x = build.layer("Dense", self.name, x, units=self.units, use_bias=False)
        return (build.net.norm or BatchNorm()).layers(build, self.name, x)


@dataclass(frozen=True)
class Classifier(Row):
    """The last linear layer, with one unit per class of the network; computed in float32."""

    drawing = YELLOW, "classifier"

    def output(self, shape, net):
        return (net.classes,)

    def weights(self, shape, net):
        return self.linear(self.name, (prod(shape), net.classes), bias=net.bias is not False)

    def layers(self, build, x):
        x, net = build.flat(self.name, x), build.net
        how = {"units": net.classes, "use_bias": net.bias is not False, "dtype": "float32"}
        return build.layer("Dense", self.name, x, **how)
