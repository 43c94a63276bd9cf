"""What happens at the end of an epoch: a checkpoint."""

from __future__ import annotations

import keras
import numpy as np

from keras_inception.files import replacing


class Checkpoint(keras.callbacks.Callback):
    """The whole training state after every epoch, never half a file.

    Weights, moving averages, optimizer and random-generator states, in the order in which Keras
    lists them: a `.keras` file would leave the generators out.
    """

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        arrays = {str(i): np.array(v.numpy()) for i, v in enumerate(_state(self.model))}
        with replacing(self.path) as temporary:
            np.savez(temporary, epochs=epoch + 1, **arrays)


def restore(model, path) -> int:
    """Put the state that Checkpoint wrote into a freshly compiled `model`; epochs it has seen."""
    model.optimizer.build(model.trainable_variables)
    with np.load(path) as arrays:
        values = [arrays[str(i)] for i in range(len(arrays.files) - 1)]
        epochs = int(arrays["epochs"])
    for variable, value in zip(_state(model), values, strict=True):
        variable.assign(value)
    return epochs


def _state(model) -> list:
    return model.variables + model.optimizer.variables
