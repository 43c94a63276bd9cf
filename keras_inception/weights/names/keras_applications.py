"""keras.applications' files: InceptionV3 and InceptionResNetV2, without auxiliary heads.

Most layers have only Keras' automatic numbers, which say no more than an order: "conv2d:17" is
the eighteenth unnamed convolution. The order of creation is that of our tables.
"""

from __future__ import annotations

import re

from ...nodes import Conv
from ...spec import Network, Weight
from .sources import Source, mapped

_NAMED = {
    "Logits": "predictions",
    "Conv2d_7b_1x1": "conv_7b",
    "Conv2d_7b_1x1_bn": "conv_7b_bn",
}


def names(net: Network) -> dict[str, Source]:
    """Our weight -> the array of the file, its automatic numbers counted anew from 0."""
    order = {}

    def source(key: Weight, layer: str, _) -> Source:
        theirs = _NAMED.get(key.layer, re.sub("_projection$", "_conv", key.layer))
        if isinstance(key.row, Conv) and key.layer not in _NAMED:
            kind = "conv2d" if layer == key.layer else "batch_normalization"
            theirs = f"{kind}:{order.setdefault(layer, len(order))}"
        return Source(f"{theirs}/{key.variable}")

    return mapped(net, source)
