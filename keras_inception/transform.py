"""Functions from a network to a network; none changes the one it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from .errors import BadInput
from .nodes import LRN, Conv, Dropout, GlobalPool, Pool
from .spec import Aux, BatchNorm, Network, Row


def map_rows(rows: tuple[Row, ...], change: Callable[[Row], Row | None]) -> tuple[Row, ...]:
    """`rows` with `change` applied to each, branches and heads included; None drops a row."""

    def changed(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(each for each in map(changed, value) if each is not None)
        if not isinstance(value, Row):
            return value
        row = change(value)
        return row and replace(row, **{f.name: changed(getattr(row, f.name)) for f in fields(row)})

    return changed(rows)


def _change(net: Network, change: Callable[[Row], Row | None]) -> Network:
    return replace(net, rows=map_rows(net.rows, change), top=map_rows(net.top, change))


def widen(net: Network, width: float) -> Network:
    """The network `net`, every convolution and hidden dense layer `width` times as wide.

    `width` lies between 0.25 and 2; classes stay. Widths round to the nearest multiple of 8 and
    never lose more than 10 %, as MobileNet's do: integer kernels work on whole vectors of
    channels. Raises BadInput for another width.

    >>> import keras_inception
    >>> net = keras_inception.widen(keras_inception.network("googlenet"), 0.5)
    >>> net.rows[0].filters
    32
    """
    if not 0.25 <= width <= 2:
        raise BadInput(f"width must lie between 0.25 and 2; got {width}")
    if width == 1:
        return net

    def scaled(n: int) -> int:
        rounded = max(8, int(n * width + 4) // 8 * 8)
        return rounded if rounded >= 0.9 * n * width else rounded + 8

    def change(row: Row) -> Row:
        widths = [name for name in ("filters", "units") if hasattr(row, name)]
        return replace(row, **{name: scaled(getattr(row, name)) for name in widths})

    return _change(net, change)


def with_norm(net: Network, norm: str | BatchNorm | None) -> Network:
    """The network `net`, normalized otherwise.

    norm: "published" (the network as it is), "lrn", "batch", a `spec.BatchNorm`, or None.

    "lrn" needs rows of it, and keeps the network as it is. "batch" is the network's own batch
    normalization where it has one, and replaces the local one, as in "Batch Normalization"
    (arXiv 1502.03167, section 4.2.1). Raises BadInput for another `norm`.

    >>> import keras_inception
    >>> net = keras_inception.with_norm(keras_inception.network("googlenet"), "batch")
    >>> net.norm.epsilon
    0.001
    """
    if norm == "published":
        return net
    rows = map_rows(net.rows, lambda row: None if isinstance(row, LRN) else row)
    if norm == "lrn":
        if rows == net.rows:
            raise BadInput(f'{net.name} has no local response normalization; give norm="batch"')
        return net
    if norm == "batch":
        norm = net.norm or BatchNorm()
    if norm is not None and not isinstance(norm, BatchNorm):
        raise BadInput(
            f'norm must be "published", "lrn", "batch", a BatchNorm or None; got {norm!r}'
        )
    return replace(net, rows=rows, norm=norm)


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
    """The feature extractor: no classifiers; `pooling` as for `with_pooling`, None for the map."""
    top = () if pooling is None else with_pooling(net, pooling).top[:1]
    return replace(without_aux(net), top=top)


def with_pooling(net: Network, kind: str) -> Network:
    """The last map pooled by "avg", "max" or "attention" before the classifier."""
    if kind not in ("avg", "max", "attention"):
        raise BadInput(f'pooling must be None, "avg", "max" or "attention"; got {kind!r}')
    return replace(net, top=(GlobalPool(f"{kind}_pool", kind), *net.top[1:]))


def with_3x3_for_5x5(net: Network) -> Network:
    """GoogLeNet's 5x5 convolutions as 3x3, which is what TF-slim and torchvision trained."""
    return _change(
        net, lambda r: replace(r, kernel=3) if isinstance(r, Conv) and r.kernel == 5 else r
    )


def with_padding(net: Network, *, conv="same", max_pool="same", avg_pool="same") -> Network:
    """Rows padded "same" padded otherwise, as other frameworks do; the others stay.

    Caffe and PyTorch pad convolutions "symmetric" and GoogLeNet's max pools "ceil"; torchvision
    counts the border in the average pools of Inception v3, which is "symmetric".
    """
    paddings = {"max": max_pool, "avg": avg_pool}

    def change(row: Row) -> Row:
        if isinstance(row, Conv) and row.padding == "same":
            return replace(row, padding=conv)
        # Stride 1 in Caffe's rounding is plain symmetric padding, which maxima do not see.
        if isinstance(row, Pool) and row.padding == "same" and (row.kind, row.stride) != ("max", 1):
            return replace(row, padding=paddings[row.kind])
        return row

    return _change(net, change)


def with_small_stem(net: Network) -> Network:
    """For images of 28 to 64 pixels: the first two strides are left out, the rest stays.

    A 7x7 first convolution becomes 3x3; a pool that only strides is dropped. A 32x32 image then
    leaves GoogLeNet as 4x4 instead of 1x1.
    """
    left = 2

    def unstrided(row: Row) -> Row | None:
        if getattr(row, "stride", 1) == 1:
            return row
        if isinstance(row, Pool):
            return replace(row, stride=1)
        return replace(row, stride=1, kernel=3)

    rows = []
    for row in net.rows:
        (changed,) = map_rows((row,), unstrided)
        if left and changed != row:
            left -= 1
            row = None if isinstance(row, Pool) else changed
        if row is not None:
            rows.append(row)
    return replace(net, rows=tuple(rows))
