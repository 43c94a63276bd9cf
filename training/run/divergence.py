"""A loss that has left the ground ends the training before it spoils anything."""

from __future__ import annotations

import math

import keras

from keras_inception.errors import BadInput

from .checkpoints import Progress, path_of
from .run_folder import Run

WORSE = 3


class Divergence(keras.callbacks.Callback):
    """Raises BadInput when the loss is not finite after a step, or, over a later epoch than the
    first, more than WORSE times as high as in the first epoch and as guessing's.

    Guessing, log(classes) for every output, is in it since a network that started from good
    weights may well lose three times its first loss and learn. To be called before Checkpoint.
    """

    def __init__(self, run: Run, progress: Progress):
        super().__init__()
        self.run, self.progress = run, progress

    def on_train_batch_end(self, batch, logs=None):
        # The mean over the epoch so far: once not finite, it stays so.
        if not math.isfinite(logs["loss"]):
            self._stop(logs["loss"], f"step {batch + 1} of {self.params['steps']} of ")

    def on_epoch_end(self, epoch, logs=None):
        # A last step may have ruined the weights after its own loss was taken.
        if not math.isfinite(logs["val_loss"]):
            self._stop(logs["val_loss"], "evaluation after ")
        guessing = math.log(len(self.run.classes)) * len(self.model.outputs)
        first = self.progress.rows[0]["loss"] if self.progress.rows else math.inf
        if logs["loss"] > WORSE * max(first, guessing):
            self._stop(logs["loss"])

    def _stop(self, loss: float, place: str = ""):
        epochs = self.progress.epochs
        last = path_of(self.run.checkpoints, epochs)
        raise BadInput(
            f"training diverged: the loss is {loss:g} in {place}epoch {epochs + 1}, with a peak "
            f"learning rate of {self.run.recipe.learning_rate:g}; try a lower --learning-rate, "
            f"--clipnorm 1 or more --warmup-epochs in a new run; "
            + (f"the last good state is in {last}" if epochs else "no epoch was finished")
        )
