"""Where each convolution of a block stands: what other people's names are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...nodes import Conv
from ...spec import Concat, Network, Residual


@dataclass(frozen=True)
class Place:
    """Row `step` of the `steps` rows of branch `branch` of `block`, counted from 0, pools
    included; `part` counts the convolutions of a split, which is one row."""

    row: Conv
    block: Concat | Residual
    branch: int
    step: int
    steps: int
    part: int | None = None


def _places(block: Concat | Residual) -> Iterator[Place]:
    for branch, rows in enumerate(block.branches):
        for step, row in enumerate(rows):
            if isinstance(row, Conv):
                yield Place(row, block, branch, step, len(rows))
            elif isinstance(row, Concat):
                for part, (conv,) in enumerate(row.branches):
                    yield Place(conv, block, branch, step, len(rows), part)


def places(net: Network) -> dict[str, Place]:
    """Layer name -> place, for the convolutions inside the blocks of the trunk."""
    blocks = (row for row in net.rows if isinstance(row, Concat | Residual))
    return {place.row.name: place for block in blocks for place in _places(block)}
