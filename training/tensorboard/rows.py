"""Which rows of a network's table a layer was made for."""

from __future__ import annotations

from collections.abc import Iterator

from keras_inception.spec import Aux, Concat, Network, Residual, Row


class Rows:
    """Which rows of `net`, outermost first, a layer was made for."""

    def __init__(self, net: Network):
        self._paths = dict(_paths(net.rows + net.top))

    def path(self, layer: str) -> tuple[str, ...]:
        """The names of a layer's rows; none for the input and for the output "main"."""
        name = layer
        while name and name not in self._paths:
            name = name.rpartition("_")[0]  # a row's layers are named after it, with suffixes
        return self._paths.get(name, ())

    def outermost(self, path: str) -> str:
        """The name of the outermost row of a layer, or of a variable by its path."""
        layer = path.partition("/")[0]
        return (*self.path(layer), layer)[0]


def _paths(rows: tuple[Row, ...], outer: tuple[str, ...] = ()) -> Iterator[tuple]:
    for row in rows:
        path = (*outer, row.name)
        yield row.name, path
        if isinstance(row, Residual):
            yield row.projection, path
        if isinstance(row, Concat | Residual):
            for branch in row.branches:
                yield from _paths(branch, path)
        elif isinstance(row, Aux):
            yield from _paths(row.rows, path)
