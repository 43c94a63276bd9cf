"""The plain layers that a node of a Keras graph becomes, one after another."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np

from keras_inception.errors import BadInput

from .folding import AFFINE, affine
from .plain import ONE_BY_ONE, Layer
from .read import KerasGraph, Node

#: Activations that are computed as they are, by Keras' names; "gelu_tanh" is the one of
#: keras.ops, which approximates.
ACTIVATIONS = (
    "elu", "exponential", "gelu", "gelu_tanh", "hard_silu", "log", "mish", "rsqrt", "selu",
    "sigmoid", "softmax", "softplus", "softsign", "tanh",
)  # fmt: skip
#: Those that are made of others.
COMPOSED = ("hard_sigmoid", "hard_tanh", "leaky_relu", "log_sigmoid", "relu", "relu6", "silu")
_ALSO = {"celu": "elu", "swish": "silu", "hard_swish": "hard_silu"}


#: More values than any network computes, for a constant to be seen behind them.
HUGE = np.float32(1e30)


class NoLayer(Exception):
    """No plain layers do what a node does."""


class Lowering:
    """Plain layers one after another, and the plain tensor that each of the graph's became."""

    def __init__(self, graph: KerasGraph):
        self.tensors = {graph.input: graph.input}
        self.fresh = count(1 + max([graph.input, *(node.output for node in graph.nodes)]))
        self.layers: list[Layer] = []
        self.names = {"image", *(node.name for node in graph.nodes)}
        self.shapes = {graph.input: graph.shape}

    def emit(self, layer: Layer) -> int:
        self.layers.append(replace(layer, output=next(self.fresh)))
        self.shapes[self.layers[-1].output] = layer.shape
        return self.layers[-1].output

    def maker(self, tensor: int) -> Layer | None:
        """The layer that makes a tensor."""
        return next((layer for layer in self.layers if layer.output == tensor), None)

    def free(self, name: str) -> str:
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name


class Emitter:
    """The layers of one node. The last bears its name; those before have a word added to it."""

    def __init__(self, lowering: Lowering, node: Node):
        self.lowering, self.node, self.shape = lowering, node, node.shape[1:]
        self.layer = node.operation

    def __call__(self, kind, *inputs, part="", shape=None, weights=(), trainable=True, **options):
        """The number of the tensor that a layer makes of the inputs."""
        name, shape = self._name(part), self.shape if shape is None else shape
        made = Layer(kind, name, inputs, -1, tuple(shape), options, weights, trainable=trainable)
        return self.lowering.emit(made)

    def _name(self, part: str) -> str:
        return self.lowering.free(f"{self.node.name}_{part}") if part else self.node.name

    def affine(self, x, scale, offset, part="") -> int:
        """x * scale + offset; each a number, or one for each channel."""
        made = Layer(AFFINE, self._name(part), (x,), -1, self.lowering.shapes[x])
        return self.lowering.emit(affine(made, scale, offset))

    def pointwise(self, x: int, kernel, bias, *, part="", trainable=True) -> int:
        """A dense layer of every position's channels: a 1x1 convolution of a map."""
        shape = (*self.lowering.shapes[x][:-1], kernel.shape[-1])
        options = {"part": part, "shape": shape, "trainable": trainable}
        if len(shape) != 3:
            return self("Dense", x, weights=(kernel, bias), units=shape[-1], **options)
        return self(
            "Convolution",
            x,
            weights=(kernel[None, None], bias),
            filters=shape[-1],
            groups=1,
            **ONE_BY_ONE,
            **options,
        )

    def many(self, kind: str, *inputs, part="") -> int:
        """What joins two, of two and the next."""
        x, *others = inputs
        shapes = self.lowering.shapes
        for position, other in enumerate(others, 1):
            last = position == len(others)
            shape = np.broadcast_shapes(shapes[x], shapes[other])
            x = self(kind, x, other, part=part if last else f"{part}{position}", shape=shape)
        return x

    def relu(self, x, largest=None, part="") -> int:
        """min(max(x, 0), largest)."""
        shape = self.lowering.shapes[x]
        none = {"negative_slope": 0.0, "threshold": 0.0}
        if largest in (None, 6):
            return self("ReLU", x, part=part, shape=shape, max_value=largest, **none)
        # TFLite has one that ends at 6.
        x = self.affine(x, 6 / largest, 0.0, f"{part}_to_6".strip("_"))
        x = self("ReLU", x, part=f"{part}_6".strip("_"), shape=shape, max_value=6.0, **none)
        return self.affine(x, largest / 6, 0.0, part)

    def clipped(self, x, low: float, high: float, part="") -> int:
        """min(max(x, low), high)."""
        x = self.affine(x, 1.0, -low, f"{part}_above".strip("_")) if low else x
        x = self.relu(x, high - low, part=f"{part}_relu".strip("_") if low else part)
        return self.affine(x, 1.0, low, part) if low else x

    def activation(self, x, name, part="") -> int:
        name = _ALSO.get(name, name)
        shape = self.lowering.shapes[x]
        if name in ("linear", None):
            return x
        if name in ("relu", "relu6"):
            return self.relu(x, 6 if name == "relu6" else None, part)
        if name == "leaky_relu":
            return self("LeakyReLU", x, part=part, shape=shape, negative_slope=0.2)
        if name == "hard_tanh":
            return self.clipped(x, -1.0, 1.0, part)
        if name == "log_sigmoid":
            negative = self.affine(x, -1.0, 0.0, f"{part}_negative".strip("_"))
            softplus = f"{part}_softplus".strip("_")
            x = self("Activation", negative, part=softplus, shape=shape, activation="softplus")
            return self.affine(x, -1.0, 0.0, part)
        if name == "hard_sigmoid":
            x = self.relu(
                self.affine(x, 1.0, 3.0, f"{part}_add_3".strip("_")), 6, f"{part}_relu6".strip("_")
            )
            return self.affine(x, 1 / 6, 0.0, part)
        if name == "silu":
            factor = self(
                "Activation",
                x,
                part=f"{part}_sigmoid".strip("_"),
                shape=shape,
                activation="sigmoid",
            )
            return self("Multiply", x, factor, part=part, shape=shape)
        if name not in ACTIVATIONS:
            known = sorted({*ACTIVATIONS, *COMPOSED, *_ALSO} - {"gelu_tanh"})
            raise BadInput(
                f"{self.node.name} ({self.node.kind}) has the activation {name!r}; supported are "
                f"{', '.join(known)}"
            )
        return self("Activation", x, part=part, shape=shape, activation=name)
