"""What LiteRT says of a file's input or output."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tensor:
    """`dtype` is NumPy's name; `quantization` are scale and zero point: value = scale * (integer -
    zero point), scale 0 for floats."""

    shape: tuple[int, ...]
    dtype: str
    quantization: tuple[float, int]
