"""timm's state dictionaries: inception_v3, inception_v4 and inception_resnet_v2."""

from __future__ import annotations

import re

from ...spec import Network, Residual, Weight
from ..keys import keys
from . import Source, torchvision
from .places import Place, places
from .pytorch import IGNORED as IGNORED
from .pytorch import source

_REPEATS = {"block35": "repeat", "block17": "repeat_1", "block8": "repeat_2"}


def _branch(place: Place) -> str:
    return f"branch{place.branch}" + (f".{place.step}" if place.steps > 1 else "")


def _inception_v4(net: Network, key: Weight, layer: str, place: Place | None) -> str:
    if layer == "Logits":
        return "last_linear"
    block = place.block.name if place else layer
    module = f"features.{[row.name for row in net.rows].index(block)}"
    if place is None:
        return module
    if block in ("Mixed_3a", "Mixed_5a"):
        return f"{module}.conv"
    if block in ("Mixed_7b", "Mixed_7c", "Mixed_7d") and place.branch in (1, 2):
        part = "" if place.part is None else "ab"[place.part]
        return f"{module}.branch{place.branch}_{place.step}{part}"
    return f"{module}.{_branch(place)}"


def _inception_resnet_v2(net: Network, key: Weight, layer: str, place: Place | None) -> str:
    if layer == "Logits":
        return "classif"
    if isinstance(key.row, Residual):
        return f"{_block(key.row.name)}.conv2d"
    if place:
        return f"{_block(place.block.name)}.{_branch(place)}"
    return re.sub(r"_\dx\d$", "", layer).lower()


def _block(name: str) -> str:
    kind, _, number = name.rpartition("_")
    if name == "block8_10":
        return "block8"
    return f"{_REPEATS[kind]}.{int(number) - 1}" if kind in _REPEATS else name.lower()


def names(net: Network) -> dict[str, Source]:
    """Our weight -> the array of the state dictionary. Only v3 has an auxiliary head there."""
    if net.name == "inception_v3":
        return torchvision.names(net)
    module = {
        "inception_v4": _inception_v4,
        "inception_resnet_v2": _inception_resnet_v2,
    }[net.name]
    placed, found = places(net), {}
    for key in keys(net):
        layer = key.layer.removesuffix("_bn")
        found[str(key)] = source(key, module(net, key, layer, placed.get(layer)))
    return found
