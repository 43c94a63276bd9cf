"""The maps of other people's names hold for the arrays their own code writes."""

from pathlib import Path

import numpy as np
import pytest
from helpers import seeded
from helpers.peers import PEERS, difference, our_logits

from keras_inception.errors import BadInput
from keras_inception.weights.keys import keys
from keras_inception.weights.rename import rename

GOLDEN = Path(__file__).parent / "golden"
PINNED = sorted(path.stem.removeprefix("names_") for path in GOLDEN.glob("names_*.txt"))


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    lines = (GOLDEN / f"names_{name}.txt").read_text().splitlines()
    pairs = (line.split(" ") for line in lines)
    return {array: tuple(int(n) for n in shape.split("x") if n) for array, shape in pairs}


@pytest.mark.parametrize("name", PINNED)
def test_a_map_uses_every_array_once(name):
    peer = PEERS[name]
    sources = peer.names.names(peer.network)
    assert set(sources) == {str(key) for key in keys(peer.network)}
    used = [source.key for source in sources.values()]
    assert len(used) == len(set(used))
    assert set(used) == set(peer.names.not_ignored(shapes(name)))


#: One network of either framework's order of axes; the others' are large.
QUICK = ("slim_inception_v1", "torchvision_googlenet")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in PINNED]
)
def test_weights_seeded_by_their_names_give_their_logits(name):
    peer = PEERS[name]
    golden = dict(np.load(GOLDEN / f"logits_{name}.npz"))
    images = seeded.images(*golden.pop("size"))
    mine = our_logits(peer, seeded.weights(shapes(name), peer.filters), images)
    for head, theirs in golden.items():
        assert difference(mine[head][:, : theirs.shape[1]], theirs) < 1e-3


def test_arrays_too_many_too_few_and_of_another_rank_are_named():
    peer = PEERS["slim_inception_v1"]
    arrays = {array: np.zeros(shape) for array, shape in shapes("slim_inception_v1").items()}
    kernel = "InceptionV1/Logits/Conv2d_0c_1x1/weights"

    def renamed_with(changed):
        return rename(changed, peer.network, peer.names)

    assert (
        renamed_with(arrays | {"global_step": np.zeros(())}).keys() == renamed_with(arrays).keys()
    )
    with pytest.raises(BadInput, match=r"not in the file: none; without a place: more \(3, 4\)"):
        renamed_with(arrays | {"more": np.zeros((3, 4))})
    with pytest.raises(BadInput, match=f"not in the file: {kernel}"):
        renamed_with({array: value for array, value in arrays.items() if array != kernel})
    with pytest.raises(BadInput, match=rf"{kernel} has the shape \(\), which cannot be"):
        renamed_with(arrays | {kernel: np.zeros(())})
