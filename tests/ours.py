"""Our network with somebody's arrays, run on images."""

from dataclasses import replace

import numpy as np

from keras_inception.build import build
from keras_inception.weights import store
from keras_inception.weights.convert import convert


def logits(peer, arrays: dict[str, np.ndarray], images: np.ndarray) -> dict[str, np.ndarray]:
    """Output name -> logits of the network of `peer`, a value of peers.PEERS."""
    net = replace(peer.network, input_shape=images.shape[1:], activation=None)
    model = build(net)
    store.write(model, convert(arrays, net, peer.names.names, peer.names.IGNORED))
    # Called, not predict: compiling takes longer than one batch.
    outputs = model(images, training=False)
    names = ["main", *(head.name for head in net.heads)]
    return {
        name: np.array(x)
        for name, x in zip(names, outputs if net.heads else [outputs], strict=True)
    }


def difference(mine: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, in standard deviations of their logits."""
    assert np.std(theirs) > 1e-3
    return float(np.max(np.abs(mine - theirs)) / np.std(theirs))
