"""Layers that TFLite has no integer operator for, made of those that it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np

from . import integer_lrn
from .composer import Composer
from .folding import folded
from .plain import Layer, PlainNetwork

#: The constants of the scaled exponential linear unit.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def in_integers(network: PlainNetwork, images: np.ndarray) -> PlainNetwork:
    """`network` made of what TFLite has integer operators for.

    `images` are preprocessed calibration images, (n, height, width, channels) float32.
    """
    numbers = count(1 + max(layer.output for layer in network.layers))
    seen = integer_lrn.seen_sums(network, images)
    layers: list[Layer] = []
    for layer in network.layers:
        compose = Composer(layer, numbers)
        name = layer.options.get("activation")
        if layer.name in seen:
            integer_lrn.composed(compose, seen[layer.name])
        elif layer.kind == "ELU":
            _elu(compose, layer.options["alpha"])
        elif name in _ACTIVATIONS:
            _ACTIVATIONS[name](compose)
        layers += compose.layers or [layer]
    if len(layers) == len(network.layers):
        return network
    layers, output = folded(layers, network.output, numbers)
    return replace(network, layers=tuple(layers), output=output)


def _parts(compose: Composer) -> tuple[int, int, int]:
    """x; its positive part; its negative part, without the sign."""
    (x,) = compose.layer.inputs
    return (
        x,
        _relu(compose, "positive", x),
        _relu(compose, "below", compose.affine("sign", x, -1.0)),
    )


def _relu(compose: Composer, part: str, x: int) -> int:
    return compose("ReLU", part, x, max_value=None, negative_slope=0.0, threshold=0.0)


def _exponential(compose: Composer, part: str, x: int) -> int:
    """e to the power of -x."""
    negative = compose.affine(f"{part}_sign", x, -1.0)
    return compose("Activation", part, negative, activation="exponential")


def _elu(compose: Composer, alpha: float = 1.0, scale: float = 1.0) -> None:
    """x where it is positive, alpha * (e**x - 1) elsewhere."""
    _, positive, below = _parts(compose)
    power = _exponential(compose, "exp", below)
    negative = compose.affine("negative", power, scale * alpha, -scale * alpha)
    if scale != 1:
        positive = compose.affine("scaled", positive, scale)
    compose("Add", "", positive, negative)


def _logarithm(compose: Composer, x: int) -> int:
    """log(1 + x)."""
    return compose("Activation", "log", compose.affine("plus_1", x, 1.0, 1.0), activation="log")


def _softplus(compose: Composer, part: str = "") -> int:
    """log(1 + e**x), of which e**-|x| is at most 1."""
    _, positive, below = _parts(compose)
    power = _exponential(compose, "exp", compose("Add", "size", positive, below))
    return compose("Add", part, positive, _logarithm(compose, power))


def _mish(compose: Composer) -> None:
    """x * tanh(softplus(x))."""
    (x,) = compose.layer.inputs
    bounded = compose("Activation", "tanh", _softplus(compose, "softplus"), activation="tanh")
    compose("Multiply", "", x, bounded)


def _softsign(compose: Composer) -> None:
    """x / (1 + |x|)."""
    x, positive, below = _parts(compose)
    size = compose("Add", "size", positive, below)
    compose("Multiply", "", x, _exponential(compose, "exp", _logarithm(compose, size)))


_ACTIVATIONS: dict[str, Callable[[Composer], object]] = {
    "elu": _elu,
    "mish": _mish,
    "selu": lambda compose: _elu(compose, _SELU_ALPHA, _SELU_SCALE),
    "softplus": _softplus,
    "softsign": _softsign,
}
