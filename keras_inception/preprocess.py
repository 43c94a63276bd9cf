"""Preprocessing as a record: what a network expects of the pixels it is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Preprocessing:
    """input = (pixel - mean) / std, for pixels 0..255.

    The default, (pixel - 128) / 128, is the one map to about [-1, 1] that 8 bits hold exactly:
    an int8 input is then pixel - 128, with scale 1/128 and zero point 0.
    """

    mean: float = 128.0
    std: float = 128.0

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 (or float 0..255) pixels of any shape -> float32 of the same shape."""
        return (np.asarray(pixels, np.float32) - self.mean) / self.std

    @property
    def range(self) -> tuple[float, float]:
        """The inputs that pixels 0 and 255 become."""
        return (0 - self.mean) / self.std, (255 - self.mean) / self.std
