"""One file per paper: its tables, and nothing else. FAMILY names the members, oldest first."""

from ..errors import BadInput
from ..spec import Network
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


def member(name: str | None) -> Network:
    """The member of the family called `name`. Raises BadInput if there is none."""
    if name not in FAMILY:
        raise BadInput(f"a network is one of {', '.join(FAMILY)}; got {name!r}")
    return FAMILY[name]
