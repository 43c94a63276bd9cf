"""Writes the fixtures beside this file, with the peers of tests/helpers/peers.py installed:

    PYTHONPATH=tests:models/research/slim .venv-parity/bin/python tests/golden/make.py

where `models` is a clone of tensorflow/models. Without the peers' packages, test_names.py then
compares our maps with `names_*.txt`, the arrays their code writes, and our networks with
`logits_*.npz`, what their models make of weights seeded by those names.
"""

from pathlib import Path

import numpy as np
from helpers import seeded
from helpers.peers import PEERS

HERE = Path(__file__).parent
#: Peer -> image size; both differ from the sizes the networks are made for.
SIZES = {
    "torchvision_googlenet": (127, 129),
    "torchvision_inception_v3": (139, 107),
    "timm_inception_v4": (139, 107),
    "timm_inception_resnet_v2": (139, 107),
    "osmr_inception_resnet_v1": (303, 301),
    "slim_inception_v1": (193, 223),
    "slim_inception_v2": (193, 97),
    "slim_inception_v3": (139, 107),
    "slim_inception_v4": (139, 107),
    "slim_inception_resnet_v2": (139, 107),
}
LOGITS = 64


def main():
    for name, size in SIZES.items():
        peer = PEERS[name]
        shapes = peer.shapes()
        lines = (f"{array} {'x'.join(map(str, shape))}\n" for array, shape in shapes.items())
        (HERE / f"names_{name}.txt").write_text("".join(sorted(lines)))
        heads = name == "torchvision_googlenet"
        arrays = seeded.weights(shapes, peer.filters)
        logits = peer.logits(arrays, seeded.images(*size), heads)
        np.savez(
            HERE / f"logits_{name}.npz",
            size=size,
            **{head: array[:, :LOGITS] for head, array in logits.items()},
        )
        print(name, {head: float(array.std()) for head, array in logits.items()}, flush=True)


if __name__ == "__main__":
    main()
