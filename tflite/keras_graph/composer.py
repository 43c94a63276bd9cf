"""Layers made in place of one, after a network is lowered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .folding import AFFINE, affine
from .plain import Layer


@dataclass
class Composer:
    """The layers that stand for `layer`, one after another; `numbers` are free for tensors.

    The last one, whose part is "", bears the layer's name and makes its tensor.
    """

    layer: Layer
    numbers: Iterator[int]
    layers: list[Layer] = field(default_factory=list)

    def __call__(
        self, kind: str, part: str, *inputs: int, shape=None, weights=(), range=None, **options
    ) -> int:
        """The tensor that a layer makes of the inputs, of the same shape unless `shape` is given;
        the weights do not train."""
        name = f"{self.layer.name}_{part}" if part else self.layer.name
        made = Layer(
            kind,
            name,
            inputs,
            next(self.numbers) if part else self.layer.output,
            shape or self.layer.shape,
            options,
            weights,
            range=range,
            trainable=False,
        )
        self.layers.append(made)
        return made.output

    def affine(self, part: str, x: int, scale: float, offset: float = 0.0) -> int:
        """x * scale + offset."""
        number = self(AFFINE, part, x)
        self.layers[-1] = affine(self.layers[-1], scale, offset)
        return number
