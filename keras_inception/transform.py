"""Functions from a network to a network; none changes the one it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .errors import BadInput
from .spec import LRN, Aux, BatchNorm, Concat, Conv, Dense, Dropout, GlobalPool, Network, Row


def map_rows(rows: tuple[Row, ...], change: Callable[[Row], Row | None]) -> tuple[Row, ...]:
    """`rows` with `change` applied to each, branches and heads included; None drops a row."""
    changed = []
    for row in rows:
        row = change(row)
        if isinstance(row, Concat):
            row = replace(row, branches=tuple(map_rows(b, change) for b in row.branches))
        elif isinstance(row, Aux):
            row = replace(row, rows=map_rows(row.rows, change))
        if row is not None:
            changed.append(row)
    return tuple(changed)


def _change(net: Network, change: Callable[[Row], Row | None]) -> Network:
    return replace(net, rows=map_rows(net.rows, change), top=map_rows(net.top, change))


def widen(net: Network, width: float) -> Network:
    """Every convolution and hidden dense layer `width` times as wide; classes stay.

    Widths round to the nearest multiple of 8 and never lose more than 10 %, as MobileNet's do:
    integer kernels work on whole vectors of channels.
    """
    if not 0.25 <= width <= 2:
        raise BadInput(f"width must lie between 0.25 and 2; got {width}")
    if width == 1:
        return net

    def scaled(n: int) -> int:
        rounded = max(8, int(n * width + 4) // 8 * 8)
        return rounded if rounded >= 0.9 * n * width else rounded + 8

    def change(row: Row) -> Row:
        if isinstance(row, Conv):
            return replace(row, filters=scaled(row.filters))
        if isinstance(row, Dense):
            return replace(row, units=scaled(row.units))
        return row

    return _change(net, change)


def with_norm(net: Network, norm: str | BatchNorm | None) -> Network:
    """Normalized by "lrn" (the rows as they stand), "batch" (or a BatchNorm), or None.

    Batch normalization replaces the local one, as in "Batch Normalization" (arXiv 1502.03167,
    section 4.2.1).
    """
    if norm == "lrn":
        return net
    if norm == "batch":
        norm = BatchNorm()
    if norm is not None and not isinstance(norm, BatchNorm):
        raise BadInput(f'norm must be "lrn", "batch", a BatchNorm or None; got {norm!r}')
    without_lrn = _change(net, lambda row: None if isinstance(row, LRN) else row)
    return replace(without_lrn, norm=norm)


def with_dropout(net: Network, rate: float) -> Network:
    """`rate` in [0, 1) dropped before the main classifier; the heads keep theirs."""
    if not 0 <= rate < 1:
        raise BadInput(f"dropout must lie in [0, 1); got {rate}")
    top = map_rows(net.top, lambda r: replace(r, rate=rate) if isinstance(r, Dropout) else r)
    return replace(net, top=top)


def without_aux(net: Network) -> Network:
    """The network for inference: no auxiliary classifiers."""
    return _change(net, lambda row: None if isinstance(row, Aux) else row)


def without_top(net: Network, pooling: str | None = None) -> Network:
    """The feature extractor: no classifiers; `pooling` None, "avg" or "max" of the last map."""
    if pooling not in (None, "avg", "max"):
        raise BadInput(f'pooling must be None, "avg" or "max"; got {pooling!r}')
    top = () if pooling is None else (GlobalPool(f"{pooling}_pool", pooling),)
    return replace(without_aux(net), top=top)
