"""The tf_keras twin of a trained network: the same table, the same names, the same weights.

tensorflow-model-optimization takes tf_keras models only, in float32; the twin is what it gets,
and what every file is converted from.
"""

from __future__ import annotations

import numpy as np
import tf_keras

from keras_inception.build import build
from keras_inception.errors import BadInput
from keras_inception.spec import Network
from keras_inception.transform import fold_scales, residuals, without_aux
from keras_inception.weights import store


def twin(network: Network, trained, images: np.ndarray):
    """`network` without heads in tf_keras, with the weights of the Keras 3 model `trained`.

    `images` are preprocessed float32, (n, height, width, channels). Raises BadInput if the
    outputs on them differ by more than float rounding.
    """
    network = without_aux(network)
    arrays = store.read(trained)
    for block in residuals(network):
        # tfmot refuses the layer that scales a residual; its projection is linear and takes it on.
        for variable in ("kernel", "bias"):
            arrays[f"{block.projection}/{variable}"] *= block.scale
    model = build(fold_scales(network), tf_keras, dtype="float32")
    store.write(model, arrays)
    require_equal(
        "the tf_keras twin", model.predict(images, verbose=0), trained.predict(images, verbose=0)
    )
    return model


def require_equal(what: str, outputs: np.ndarray, expected: np.ndarray) -> None:
    """Raise BadInput unless `outputs` equal the float model's `expected` up to float rounding."""
    difference = float(np.abs(outputs - expected).max())
    allowed = 1e-4 * max(1.0, float(np.abs(expected).max()))
    if not difference <= allowed:
        raise BadInput(
            f"{what} is not the network that was trained: an output differs by {difference:.3g}, "
            f"float rounding allows {allowed:.3g}; nothing was written"
        )
