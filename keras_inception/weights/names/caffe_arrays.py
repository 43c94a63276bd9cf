"""bvlc_googlenet as arrays: kernels `layer_w`, already in our layout, and biases `layer_b`."""

from __future__ import annotations

from ...spec import Network
from ..keys import keys
from . import Source

IGNORED: tuple[str, ...] = ()

_SUFFIX = {"kernel": "w", "bias": "b"}


def names(net: Network) -> dict[str, Source]:
    """The array that holds each weight of the network."""
    return {str(key): Source(f"{key.layer}_{_SUFFIX[key.variable]}") for key in keys(net)}
