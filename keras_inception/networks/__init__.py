"""One file per paper: its tables, and nothing else. FAMILY names the members, oldest first."""

from .googlenet import GOOGLENET
from .inception_resnet import INCEPTION_RESNET_V1, INCEPTION_RESNET_V2
from .inception_v2 import INCEPTION_V2
from .inception_v3 import INCEPTION_V3
from .inception_v4 import INCEPTION_V4

FAMILY = {
    net.name: net
    for net in (
        GOOGLENET,
        INCEPTION_V2,
        INCEPTION_V3,
        INCEPTION_V4,
        INCEPTION_RESNET_V1,
        INCEPTION_RESNET_V2,
    )
}
