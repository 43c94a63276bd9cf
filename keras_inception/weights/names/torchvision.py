"""torchvision's state dictionaries: googlenet and inception_v3, auxiliary heads included."""

from __future__ import annotations

from dataclasses import replace

from ...nodes import Dense
from ...spec import Network, Weight
from .block_positions import BlockPosition
from .pytorch import source
from .sources import Source, flattened_chw, mapped

CLASSIFIERS = ("fc", "aux1.fc2", "aux2.fc2", "AuxLogits.fc")
_GOOGLENET = {
    "conv1_7x7_s2": "conv1",
    "conv2_3x3_reduce": "conv2",
    "conv2_3x3": "conv3",
    "loss1_conv": "aux1.conv",
    "loss1_fc": "aux1.fc1",
    "loss1_classifier": "aux1.fc2",
    "loss2_conv": "aux2.conv",
    "loss2_fc": "aux2.fc1",
    "loss2_classifier": "aux2.fc2",
    "loss3_classifier": "fc",
}
_INCEPTION_V3 = {
    "AuxLogits_Conv2d_1b_1x1": "AuxLogits.conv0",
    "AuxLogits_Conv2d_2a_5x5": "AuxLogits.conv1",
    "AuxLogits_Logits": "AuxLogits.fc",
    "Logits": "fc",
}
#: Block, or blocks with this name and another letter -> the names of its branches.
_BRANCHES = {
    "Mixed_5": ("1x1", "5x5", "3x3dbl", "_pool"),
    "Mixed_6a": ("3x3", "3x3dbl"),
    "Mixed_6": ("1x1", "7x7", "7x7dbl", "_pool"),
    "Mixed_7a": ("3x3", "7x7x3"),
    "Mixed_7": ("1x1", "3x3", "3x3dbl", "_pool"),
}


def _googlenet(position: BlockPosition) -> str:
    step = f".{position.step}" if position.steps > 1 else ""
    return f"{position.block.name.replace('_', '')}.branch{position.branch + 1}{step}"


def _inception_v3(position: BlockPosition) -> str:
    block = position.block.name
    branch = (_BRANCHES.get(block) or _BRANCHES[block[:-1]])[position.branch]
    part = "" if position.part is None else "ab"[position.part]
    step = "" if position.steps == 1 or branch == "_pool" else f"_{position.step + 1}{part}"
    return f"{block}.branch{branch}{step}"


def names(net: Network) -> dict[str, Source]:
    """Our weight -> the array of the state dictionary."""
    modules, name = {
        "googlenet": (_GOOGLENET, _googlenet),
        "inception_v3": (_INCEPTION_V3, _inception_v3),
    }[net.name]

    def of(key: Weight, layer: str, position: BlockPosition | None) -> Source:
        found = source(key, name(position) if position else modules.get(layer, layer))
        if isinstance(key.row, Dense) and key.variable == "kernel":
            # Their heads flatten (channels, 4, 4).
            return replace(found, read=flattened_chw(4))
        return found

    return mapped(net, of)
