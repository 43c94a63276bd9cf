"""The ranges of a network's tensors, found by running it in float on calibration images."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np

from ..keras_graph.plain import PlainNetwork
from ..keras_graph.to_keras import tensors_of
from .rounding import rounding

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
    found, tensors = rounding(network, input_range), tensors_of(network, keras)
    ends = {
        str(number): (keras.ops.min(tensors[number]), keras.ops.max(tensors[number]))
        for number in found.observed
    }
    probe, seen = keras.Model(tensors[network.input], ends), []
    for start in range(0, len(images), _BATCH):
        given = probe(images[start : start + _BATCH], training=False)
        seen.append(keras.tree.map_structure(float, given))
    for number in found.observed:
        lows, highs = zip((0.0, 0.0), *(each[str(number)] for each in seen), strict=True)
        seen_there = SimpleNamespace(low=min(lows), high=max(highs))
        found.groups[number].whole.observers.append(seen_there)
    limits = {number: group.limits(np) for number, group in found.groups.items()}
    return {number: (float(low), float(high)) for number, (low, high) in limits.items()}
