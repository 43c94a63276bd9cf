"""The weights a network has, from its table alone: `layer/variable`, as in `weights.store`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..spec import (
    Aux,
    BatchNorm,
    Classifier,
    Concat,
    Conv,
    Dense,
    Embedding,
    GlobalPool,
    Network,
    Residual,
    Row,
    SeparableConv,
)


@dataclass(frozen=True)
class Key:
    """One weight: the row it belongs to, its layer and its variable.

    For a convolution `name` the layer is `name`, and `name`_bn for its normalization; `row` is
    the Residual for a residual's projection. `head` names the auxiliary head it is part of.
    """

    row: Row
    layer: str
    variable: str
    head: str | None = None

    def __str__(self):
        return f"{self.layer}/{self.variable}"


def _norm(row: Row, layer: str, norm: BatchNorm) -> Iterator[Key]:
    scale = ("gamma",) if norm.scale else ()
    for variable in (*scale, "beta", "moving_mean", "moving_variance"):
        yield Key(row, layer, variable)


def _affine(row: Row, layer: str, *variables: str) -> Iterator[Key]:
    for variable in variables or ("kernel", "bias"):
        yield Key(row, layer, variable)


def _row(row: Row, net: Network) -> Iterator[Key]:
    if isinstance(row, Concat | Residual):
        for branch in row.branches:
            yield from _rows(branch, net)
    if isinstance(row, Residual):
        yield from _affine(row, row.projection)
    elif isinstance(row, Conv):
        yield from _affine(row, row.name, "kernel", *(("bias",) if net.conv_bias else ()))
        if net.norm:
            yield from _norm(row, f"{row.name}_bn", net.norm)
    elif isinstance(row, SeparableConv):
        yield from _affine(row, row.name, "depthwise_kernel", "pointwise_kernel", "bias")
    elif isinstance(row, Embedding):
        yield from _affine(row, row.name, "kernel")
        yield from _norm(row, f"{row.name}_bn", net.norm or BatchNorm())
    elif isinstance(row, Dense):
        yield from _affine(row, row.name)
    elif isinstance(row, Classifier):
        yield from _affine(row, row.name, "kernel", *(() if net.bias is False else ("bias",)))
    elif isinstance(row, GlobalPool) and row.kind == "attention":
        yield from _affine(row, row.name, "query")
    elif isinstance(row, Aux):
        for key in _rows(row.rows, net):
            yield Key(key.row, key.layer, key.variable, head=row.name)


def _rows(rows: tuple[Row, ...], net: Network) -> Iterator[Key]:
    for row in rows:
        yield from _row(row, net)


def keys(net: Network) -> list[Key]:
    """Every weight of the network, heads and classifier included, in the order of the table:
    branch after branch, and so in the order of creation."""
    return list(_rows(net.rows + net.top, net))
