"""osmr's Keras files (imgclsmob, tf2cv): Inception-ResNet-v1, its only public ImageNet weights.

The names are the variables', with the outermost scope, which Keras writes twice, written once and
without the ":0".
"""

from __future__ import annotations

from ...nodes import Bottleneck
from ...spec import Network, Residual, Weight
from .block_positions import BlockPosition
from .sources import Source, mapped

_LAYERS = {
    "Conv2d_1a_3x3": "init_block/conv1",
    "Conv2d_2a_3x3": "init_block/conv2",
    "Conv2d_2b_3x3": "init_block/conv3",
    "Conv2d_3b_1x1": "init_block/conv4",
    "Conv2d_4a_3x3": "init_block/conv5",
    "Conv2d_4b_3x3": "init_block/conv6",
}
#: Their stages start with the reduction, which so is the first unit.
_STAGES = {"block35": (1, 0), "block17": (2, 1), "block8": (3, 1)}
_REDUCTIONS = {"Mixed_6a": "stage2/stage2/unit1", "Mixed_7a": "stage3/stage3/unit1"}


def _unit(name: str) -> str:
    if name in _REDUCTIONS:
        return _REDUCTIONS[name]
    kind, number = name.split("_")
    stage, before = _STAGES[kind]
    return f"stage{stage}/stage{stage}/unit{int(number) + before}"


def _conv(position: BlockPosition) -> str:
    single = isinstance(position.block, Residual) and position.steps == 1
    conv = "conv" if single else f"conv_list/conv{position.step + 1}"
    return f"{_unit(position.block.name)}/branches/branch{position.branch + 1}/{conv}"


def _source(key: Weight, layer: str, position: BlockPosition | None) -> Source:
    norm = key.layer != layer
    if isinstance(key.row, Bottleneck):
        scope = "output1/bn" if norm else "output1/fc1"
    elif layer == "Logits":
        scope = "output1/fc2"
    elif isinstance(key.row, Residual):
        scope = f"features/{_unit(key.row.name)}/conv/conv"
    else:
        module = _conv(position) if position else _LAYERS[layer]
        scope = f"features/{module}/{'bn' if norm else 'conv/conv'}"
    return Source(f"{scope}/{key.variable}")


def names(net: Network) -> dict[str, Source]:
    """Our weight -> the variable of the file."""
    return mapped(net, _source)
