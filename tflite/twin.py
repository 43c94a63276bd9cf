"""The tf_keras twin of a trained network: the same table, the same names, the same weights.

tensorflow-model-optimization takes tf_keras models only, in float32; the twin is what it gets,
and what every file is converted from.
"""

from __future__ import annotations

import numpy as np
import tf_keras

from keras_inception import load_model
from keras_inception.build import build
from keras_inception.errors import BadInput
from keras_inception.training.run_folder import Run
from keras_inception.transform import without_aux
from keras_inception.weights import store


def twin(run: Run, images: np.ndarray):
    """The run's network in tf_keras without heads, checked against it on `images`.

    `images` are preprocessed float32, (n, height, width, channels). Raises BadInput if the
    outputs differ by more than float rounding.
    """
    trained = load_model(run.model, compile=False)
    model = build(without_aux(run.network), tf_keras, dtype="float32")
    store.write(model, store.read(trained))
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
