"""How PyTorch names and lays out the weights of one module, whoever named the module."""

from __future__ import annotations

from ...nodes import Conv
from ...spec import Residual, Weight
from .sources import Source, oi, oihw

#: A counter of batch normalization, which no weight of ours is.
IGNORED = (r"\.num_batches_tracked$",)

_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def source(key: Weight, module: str) -> Source:
    """The array of `module`: a Linear, a residual's plain Conv2d, or torchvision's BasicConv2d
    (also timm's ConvNormAct), which is `conv` and then `bn`."""
    if key.layer.endswith("_bn"):
        return Source(f"{module}.bn.{_NORM[key.variable]}")
    if isinstance(key.row, Conv):
        module += ".conv"
    if key.variable == "bias":
        return Source(f"{module}.bias")
    return Source(f"{module}.weight", oihw if isinstance(key.row, Conv | Residual) else oi)
