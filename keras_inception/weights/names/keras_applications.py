"""keras.applications' files: InceptionV3 and InceptionResNetV2, without auxiliary heads.

Most layers have only Keras' automatic numbers, which say no more than an order: "conv2d:17" is
the eighteenth unnamed convolution. The order of creation is that of our tables.
"""

from __future__ import annotations

import re

from ...nodes import Conv
from ...spec import Network
from ..keys import keys
from . import Source

#: A file of these networks holds nothing else.
IGNORED = ()

_NAMED = {
    "Logits": "predictions",
    "Conv2d_7b_1x1": "conv_7b",
    "Conv2d_7b_1x1_bn": "conv_7b_bn",
}


def names(net: Network) -> dict[str, Source]:
    """Our weight -> the array of the file, its automatic numbers counted anew from 0."""
    order, found = {}, {}
    for key in keys(net):
        layer = _NAMED.get(key.layer, re.sub("_projection$", "_conv", key.layer))
        if isinstance(key.row, Conv) and key.layer not in _NAMED:
            number = order.setdefault(key.row.name, len(order))
            kind = "batch_normalization" if key.layer.endswith("_bn") else "conv2d"
            layer = f"{kind}:{number}"
        found[str(key)] = Source(f"{layer}/{key.variable}")
    return found
