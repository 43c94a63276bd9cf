"""Where other people keep each weight of ours: one small map per project, with its quirks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


def as_it_is(array: np.ndarray) -> np.ndarray:
    return array


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
    read: Callable[[np.ndarray], np.ndarray] = as_it_is
