"""The array of somebody's file that holds a weight of ours, and how it is turned into ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...spec import Network, Weight
from ..keys import keys
from .block_positions import BlockPosition, block_positions


def oihw(array: np.ndarray) -> np.ndarray:
    """A convolution's kernel of Caffe or PyTorch, (out, in, height, width), as ours."""
    return array.transpose(2, 3, 1, 0)


def oi(array: np.ndarray) -> np.ndarray:
    """A linear layer's kernel of Caffe or PyTorch, (out, in), as ours."""
    return array.T


def pointwise(array: np.ndarray) -> np.ndarray:
    """A classifier kept as a 1x1 convolution, (1, 1, in, out), as ours."""
    return array[0, 0]


def flattened_chw(grid: int) -> Callable[[np.ndarray], np.ndarray]:
    """A linear layer's (out, in) after a flattened (channels, grid, grid) map, as ours."""

    def read(array: np.ndarray) -> np.ndarray:
        units = len(array)
        return array.reshape(units, -1, grid, grid).transpose(2, 3, 1, 0).reshape(-1, units)

    return read


@dataclass(frozen=True)
class Source:
    """The array of a file that holds one weight, and how it is turned into our layout."""

    key: str
    read: Callable[[np.ndarray], np.ndarray] = np.asarray


def mapped(
    net: Network, source: Callable[[Weight, str, BlockPosition | None], Source]
) -> dict[str, Source]:
    """Our name -> source, for every weight of the network.

    `source` is given the weight's key, the layer that it belongs to or (its own layer is another
    then) normalizes, and where in a block of the trunk that layer stands, if it does.
    """
    positions, found = block_positions(net), {}
    for key in keys(net):
        layer = key.layer.removesuffix("_bn")
        found[str(key)] = source(key, layer, positions.get(layer))
    return found
