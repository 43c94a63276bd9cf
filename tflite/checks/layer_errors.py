"""What every layer of an INT8 file computes, beside the model it was converted from."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log10

import numpy as np

from keras_inception.preprocess import Preprocessing

from ..file.graph import Graph
from ..file.interpreter import File
from ..keras_graph.plain import PlainNetwork
from ..keras_graph.to_keras import outputs
from ..qat.fake_quantized import FakeQuantized
from .tensors import Stored, stored

#: A layer departs if fewer of its values are within a step of the fake-quantized model's. Roundings
#: that fall the other way are handed on from layer to layer, so that not all are in any good file.
DEPARTED = 0.9


@dataclass(frozen=True)
class Layer:
    """The output of one layer in the file, over all images, positions and channels.

    low, high: the range its integers can express. within: the fraction of values at most one step
    from the fake-quantized model's. saturated: the fraction at an end of the range, other than a
    zero point there, where a ReLU puts its zeros. noise: the signal-to-noise ratio against the
    float model in decibels, not a number where that has no layer of the name.
    """

    name: str
    low: float
    high: float
    within: float
    saturated: float
    noise: float

    @property
    def departs(self) -> bool:
        return self.within < DEPARTED

    @property
    def record(self) -> dict[str, str | float | None]:
        """Its fields for JSON, which has no infinity and no not-a-number: None."""
        fields = vars(self).items()
        return {k: v if isinstance(v, str) or isfinite(v) else None for k, v in fields}

    def __str__(self):
        return (
            f"{self.name} ({self.low:.3g}..{self.high:.3g}): {self.within:.2%} within a step, "
            f"{self.saturated:.2%} saturated, {self.noise:.1f} dB"
        )


def by_layer(
    graph: Graph,
    quantized: FakeQuantized,
    trained: PlainNetwork,
    pixels: np.ndarray,
    expected: Preprocessing,
) -> tuple[Layer, ...]:
    """Compare the file, layer by layer in its order, with the networks it came from.

    `quantized` is the fake-quantized one, `trained` the float one, with the same names of layers;
    `pixels` are images of 0..255, (n, height, width, channels). A layer that the converter merged
    with the next is seen as that.
    """
    tensors = stored(File(graph, keep_tensors=True), expected.caller(pixels))
    known = {layer.name: layer.output for layer in quantized.network.layers}
    also = {layer.name: layer.output for layer in trained.layers}
    tensors = {name: each for name, each in tensors.items() if name in known and each.step}
    emulated = quantized.outputs(expected(pixels), {name: known[name] for name in tensors})
    exact = outputs(trained, expected(pixels), {n: also[n] for n in tensors if n in also})
    return tuple(
        _compared(name, tensor, emulated[name], exact.get(name)) for name, tensor in tensors.items()
    )


def _compared(name: str, tensor: Stored, emulated: np.ndarray, exact: np.ndarray | None) -> Layer:
    values = tensor.values
    ends = [end for end in (tensor.low, tensor.high) if end]
    saturated = np.isclose(values[..., None], ends, atol=tensor.step / 4).any(axis=-1)
    near = np.abs(values - emulated.reshape(values.shape)) <= 1.001 * tensor.step
    noise = float("nan")
    if exact is not None:
        exact = exact.reshape(values.shape).astype(np.float64)
        error = np.square(values - exact).sum()
        noise = 10 * log10(np.square(exact).sum() / error) if error else noise
    shares = float(near.mean()), float(saturated.mean())
    return Layer(name, float(tensor.low), float(tensor.high), *shares, noise)


def first_departure(layers: tuple[Layer, ...]) -> str:
    """A clause that names the first layer that departs, for an error; empty if none does."""
    departed = next((layer for layer in layers if layer.departs), None)
    return f"; the first layer that departs: {departed}" if departed else ""
