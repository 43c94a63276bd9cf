"""The ranges of a network's tensors, found by running it in float on calibration images."""

from __future__ import annotations

from collections import defaultdict

import keras
import numpy as np

from ..keras_graph.plain import NARROWEST, PlainNetwork
from ..keras_graph.to_keras import tensors_of
from .rounding import rounding

#: The width of the range of a tensor that is zero on every image.
EMPTY = 1.0
#: Images at a time.
_BATCH = 8


def calibrated_ranges(
    network: PlainNetwork, images: np.ndarray, input_range: tuple[float, float]
) -> dict[int, tuple[float, float]]:
    """The range of every tensor that is rounded, by number, zero included.

    `images` are preprocessed, (n, height, width, channels) float32; `input_range` is what pixels 0
    and 255 become. TFLite's own calibration gives a tensor that several operators read the range
    that one of them needs, and clips what is outside.
    """
    found = rounding(network, input_range)
    ends: dict = defaultdict(lambda: (0.0, 0.0))
    probe = _probe(network, found.observed)
    for start in range(0, len(images), _BATCH):
        for number, pair in probe(images[start : start + _BATCH], training=False).items():
            group = found.groups[int(number)].whole
            low, high = ends[group]
            ends[group] = min(low, float(pair[0])), max(high, float(pair[1]))
    return {number: _limits(group.whole, ends) for number, group in found.groups.items()}


def _probe(network: PlainNetwork, observed: frozenset[int]):
    """A model that gives the smallest and the largest value of each observed tensor."""
    tensors = tensors_of(network, keras)
    ends = {
        str(number): (keras.ops.min(tensors[number]), keras.ops.max(tensors[number]))
        for number in observed
    }
    return keras.Model(tensors[network.input], ends)


def _limits(group, ends) -> tuple[float, float]:
    if group.fixed:
        return group.fixed
    low, high = ends[group]
    return low, max(high, low + (NARROWEST if high > low else EMPTY))
