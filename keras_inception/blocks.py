"""The Inception blocks on their own, as functions on a Keras tensor."""

from __future__ import annotations

from .builder import apply_rows
from .networks import googlenet
from .spec import BatchNorm


def inception(
    x,
    n1x1,
    n3x3_reduce,
    n3x3,
    n5x5_reduce,
    n5x5,
    pool_proj,
    *,
    name="inception",
    norm: BatchNorm | None = None,
    keras=None,
):
    """GoogLeNet's block with dimension reductions (figure 2b) on `x`.

    (batch, height, width, channels) -> (batch, height, width, n1x1 + n3x3 + n5x5 + pool_proj).
    The widths stand in the order of the paper's Table 1; layers are called `{name}_3x3_reduce`
    and so on. `norm` adds batch normalization instead of biases; `keras` is the module `x`
    belongs to, Keras 3 by default.
    """
    widths = (n1x1, n3x3_reduce, n3x3, n5x5_reduce, n5x5, pool_proj)
    return apply_rows((googlenet.inception(name, *widths),), x, norm, keras)


def naive_inception(
    x, n1x1, n3x3, n5x5, *, name="inception", norm: BatchNorm | None = None, keras=None
):
    """GoogLeNet's naive block (figure 2a) on `x`.

    (batch, height, width, channels) -> (batch, height, width, n1x1 + n3x3 + n5x5 + channels):
    the pooled input keeps its width, so the output grows from block to block.
    """
    return apply_rows((googlenet.naive_inception(name, n1x1, n3x3, n5x5),), x, norm, keras)
