"""How the tables write a branch: one convolution after another, named after their block."""

from ..nodes import Conv
from ..spec import Concat


def chain(block: str, *convs: tuple) -> tuple[Conv, ...]:
    """(suffix, filters, kernel, stride, padding) each; the last three as Conv has them."""
    return tuple(Conv(f"{block}_{suffix}", *rest) for suffix, *rest in convs)


def split(block: str, suffix: str, filters: int) -> Concat:
    """1x3 beside 3x1 on the same input, joined (arXiv 1512.00567, figure 7)."""
    name = f"{block}_{suffix}"
    return Concat(
        name, (chain(name, ("1x3", filters, (1, 3))), chain(name, ("3x1", filters, (3, 1))))
    )
