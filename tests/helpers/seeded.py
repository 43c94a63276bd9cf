"""Weights and images that two programs can both make, from names and shapes alone."""

import re
import zlib

import numpy as np


def _array(name: str, shape: tuple[int, ...], filters: int) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if not shape:
        return np.array(0)  # a counter
    if len(shape) > 1:
        # He's initialization, so that the signal reaches the logits.
        fan_in = np.prod(shape) / shape[filters]
        return rng.standard_normal(shape, "float32") * np.float32(np.sqrt(2 / fan_in))
    if re.search(r"(variance|gamma|running_var|bn\.weight)$", name):
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    return rng.normal(0, 0.2, shape).astype("float32")


def weights(shapes: dict[str, tuple[int, ...]], filters: int) -> dict[str, np.ndarray]:
    """An array per name, whatever the others, batch-norm statistics included; `filters` is the
    axis that kernels keep their filters on: 0 for PyTorch, -1 for TensorFlow."""
    return {name: _array(name, shape, filters) for name, shape in shapes.items()}


def images(height: int, width: int) -> np.ndarray:
    """Two images, (2, height, width, 3), in [-1, 1]."""
    rng = np.random.default_rng(height * 1000 + width)
    return rng.uniform(-1, 1, (2, height, width, 3)).astype("float32")
