"""A model's outputs for arrays, without the queue that Keras' `predict` makes for them."""

from __future__ import annotations

import numpy as np

from .layers import is_keras_3, keras_of


def outputs_of(model, images: np.ndarray, size: int = 32) -> np.ndarray:
    """What `model.predict(images)` gives, for a model of one output of either Keras.

    TensorFlow 2.21 can take as long to end the queue as it was in use: its autotuner may miss that
    it is told to stop, and sleeps on. docs/training.md says what to do about `fit`.
    """
    parts = []
    for start in range(0, len(images), size):
        batch = images[start : start + size]
        count = len(batch)
        if start and count < size:  # A batch of another size would be traced anew.
            batch = np.pad(batch, [(0, size - count)] + [(0, 0)] * (batch.ndim - 1), "edge")
        if is_keras_3(keras_of(model)):
            outputs = model.predict_on_batch(batch)
        else:  # Its predict_on_batch makes a queue too.
            outputs = np.asarray(model(batch, training=False))
        parts.append(outputs[:count])
    return np.concatenate(parts)
