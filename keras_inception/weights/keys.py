"""The weights a network has, from its table alone: `layer/variable`, as in `weights.store`."""

from __future__ import annotations

from ..costs import check_input
from ..spec import Network, Weight, weights


def keys(net: Network) -> list[Weight]:
    """Every weight of the network, heads and classifier included, in the order of the table.

    Raises BadInput where the network's input is too small.
    """
    check_input(net)
    return list(weights(net.rows + net.top, net.input_shape, net))
