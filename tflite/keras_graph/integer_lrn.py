"""Local response normalization in integers: square, banded sum, logarithm, product, exponential.

TFLite's own operator has no integer kernel and takes two thirds of an INT8 GoogLeNet's time.
The same function, x * (bias + alpha * sum of squares) ** -beta, made of operators that have one
needs its ranges given: the sum has a tail that would cost the rest its precision.
"""

from __future__ import annotations

import math

import keras
import numpy as np

from .composer import Composer
from .plain import NARROWEST, ONE_BY_ONE, PlainNetwork
from .to_keras import tensors_of

#: Sums are clipped at this percentile of those on the calibration images.
PERCENTILE = 99.5
#: Of so many channels or fewer the sum is one band over all.
FEW = 64
KIND = "LocalResponseNormalization"


def seen_sums(network: PlainNetwork, images: np.ndarray) -> dict[str, dict]:
    """What each normalization comes to on preprocessed images: its sums, and its largest square."""
    found = {layer.name: layer for layer in network.layers if layer.kind == KIND}
    if not found:
        return {}
    tensors = tensors_of(network, keras)
    given = {name: tensors[layer.inputs[0]] for name, layer in found.items()}
    probe = keras.Model(tensors[network.input], given)
    seen: dict[str, dict] = {name: {"sums": [], "square": 0.0} for name in found}
    for start in range(0, len(images), 8):
        for name, maps in probe(images[start : start + 8], training=False).items():
            maps, options, here = np.asarray(maps), found[name].options, seen[name]
            squares = maps**2
            sums = options["bias"] + options["alpha"] * window(squares, options["depth_radius"])
            here["square"] = max(here["square"], float(squares.max()))
            # Neighbouring positions hardly differ: every second one is plenty.
            here["sums"].append(sums[:, ::2, ::2].ravel())
    return seen


def window(values: np.ndarray, radius: int) -> np.ndarray:
    """For each channel, the sum over those at most `radius` away."""
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(radius, radius)])
    channels = values.shape[-1]
    return sum(padded[..., i : i + channels] for i in range(2 * radius + 1))


def composed(compose: Composer, seen: dict) -> int:
    """The tensor that a normalization is made to, given what `seen_sums` saw of it."""
    layer = compose.layer
    radius, bias, alpha, beta = (
        layer.options[name] for name in ("depth_radius", "bias", "alpha", "beta")
    )
    # A step of at most the bias keeps the smallest sum away from 0, which has no logarithm.
    largest = min(float(np.percentile(np.concatenate(seen["sums"]), PERCENTILE)), 255 * bias)
    square = min(seen["square"], (largest - bias) / alpha)
    lowest, highest = math.log(bias), math.log(largest)
    height, width, channels = layer.shape
    n, band = _band(channels, radius, alpha)
    in_rows = (height * width, channels // n, n)
    (x,) = layer.inputs
    sums = compose("Multiply", "squares", x, x, range=_wide(0.0, square))
    if n < channels:
        sums = compose("Reshape", "rows", sums, shape=in_rows, target_shape=in_rows)
    sums = compose(
        "Convolution",
        "sums",
        sums,
        shape=in_rows if n < channels else layer.shape,
        range=(0.0, largest),
        weights=(band, np.full(n, bias, np.float32)),
        filters=n,
        groups=1,
        **ONE_BY_ONE | {"kernel_size": band.shape[:2], "padding": "same"},
    )
    if n < channels:
        sums = compose("Reshape", "maps", sums, target_shape=layer.shape)
    ends = _wide(min(0.0, lowest), highest)
    power = compose("Activation", "log", sums, range=ends, activation="log")
    ends = _wide(-beta * highest, max(0.0, -beta * lowest))
    power = compose("Scale", "power", power, range=ends, scale=-beta)
    ends = 0.0, bias**-beta
    factor = compose("Activation", "exp", power, range=ends, activation="exponential")
    return compose("Multiply", "", x, factor)


def _wide(low: float, high: float) -> tuple[float, float]:
    """The range, something wide where nothing was seen: of maps that are zero."""
    return low, max(high, low + NARROWEST)


def _band(channels: int, radius: int, alpha: float) -> tuple[int, np.ndarray]:
    """How many channels a row has, and the kernel that sums neighbours in rows of so many.

    A convolution over neighbouring rows of n channels has a quarter of the products of one with a
    band over all of 192. Of FEW channels the band costs as little as bringing them into rows.
    """
    n = channels if channels <= FEW else math.gcd(channels, 16)
    reach = 0 if n == channels else -(-radius // n)
    inputs, outputs = np.arange(-reach * n, (1 + reach) * n), np.arange(n)
    near = np.abs(inputs[:, None] - outputs) <= radius
    band = near.reshape(1, 1 + 2 * reach, n, n) * alpha
    return n, band.astype(np.float32)
