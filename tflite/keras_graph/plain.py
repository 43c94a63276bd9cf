"""The closed set of plain layers that every network is lowered to, and a network made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Kind:
    """What a plain layer is made of.

    keras: the layer that computes it in Keras 3 and in tf_keras alike.
    options: the arguments that it is made with, under the names that both Kerases have for them.
    outputs: the axes of the kernel that run over output channels; none for layers without a kernel.
        Layers with one have a bias too.
    """

    keras: str
    options: str = ""
    outputs: tuple[int, ...] = ()


_WINDOW = "kernel_size strides padding dilation_rate"
_POOL = "pool_size strides padding"
KINDS = {
    "Convolution": Kind("Conv2D", f"filters {_WINDOW} groups", (3,)),
    "DepthwiseConvolution": Kind("DepthwiseConv2D", f"{_WINDOW} depth_multiplier", (2, 3)),
    "TransposedConvolution": Kind("Conv2DTranspose", f"filters {_WINDOW} output_padding", (2,)),
    "Dense": Kind("Dense", "units", (1,)),
    "MaxPooling": Kind("MaxPooling2D", _POOL),
    "AveragePooling": Kind("AveragePooling2D", _POOL),
    "GlobalMaxPooling": Kind("GlobalMaxPooling2D", "keepdims"),
    "GlobalAveragePooling": Kind("GlobalAveragePooling2D", "keepdims"),
    "Activation": Kind("Activation", "activation"),
    "ReLU": Kind("ReLU", "max_value negative_slope threshold"),
    "LeakyReLU": Kind("LeakyReLU", "negative_slope"),
    "ELU": Kind("ELU", "alpha"),
    "PReLU": Kind("PReLU", "shared_axes"),
    "Add": Kind("Add"),
    "Subtract": Kind("Subtract"),
    "Multiply": Kind("Multiply"),
    "Maximum": Kind("Maximum"),
    "Minimum": Kind("Minimum"),
    "Concatenate": Kind("Concatenate", "axis"),
    "Scale": Kind("Rescaling", "scale"),
    "Padding": Kind("ZeroPadding2D", "padding"),
    "Cropping": Kind("Cropping2D", "cropping"),
    "Resizing": Kind("UpSampling2D", "size interpolation"),
    "Reshape": Kind("Reshape", "target_shape"),
    "Permute": Kind("Permute", "dims"),
    "LocalResponseNormalization": Kind(
        "LocalResponseNormalization", "depth_radius bias alpha beta"
    ),
}
#: The width of the narrowest range that a tensor is rounded in: something to divide by.
NARROWEST = 1e-3
#: The options of a convolution of every position by itself.
ONE_BY_ONE = {
    "kernel_size": (1, 1),
    "strides": (1, 1),
    "padding": "valid",
    "dilation_rate": (1, 1),
}
#: Layers of a kernel and a bias.
WEIGHTED = tuple(name for name, kind in KINDS.items() if kind.outputs)
#: Layers of two tensors or more.
JOINING = ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate")


@dataclass(frozen=True)
class Layer:
    """A plain layer applied to tensors, which are numbered.

    name: no other layer's, and one that TensorFlow accepts.
    shape: the output's, without the batch.
    weights: kernel and bias of the WEIGHTED; PReLU's slopes.
    factor: what is folded into the kernel, which is `factor` times the variable that trains. Were
        it part of the variable, a step would be as much larger as the square of it is smaller.
    range: (low, high) that the output is rounded to 8 bits in, where that is not for calibration
        to find.
    trainable: whether fine-tuning may change the weights.
    """

    kind: str
    name: str
    inputs: tuple[int, ...]
    output: int
    shape: tuple[int, ...]
    options: Mapping = field(default_factory=dict)
    weights: tuple[np.ndarray, ...] = ()
    factor: np.ndarray | float = 1.0
    range: tuple[float, float] | None = None
    trainable: bool = True

    @property
    def variables(self) -> tuple[np.ndarray, ...]:
        """The weights as they train: a kernel without its factor."""
        if not (self.weights and self.trainable):
            return self.weights
        first, *others = self.weights
        return first / self.factor, *others

    def with_variables(self, variables: Sequence[np.ndarray]) -> Layer:
        """The layer after training, which made these of its variables."""
        first, *others = variables
        return replace(self, weights=(first * self.factor, *others))

    def scaled(self, scale: np.ndarray, offset: np.ndarray) -> Layer:
        """The layer, one of the WEIGHTED, with its output times `scale`, plus `offset`."""
        kernel, bias = self.weights
        over = KINDS[self.kind].outputs
        shape = [n if axis in over else 1 for axis, n in enumerate(kernel.shape)]
        factor = np.broadcast_to(scale, bias.shape).reshape(shape)
        bias = bias * scale + offset
        return self._with(kernel * factor, bias, self.factor * factor)

    def after(self, scale: np.ndarray, offset: np.ndarray) -> Layer:
        """The layer, a convolution or Dense, of inputs times `scale`, plus `offset`."""
        kernel, bias = self.weights
        factor = np.broadcast_to(scale, kernel.shape[-2])[:, None]
        shift = np.broadcast_to(offset, kernel.shape[-2])[:, None] * kernel
        bias = bias + shift.sum(axis=tuple(range(kernel.ndim - 1)))
        return self._with(kernel * factor, bias, self.factor * factor)

    def _with(self, kernel, bias, factor) -> Layer:
        weights = kernel.astype(np.float32), bias.astype(np.float32)
        return replace(self, weights=weights, factor=np.float32(np.where(factor, factor, 1.0)))


@dataclass(frozen=True)
class PlainNetwork:
    """Plain layers in an order they can be computed in, from tensor `input`, an image of `shape`
    (height, width, channels), to tensor `output`."""

    name: str
    layers: tuple[Layer, ...]
    shape: tuple[int, ...]
    input: int
    output: int

    @cached_property
    def maker(self) -> dict[int, Layer]:
        """The layer that computes each tensor."""
        return {layer.output: layer for layer in self.layers}

    @cached_property
    def readers(self) -> dict[int, list[Layer]]:
        """The layers that read each tensor, one that reads it twice being there twice."""
        readers: dict[int, list[Layer]] = {}
        for layer in self.layers:
            for tensor in layer.inputs:
                readers.setdefault(tensor, []).append(layer)
        return readers

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.maker[self.output].shape

    def until(self, tensor: int) -> PlainNetwork:
        """The network that ends in another of its tensors."""
        return replace(self, layers=needed(self.layers, [tensor]), output=tensor)

    def without_ranges(self) -> PlainNetwork:
        """The network with no range given."""
        return replace(self, layers=tuple(replace(layer, range=None) for layer in self.layers))

    def with_layers(self, changed: Mapping[str, Layer]) -> PlainNetwork:
        """The network with the layers of these names replaced."""
        return replace(self, layers=tuple(changed.get(layer.name, layer) for layer in self.layers))


def needed(layers: Iterable[Layer], outputs: Iterable[int]) -> tuple[Layer, ...]:
    """Those of the layers that the tensors `outputs` are made of."""
    wanted, kept = set(outputs), []
    for layer in reversed([*layers]):
        if layer.output in wanted:
            kept.append(layer)
            wanted.update(layer.inputs)
    return tuple(kept[::-1])


def uses(layers: Iterable[Layer], output: int) -> Counter[int]:
    """How often each tensor is read, the last as the output."""
    return Counter([tensor for layer in layers for tensor in layer.inputs] + [output])
