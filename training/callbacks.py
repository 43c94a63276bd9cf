"""What happens at the end of an epoch: curves for TensorBoard."""

from __future__ import annotations

import keras
import numpy as np
from tensorboard.summary import Writer

from keras_inception.build import MAIN


def tags(logs: dict[str, float], outputs: list[str]) -> dict[str, float]:
    """Keras' log names as TensorBoard tags: `aux1_loss` -> `aux1/loss`, the sum stays `loss`."""
    tagged = {}
    for key, value in logs.items():
        output, _, metric = key.partition("_")
        if output in outputs and metric:
            tagged[f"{output}/{metric}"] = value
        elif len(outputs) > 1:
            tagged[key] = value
        else:
            tagged[f"{MAIN}/{key}"] = value
    return tagged


class Curves(keras.callbacks.Callback):
    """Loss and accuracy of every output and the learning rate, for training and validation.

    Written with TensorBoard's own writer, which needs no TensorFlow, so that every backend has
    the same curves. Steps are epochs.
    """

    def __init__(self, folder):
        super().__init__()
        self.writers = {part: Writer(str(folder / part)) for part in ("train", "validation")}

    def on_epoch_end(self, epoch, logs=None):
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.writers["train"].add_scalar("learning_rate", rate, epoch + 1)
        parts = {"train": {}, "validation": {}}
        for key, value in (logs or {}).items():
            part = "validation" if key.startswith("val_") else "train"
            parts[part][key.removeprefix("val_")] = value
        for part, values in parts.items():
            for tag, value in tags(values, self.model.output_names).items():
                self.writers[part].add_scalar(tag, np.float32(value), epoch + 1)
            self.writers[part].flush()
