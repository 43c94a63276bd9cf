"""Whether the network waits for its images."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import keras

log = logging.getLogger(__name__)

#: How long the pipeline is measured before the training, in seconds.
TRIAL = 0.5


def images_per_second(batches: keras.utils.PyDataset) -> float:
    """What the pipeline gives with nothing else to do, with its own number of workers."""
    began, done = time.perf_counter(), 0
    with ThreadPoolExecutor(batches.workers) as pool:
        while time.perf_counter() - began < TRIAL:
            indices = [k % len(batches) for k in range(done, done + batches.workers)]
            list(pool.map(batches.__getitem__, indices))
            done += len(indices)
    return done * batches.batch_size / (time.perf_counter() - began)


class InputRate(keras.callbacks.Callback):
    """Logs the rate of the pipeline alone beside the rate of the training, for the first epoch and
    for every one in which the network waited.

    Waiting itself cannot be seen on every backend: TensorFlow fetches batches inside its step.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_begin(self, logs=None):
        self.alone, self.told = images_per_second(self.batches), False

    def on_epoch_begin(self, epoch, logs=None):
        self.steps = []

    def on_train_batch_end(self, batch, logs=None):
        # The first step compiles.
        self.steps = [*self.steps[:1], (time.perf_counter(), batch)]

    def on_epoch_end(self, epoch, logs=None):
        if len(self.steps) < 2:
            return
        (began, first), (ended, last) = self.steps
        taken = (last - first) * self.batches.batch_size / (ended - began)
        waited = taken > 0.8 * self.alone
        if self.told and not waited:
            return
        self.told = True
        rates = self.alone, taken
        log.info("input pipeline: %.0f images/s alone; the network takes %.0f images/s", *rates)
        if waited:
            log.warning(
                "the network waits for its images: use smaller files, `keras-inception data pack`, "
                "or more cores"
            )
