"""With the same random weights, our networks compute what other people's models compute."""

from functools import lru_cache
from importlib.util import find_spec

import pytest
from helpers import seeded
from helpers.peers import PEERS, difference, our_logits

pytestmark = pytest.mark.parity

V1, V3 = [(224, 224), (225, 193)], [(299, 299), (303, 301), (139, 107)]
SIZES = {
    "torchvision_googlenet": [*V1, (127, 129)],
    # Pools 8x8, and flattens.
    "osmr_inception_resnet_v1": [(299, 299), (303, 301)],
    # They pool 7x7 and squeeze: other maps do not fit.
    "slim_inception_v1": [(224, 224), (193, 223)],
    "slim_inception_v2": [(224, 224), (193, 97)],
}
PAIRS = [(name, size) for name in PEERS for size in SIZES.get(name, V3)]


def heads_agree(name: str, size: tuple[int, int]) -> bool:
    """Whether their heads pool as ours: from 17x17 to 5x5, torchvision's v1 from 8x8 to 4x4."""
    return size == (127, 129) if name == "torchvision_googlenet" else min(size) >= 299


@lru_cache(maxsize=1)
def arrays(name):
    return seeded.weights(PEERS[name].shapes(), PEERS[name].filters)


@pytest.mark.parametrize(("name", "size"), PAIRS, ids=[f"{n}-{h}x{w}" for n, (h, w) in PAIRS])
def test_the_same_numbers(name, size):
    peer = PEERS[name]
    package = peer.package.split(".")[0]
    if find_spec(package) is None:
        pytest.skip(f"needs the package {package}: tests/helpers/peers.py says where it is from")
    images = seeded.images(*size)
    theirs = peer.logits(arrays(name), images, heads=heads_agree(name, size))
    mine = our_logits(peer, arrays(name), images)
    assert theirs.keys() == (mine.keys() if heads_agree(name, size) else {"main"})
    differences = {head: difference(mine[head], theirs[head]) for head in theirs}
    assert max(differences.values()) < 1e-3
