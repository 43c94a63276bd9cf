"""Our own files: every weight under its own name."""

from __future__ import annotations

from ...spec import Network
from ..keys import keys
from . import Source

IGNORED: tuple[str, ...] = ()


def names(net: Network) -> dict[str, Source]:
    """The array that holds each weight of the network."""
    return {str(key): Source(str(key)) for key in keys(net)}
