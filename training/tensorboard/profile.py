"""A profile of a few training steps, by the backend's own profiler."""

from __future__ import annotations

from pathlib import Path

import keras

from keras_inception.errors import BadInput

STEPS = 5


def profiler():
    """The start and stop functions of the backend's profiler, which take and need a folder.

    Raises BadInput if the backend cannot profile.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from tensorflow.profiler import experimental

        return experimental.start, experimental.stop
    if backend == "jax":
        from jax.profiler import start_trace, stop_trace

        return start_trace, stop_trace
    raise BadInput(
        f"the {backend} backend has no profiler that writes for TensorBoard; leave out --profile, "
        "or train with KERAS_BACKEND=tensorflow or jax"
    )


class Profile(keras.callbacks.Callback):
    """Profiles the first STEPS steps of the second half of the first epoch, compiled and warm."""

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder
        self._start, self._stop = profiler()
        self._done = False

    def on_train_batch_begin(self, batch, logs=None):
        if not self._done and batch == self.params["steps"] // 2:
            self._start(str(self.folder))

    def on_train_batch_end(self, batch, logs=None):
        steps = self.params["steps"]
        if not self._done and batch + 1 == min(steps // 2 + STEPS, steps):
            self._stop()
            self._done = True
