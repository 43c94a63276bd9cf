"""timm's state dictionaries: inception_v3, inception_v4 and inception_resnet_v2."""

from __future__ import annotations

import re

from ...spec import Network, Residual, Weight
from . import torchvision
from .block_positions import BlockPosition
from .pytorch import source
from .sources import Source, mapped

CLASSIFIERS = ("fc", "AuxLogits.fc", "last_linear", "classif")
_REPEATS = {"block35": "repeat", "block17": "repeat_1", "block8": "repeat_2"}


def _branch(position: BlockPosition) -> str:
    return f"branch{position.branch}" + (f".{position.step}" if position.steps > 1 else "")


def _inception_v4(net: Network, key: Weight, layer: str, position: BlockPosition | None) -> str:
    if layer == "Logits":
        return "last_linear"
    block = position.block.name if position else layer
    module = f"features.{[row.name for row in net.rows].index(block)}"
    if position is None:
        return module
    if block in ("Mixed_3a", "Mixed_5a"):
        return f"{module}.conv"
    if block in ("Mixed_7b", "Mixed_7c", "Mixed_7d") and position.branch in (1, 2):
        part = "" if position.part is None else "ab"[position.part]
        return f"{module}.branch{position.branch}_{position.step}{part}"
    return f"{module}.{_branch(position)}"


def _inception_resnet_v2(
    net: Network, key: Weight, layer: str, position: BlockPosition | None
) -> str:
    if layer == "Logits":
        return "classif"
    if isinstance(key.row, Residual):
        return f"{_block(key.row.name)}.conv2d"
    if position:
        return f"{_block(position.block.name)}.{_branch(position)}"
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
    return mapped(net, lambda key, *where: source(key, module(net, key, *where)))
