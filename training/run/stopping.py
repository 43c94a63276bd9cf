"""Stopping a training: Ctrl-C and SIGTERM wait for the end of the step in hand."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import keras

from keras_inception.errors import Stopped

from .checkpoints import Progress
from .run_folder import Run


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
