"""The tensors of a file as it computes them, by the names of the layers that make them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..convert.space_to_depth_stem import SUFFIX, pixels_of_four
from ..file.interpreter import File, floats


@dataclass(frozen=True)
class Stored:
    """A tensor in floats, its step, which is 0 if it is stored in floats, and its range."""

    values: np.ndarray
    step: float
    low: float
    high: float

    def share_of(self, computed: np.ndarray) -> float:
        """The share of values that are those of `computed`."""
        computed = np.clip(computed, self.low, self.high).reshape(self.values.shape)
        if self.step:  # Functions of 16 bits are looked up, to a thousandth of their range.
            allowed = max(2.001 * self.step, (self.high - self.low) / 1000)
        else:
            allowed = 1e-4 * max(1.0, float(np.abs(computed).max()))
        return float((np.abs(self.values - computed) <= allowed).mean())


def stored(file: File, images: np.ndarray) -> dict[str, Stored]:
    """The tensors of a file by name, for images as it takes them."""
    found: dict[str, list[Stored]] = {}
    for image in images:
        made: dict[str, Stored] = {}
        for tensor, integers in file.tensors(image):
            scale, zero_point = tensor["quantization"]
            values, limits = floats(integers[0], (scale, zero_point)), (-np.inf, np.inf)
            if scale:
                whole = np.iinfo(tensor["dtype"])
                limits = tuple((n - zero_point) * scale for n in (whole.min, whole.max))
            name = tensor["name"]
            if name == f"image{SUFFIX.decode()}" and "image" not in made:
                name, values = "image", pixels_of_four(values)
            made[name] = Stored(values, scale, *limits)
        if "image" not in made:  # The file takes it as its first operator needs it.
            made["image"] = Stored(file.rounded(image[None])[0], 0.0, -np.inf, np.inf)
        for name, tensor in made.items():
            found.setdefault(name, []).append(tensor)
    return {
        name: replace(each[0], values=np.stack([tensor.values for tensor in each]))
        for name, each in found.items()
    }
