"""bvlc_googlenet.caffemodel: blob 0 of a layer is its kernel, blob 1 its bias.

Our layer names are Caffe's, with a "_" for the "/" after the block.
"""

from __future__ import annotations

import re

import numpy as np

from ...nodes import Classifier, Conv, Dense
from ...spec import Network, Weight
from .sources import Source, flattened_chw, mapped, oihw

_GRID = 4  # pixels on a side of the map that a head's first dense layer flattens


def names(net: Network) -> dict[str, Source]:
    """The blob that holds each weight of the network."""
    return mapped(net, _blob)


def array_names(net: Network) -> dict[str, Source]:
    """The same, of googlenet_bvlc_hwio.npz: `layer_w` and `layer_b`, in our layout already."""
    return mapped(net, lambda key, layer, _: Source(f"{layer}_{_ENDS[key.variable]}"))


_ENDS = {"kernel": "w", "bias": "b"}


def _blob(key: Weight, layer: str, _) -> Source:
    if key.variable == "bias":
        return Source(f"{_slashed(layer)}/1", np.ravel)
    return Source(f"{_slashed(layer)}/0", _LAYOUTS[type(key.row)])


def _matrix(array: np.ndarray) -> np.ndarray:
    """Blobs of 2014 have four axes, the first two of a linear layer's being 1."""
    return array.reshape(array.shape[-2:])


_LAYOUTS = {
    Conv: oihw,
    Dense: lambda array: flattened_chw(_GRID)(_matrix(array)),
    Classifier: lambda array: _matrix(array).T,
}


def _slashed(layer: str) -> str:
    """inception_3a_3x3_reduce -> inception_3a/3x3_reduce, loss1_conv -> loss1/conv."""
    return re.sub(r"^(conv\d|inception_\d[a-e]|loss\d)_", r"\1/", layer)
