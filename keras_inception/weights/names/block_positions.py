"""Where each convolution of a block stands: what other people's names are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...nodes import Conv
from ...spec import Concat, Network, Residual


@dataclass(frozen=True)
class BlockPosition:
    """Row `step` of the `steps` rows of branch `branch` of `block`, counted from 0, pools
    included; `part` counts the convolutions of a split, which is one row."""

    row: Conv
    block: Concat | Residual
    branch: int
    step: int
    steps: int
    part: int | None = None


def _positions(block: Concat | Residual) -> Iterator[BlockPosition]:
    for branch, rows in enumerate(block.branches):
        for step, row in enumerate(rows):
            if isinstance(row, Conv):
                yield BlockPosition(row, block, branch, step, len(rows))
            elif isinstance(row, Concat):
                for part, (conv,) in enumerate(row.branches):
                    yield BlockPosition(conv, block, branch, step, len(rows), part)


def block_positions(net: Network) -> dict[str, BlockPosition]:
    """Layer name -> position, for the convolutions inside the blocks of the trunk."""
    blocks = (row for row in net.rows if isinstance(row, Concat | Residual))
    return {position.row.name: position for block in blocks for position in _positions(block)}
