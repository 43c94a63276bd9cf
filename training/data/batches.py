"""Examples as batches for `model.fit`: the same for every backend, reproducible by seed."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from keras_inception.crops import stacked
from keras_inception.preprocess import Preprocessing

from ..distribution import ALONE, Distribution
from ..recipes.recipe import Recipe
from . import balance
from .augment import augment, mix, soft
from .bad_images import BadImages
from .evaluation_pixels import EvaluationPixels
from .examples import Examples


def _workers() -> int:
    """Keras' threads. On TensorFlow two at least: for one it makes a queue that is slow to end
    (`keras_inception.inference`). Elsewhere its loop draws a batch for a trial from their queue,
    and then trains on what is left of it: one has no queue, and loads by threads of ours."""
    return max(2, os.cpu_count() or 2) if keras.backend.backend() == "tensorflow" else 1


class EvaluationBatches(keras.utils.PyDataset):
    """(float32 images, labels) in order, for `evaluate` and validation.

    Labels are int32, or with `soft_labels` float32 of every class, 1 for the image's own. Of every
    batch, the rows of `distribution`; images that its devices cannot share are left out.
    """

    def __init__(
        self, shown: EvaluationPixels, soft_labels=False, distribution: Distribution = ALONE
    ):
        super().__init__(workers=_workers())
        self.shown, self.soft_labels, self.distribution = shown, soft_labels, distribution
        self.count = len(shown) - len(shown) % distribution.replicas
        self.batch_size = -(-128 // distribution.replicas) * distribution.replicas

    def __len__(self):
        return -(-self.count // self.batch_size)

    def __getitem__(self, index):
        chosen = np.arange(self.count)[index * self.batch_size :][: self.batch_size]
        chosen = chosen[self.distribution.rows(len(chosen))]
        labels = self.shown.examples.labels[chosen]
        if self.soft_labels:
            labels = soft(labels, len(self.shown.examples.classes))
        return self.shown.expected(self.shown.take(chosen)), labels


class TrainingBatches(keras.utils.PyDataset):
    """(float32 images, labels), shuffled and augmented; a last short batch is left out.

    Labels are int32, or float32 shares of every class where the recipe has soft labels; or what
    else is right of the images, `Examples.truth`.
    Every image's augmentation depends on the seed, the epoch and its index alone, so that a
    resumed run sees what an uninterrupted one would have. With class weights, those of the
    batch's images come third. `batch_size` is that of all processes of `distribution` together;
    given are the rows of this one.
    """

    def __init__(
        self,
        examples: Examples,
        recipe: Recipe,
        preprocessing: Preprocessing,
        epoch=0,
        distribution: Distribution = ALONE,
    ):
        super().__init__(workers=_workers())
        self.examples, self.recipe, self.epoch = examples, recipe, epoch
        self.preprocessing, self.distribution = preprocessing, distribution
        self.batch_size = min(recipe.batch_size, len(examples))
        self._map = map if self.workers > 1 else ThreadPoolExecutor(os.cpu_count()).map
        self.bad = BadImages(examples, recipe.bad_images)
        self._weights = balance.weights(examples.labels, len(examples.classes))
        self._order = functools.lru_cache(2)(
            lambda epoch: balance.order(
                examples.labels, recipe.seed, epoch, recipe.balanced_sampling
            )
        )

    def __len__(self):
        return len(self.examples) // self.batch_size

    def start_epoch(self, epoch: int, logs=None) -> None:
        """Shuffle and augment as for this epoch, counted from 0."""
        self.epoch = epoch

    def _view(self, draw: int, epoch: int) -> tuple[np.ndarray, np.random.Generator]:
        """A training view, and the generator that made it, for what is done to the batch."""
        rng = None

        def view(i: int):
            nonlocal rng
            # A new one for every try: what stands in for a bad image is no matter of its failure.
            rng = np.random.default_rng((self.recipe.seed, epoch, draw))
            return augment(self.examples.to_crop(i), self.recipe, rng)

        return np.asarray(self.bad.first_readable(draw % len(self.examples), view)), rng

    def __getitem__(self, index):
        recipe, epoch = self.recipe, self.epoch
        draws = self._order(epoch)[index * self.batch_size :][: self.batch_size]
        rows = self.distribution.rows(len(draws))
        # The first row is mixed with the one before it, which another process has.
        before = int(len(rows) < len(draws) and bool(recipe.mixup or recipe.cutmix))
        draws = draws[np.arange(rows.start - before, rows.stop)]
        views, rngs = zip(*self._map(lambda d: self._view(int(d), epoch), draws), strict=True)
        images = stacked(views, self.examples.channels)
        chosen = draws % len(self.examples)
        labels, classes = self.examples.truth[chosen], self.examples.labels[chosen]
        if recipe.soft_labels:
            labels = soft(labels, len(self.examples.classes), recipe.label_smoothing)
        if recipe.mixup or recipe.cutmix:
            images, labels = mix(images, labels, recipe, rngs)
        batch = self.preprocessing(images[before:]), labels[before:]
        return (*batch, self._weights[classes[before:]]) if recipe.class_weights else batch
