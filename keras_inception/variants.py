"""Other people's versions of the family, each the value that holds their weights.

Recovered from the files' sizes and the projects' code; docs/errata.md tells the differences.
"""

from dataclasses import replace

from .networks.googlenet import GOOGLENET, naive_inception
from .networks.inception_resnet import (
    FACENET,
    FACENET_512,
    INCEPTION_RESNET_V1,
    INCEPTION_RESNET_V2,
    INCEPTION_RESNET_V2_PAPER,
)
from .networks.inception_v2 import INCEPTION_V2, PAPER
from .networks.inception_v3 import INCEPTION_V3
from .networks.inception_v4 import INCEPTION_V4
from .spec import BatchNorm, Concat, Network
from .transform import map_rows, with_3x3_for_5x5, with_norm, with_padding

WITH_SCALE = BatchNorm()
WITHOUT_SCALE = BatchNorm(scale=False)


def _scaled(net: Network) -> Network:
    return replace(net, norm=WITH_SCALE)


def _with_rows(net: Network, **changes: dict[str, int]) -> Network:
    """The network with other fields of the rows so named."""
    rows = map_rows(net.rows, lambda row: replace(row, **changes.get(row.name, {})))
    return replace(net, rows=rows)


_TORCH = {"conv": "symmetric", "max_pool": "ceil"}
_SLIM_V1 = _with_rows(
    with_3x3_for_5x5(with_norm(GOOGLENET, WITHOUT_SCALE)), pool4_3x3_s2={"size": 2}
)

#: tag of the weights' maker -> the network they fit, heads included where it has them.
VARIANTS = {
    "googlenet.caffe": with_padding(GOOGLENET, **_TORCH),
    "googlenet.slim": _SLIM_V1,
    "googlenet.torchvision": with_padding(replace(_SLIM_V1, norm=WITH_SCALE), **_TORCH),
    "googlenet.inception5h": replace(
        _with_rows(
            GOOGLENET,
            inception_4a_3x3={"filters": 204},
            inception_5a_5x5_reduce={"filters": 48},
        ),
        classes=1008,
    ),
    "inception_v2.slim": INCEPTION_V2,
    "inception_v2.paper": PAPER,
    "inception_v2.plain_stem": _with_rows(
        PAPER, inception_4c_pool_proj={"filters": 96}, inception_4d_pool_proj={"filters": 96}
    ),
    "inception_v2.caffe": with_padding(
        replace(PAPER, bias=True, norm=BatchNorm(epsilon=1e-5)),
        **_TORCH,
        avg_pool="symmetric",
    ),
    "inception_v3.keras": INCEPTION_V3,
    "inception_v3.torchvision": with_padding(_scaled(INCEPTION_V3), avg_pool="symmetric"),
    "inception_v4.slim": INCEPTION_V4,
    "inception_v4.timm": _scaled(INCEPTION_V4),
    "inception_resnet_v1.paper": INCEPTION_RESNET_V1,
    "inception_resnet_v1.facenet": _scaled(FACENET),
    "inception_resnet_v1.osmr": _scaled(FACENET_512),
    "inception_resnet_v2.keras": INCEPTION_RESNET_V2,
    "inception_resnet_v2.timm": _scaled(INCEPTION_RESNET_V2),
    "inception_resnet_v2.paper": INCEPTION_RESNET_V2_PAPER,
}


def naive(net: Network) -> Network:
    """GoogLeNet with figure 2a's blocks at the same widths: why the 1x1 reductions exist."""

    def change(row):
        if not isinstance(row, Concat):
            return row
        one, three, five, _ = row.branches
        return naive_inception(row.name, *(branch[-1].filters for branch in (one, three, five)))

    return replace(net, rows=tuple(change(row) for row in net.rows))
