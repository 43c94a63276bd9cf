"""What ends a training early: Ctrl-C and SIGTERM, after the step in hand, and a loss that has left
the ground, before it spoils anything."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Callable

import keras

from keras_inception.errors import BadInput, Stopped

from .checkpoints import Progress, path_of
from .run_folder import Run

#: How many times its first loss a training that diverged has.
WORSE = 3


class StopAfterStep(keras.callbacks.Callback):
    """Inside its `with` block a signal ends the training after the step, with Stopped.

    A second Ctrl-C is Python's own, at once. Signals that the process was started to ignore, as
    shells do for jobs in the background, stay ignored.

    Of several processes `agreed(step)` says after which step all of them stop: JAX sees SIGTERM
    itself and tells the others, so Ctrl-C becomes one.
    """

    def __init__(self, run: Run, progress: Progress, agreed: Callable[[int], bool] | None = None):
        super().__init__()
        self.run, self.progress, self.agreed = run, progress, agreed
        self.asked, self.steps = None, 0

    def __enter__(self):
        numbers = [signal.SIGINT] if self.agreed else [signal.SIGINT, signal.SIGTERM]
        if threading.current_thread() is not threading.main_thread():
            numbers = []  # Python lets no other thread handle signals.
        self.before = {number: signal.getsignal(number) for number in numbers}
        for number, handler in self.before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._ask)
        return self

    def __exit__(self, *raised):
        for number, handler in self.before.items():
            signal.signal(number, handler)
        if raised == (None, None, None) and not self.agreed:
            self._stop_if_asked()

    def _ask(self, number, frame):
        if self.asked and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        self.asked = number
        # Not print, which may be what the signal has interrupted.
        os.write(2, b"\nstopping after this step; Ctrl-C stops at once\n")
        if self.agreed:
            signal.raise_signal(signal.SIGTERM)

    def _stop_if_asked(self):
        if self.asked:
            raise Stopped(
                self.asked,
                f"stopped; `keras-inception train --run {self.run.folder} --resume` goes on after "
                f"epoch {self.progress.epochs} of {self.run.recipe.epochs}, the last complete one",
            )

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.agreed:
            if not self.agreed(self.steps):
                return
            self.asked = self.asked or signal.SIGTERM
        self._stop_if_asked()

    def on_test_batch_end(self, batch, logs=None):
        if not self.agreed:
            self._stop_if_asked()


class Divergence(keras.callbacks.Callback):
    """Raises BadInput when the loss is not finite after a step, or, over a later epoch than the
    first, more than WORSE times as high as in the first epoch and as guessing's.

    Guessing, log(classes) for every output, is in it since a network that started from good
    weights may well lose three times its first loss and learn. To be called before Checkpoint.
    """

    def __init__(self, run: Run, progress: Progress):
        super().__init__()
        self.run, self.progress = run, progress

    def on_epoch_begin(self, epoch, logs=None):
        self.before = 0.0

    def on_train_batch_end(self, batch, logs=None):
        # Of the step before: to ask for this one's loss would wait for a GPU that should be at work
        # while the next batch is made. It is the mean over the epoch: once not finite, it stays so.
        if not math.isfinite(self.before):
            self._stop(float(self.before), f"step {batch} of {self.params['steps']} of ")
        self.before = logs["loss"]

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(logs["loss"]):
            self._stop(logs["loss"], f"step {self.params['steps']} of {self.params['steps']} of ")
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
