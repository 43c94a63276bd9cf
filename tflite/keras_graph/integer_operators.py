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
    """x, its positive and its negative part, of which it is the sum."""
    (x,) = compose.layer.inputs
    options = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}
    positive = compose("ReLU", "positive", x, **options)
    return x, positive, compose("Subtract", "negative", x, positive)


def _exponential(compose: Composer, x: int) -> int:
    return compose("Activation", "exp", x, activation="exponential")


def _elu(compose: Composer, alpha: float = 1.0, scale: float = 1.0) -> None:
    """x where it is positive, alpha * (e**x - 1) elsewhere; times `scale`."""
    _, positive, negative = _parts(compose)
    power = _exponential(compose, negative)
    bent = compose.affine("bent", power, scale * alpha, -scale * alpha)
    if scale != 1:
        positive = compose.affine("scaled", positive, scale)
    compose("Add", "", positive, bent)


def _logarithm(compose: Composer, x: int) -> int:
    """log(1 + x)."""
    return compose("Activation", "log", compose.affine("plus_1", x, 1.0, 1.0), activation="log")


def _softplus(compose: Composer, part: str = "") -> int:
    """log(1 + e**x), of which e**-|x| is at most 1."""
    _, positive, negative = _parts(compose)
    power = _exponential(compose, compose("Subtract", "size", negative, positive))
    return compose("Add", part, positive, _logarithm(compose, power))


def _mish(compose: Composer) -> None:
    """x * tanh(softplus(x))."""
    (x,) = compose.layer.inputs
    bounded = compose("Activation", "tanh", _softplus(compose, "softplus"), activation="tanh")
    compose("Multiply", "", x, bounded)


def _softsign(compose: Composer) -> None:
    """x / (1 + |x|)."""
    x, positive, negative = _parts(compose)
    logarithm = _logarithm(compose, compose("Subtract", "size", positive, negative))
    inverse = _exponential(compose, compose.affine("sign", logarithm, -1.0))
    compose("Multiply", "", x, inverse)


_ACTIVATIONS: dict[str, Callable[[Composer], object]] = {
    "elu": _elu,
    "mish": _mish,
    "selu": lambda compose: _elu(compose, _SELU_ALPHA, _SELU_SCALE),
    "softplus": _softplus,
    "softsign": _softsign,
}
