"""TF-slim's checkpoints: tensorflow/models, research/slim/nets.

Classes are 1001 there, with the background first.
"""

from __future__ import annotations

from functools import partial

from ...nodes import Classifier, pair
from ...spec import Network, Residual, Weight
from .block_positions import BlockPosition
from .sources import Source, mapped, pointwise

#: What a training run leaves beside the weights.
IGNORED = (
    r"(^|/)global_step$",
    r"/ExponentialMovingAverage$",
    r"/(RMSProp|Adam|Momentum|Adagrad|Ftrl)(_\d+)?$",
    r"^beta\d_power$",
)

_ROOTS = {
    "googlenet": "InceptionV1",
    "inception_v2": "InceptionV2",
    "inception_v3": "InceptionV3",
    "inception_v4": "InceptionV4",
    "inception_resnet_v2": "InceptionResnetV2",
}
_REPEATS = {"block35": "Repeat", "block17": "Repeat_1", "block8": "Repeat_2"}
#: Blocks that are not where the rules below put them.
_BLOCKS = {
    "inception_v2": {"inception_3c": "Mixed_4a", "inception_4e": "Mixed_5a"},
    "inception_resnet_v2": {"block8_10": "Block8"},
}

_STEM = {
    "conv1_7x7_s2": "Conv2d_1a_7x7",
    "conv2_3x3_reduce": "Conv2d_2b_1x1",
    "conv2_3x3": "Conv2d_2c_3x3",
}
_AUX = {"AuxLogits_Conv2d_1b_1x1": "AuxLogits/Conv2d_1b_1x1"}
_AUX_5X5 = {"AuxLogits_Conv2d_2a_5x5": "AuxLogits/Conv2d_2a_5x5"}
#: Layers that are not where the rules below put them, most of them slips of the release.
_LAYERS = {
    "googlenet": _STEM
    | {
        "inception_5a_5x5": "Mixed_5b/Branch_2/Conv2d_0a_3x3",
        "loss3_classifier": "Logits/Conv2d_0c_1x1",
    },
    "inception_v2": _STEM | {"loss3_classifier": "Logits/Conv2d_1c_1x1"},
    "inception_v3": _AUX
    | _AUX_5X5
    | {
        "Mixed_5c_5x5_reduce": "Mixed_5c/Branch_1/Conv2d_0b_1x1",
        "Mixed_5c_5x5": "Mixed_5c/Branch_1/Conv_1_0c_5x5",
        "Mixed_6a_3x3": "Mixed_6a/Branch_0/Conv2d_1a_1x1",
        "Mixed_6a_double_3x3_2": "Mixed_6a/Branch_1/Conv2d_1a_1x1",
        "Mixed_7b_3x3_3x1": "Mixed_7b/Branch_1/Conv2d_0b_3x1",
        "AuxLogits_Logits": "AuxLogits/Conv2d_2b_1x1",
        "Logits": "Logits/Conv2d_1c_1x1",
    },
    "inception_v4": _AUX
    | {
        "Mixed_3a_3x3": "Mixed_3a/Branch_1/Conv2d_0a_3x3",
        "AuxLogits_Conv2d_2a_5x5": "AuxLogits/Conv2d_2a",
        "AuxLogits_Logits": "AuxLogits/Aux_logits",
        "Logits": "Logits/Logits",
    },
    "inception_resnet_v2": _AUX
    | _AUX_5X5
    | {
        "Mixed_5b_1x1": "Mixed_5b/Branch_0/Conv2d_1x1",
        "AuxLogits_Logits": "AuxLogits/Logits",
        "Logits": "Logits/Logits",
    },
}
_VARIABLES = {
    "kernel": "weights",
    "bias": "biases",
    "depthwise_kernel": "depthwise_weights",
    "pointwise_kernel": "pointwise_weights",
}


def _block(net: Network, name: str) -> str:
    if name in _BLOCKS.get(net.name, {}):
        return _BLOCKS[net.name][name]
    kind, _, number = name.rpartition("_")
    if kind in _REPEATS:
        return f"{_REPEATS[kind]}/{name}"
    if kind == "inception":
        # The letter a is the pool's before the blocks of a stage.
        return f"Mixed_{number[0]}{chr(ord(number[1]) + 1)}"
    return name


def _conv(net: Network, position: BlockPosition) -> str:
    row = position.row
    height, width = pair(row.kernel)
    if isinstance(position.block, Residual) and position.steps == 1:
        order = ""
    elif row.stride > 1 or row.padding == "valid":
        order = "1a_"
    else:
        order = f"0{'abcdef'[position.step + (position.part or 0)]}_"
    branch = f"{_block(net, position.block.name)}/Branch_{position.branch}"
    return f"{branch}/Conv2d_{order}{height}x{width}"


def _source(net: Network, key: Weight, layer: str, position: BlockPosition | None) -> Source:
    if layer in _LAYERS[net.name]:
        scope = _LAYERS[net.name][layer]
    elif isinstance(key.row, Residual):
        scope = f"{_block(net, key.row.name)}/Conv2d_1x1"
    else:
        scope = _conv(net, position) if position else layer
    variable = f"BatchNorm/{key.variable}" if layer != key.layer else _VARIABLES[key.variable]
    source = f"{_ROOTS[net.name]}/{scope}/{variable}"
    if isinstance(key.row, Classifier) and "/Conv2d_" in scope and key.variable == "kernel":
        return Source(source, pointwise)
    return Source(source)


def names(net: Network) -> dict[str, Source]:
    """Our weight -> the checkpoint's variable."""
    return mapped(net, partial(_source, net))
