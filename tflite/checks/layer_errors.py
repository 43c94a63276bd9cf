"""What every layer of an INT8 file computes, beside the model it was converted from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import isfinite, log10

import numpy as np

from keras_inception.preprocess import Preprocessing

from ..file.graph import Graph
from ..file.interpreter import File
from ..keras_graph.plain import PlainNetwork
from ..keras_graph.to_keras import outputs
from ..qat.fake_quantized import FakeQuantized

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
    file, given = File(graph, keep_tensors=True), expected.caller
    known = {layer.name: layer.output for layer in quantized.network.layers}
    also = {layer.name: layer.output for layer in trained.layers}
    sums = {}
    for position, image in enumerate(given(pixels)):
        made = {}
        for tensor, values in file.tensors(image):
            name = tensor["name"]
            if name in known and tensor["quantization"][0]:
                made[name] = tensor, values
        if not position:
            sums = {name: _Sums(tensor) for name, (tensor, _) in made.items()}
            emulated = quantized.outputs(expected(pixels), {name: known[name] for name in made})
            exact = outputs(trained, expected(pixels), {n: also[n] for n in made if n in also})
        for name, (_, values) in made.items():
            float_values = exact[name][position] if name in exact else None
            sums[name].add(values[0], emulated[name][position], float_values)
    return tuple(total.layer(name) for name, total in sums.items())


def first_departure(layers: tuple[Layer, ...]) -> str:
    """A clause that names the first layer that departs, for an error; empty if none does."""
    departed = next((layer for layer in layers if layer.departs), None)
    return f"; the first layer that departs: {departed}" if departed else ""


class _Sums:
    """Running sums of one layer over the images."""

    def __init__(self, tensor: dict):
        (self.scale, self.zero_point), limits = tensor["quantization"], np.iinfo(tensor["dtype"])
        self.ends = [end for end in (limits.min, limits.max) if end != self.zero_point]
        self.low, self.high = ((n - self.zero_point) * self.scale for n in (limits.min, limits.max))
        self.sums = defaultdict(float)

    def add(self, values: np.ndarray, emulated, exact) -> None:
        output = (values.astype(np.float32) - self.zero_point) * np.float32(self.scale)
        near = np.abs(output - emulated.reshape(output.shape)) <= 1.001 * self.scale
        self.sums["values"] += output.size
        self.sums["within"] += near.sum()
        self.sums["saturated"] += np.isin(values, self.ends).sum()
        if exact is not None:
            exact = exact.reshape(output.shape)
            self.sums["signal"] += np.square(exact, dtype=np.float64).sum()
            self.sums["noise"] += np.square(output - exact, dtype=np.float64).sum()

    def layer(self, name: str) -> Layer:
        sums, count = self.sums, self.sums["values"]
        noise = 10 * log10(sums["signal"] / sums["noise"]) if sums["noise"] else float("nan")
        shares = float(sums["within"] / count), float(sums["saturated"] / count)
        return Layer(name, float(self.low), float(self.high), *shares, noise)
