"""Examples as batches for `model.fit`: the same for every backend, reproducible by seed."""

from __future__ import annotations

import functools
import os

import keras
import numpy as np

from keras_inception.preprocess import Preprocessing

from . import balance
from .bad_images import BadImages
from .data import Examples
from .images import centre, random_crop
from .recipes import Recipe


def pixels(examples: Examples, size: int, expected: Preprocessing, indices=None) -> np.ndarray:
    """Evaluation images, (n, size, size, channels) uint8: the centre, no randomness."""
    indices = range(len(examples)) if indices is None else indices
    images = [np.asarray(centre(examples.image(i), size, expected)) for i in indices]
    return np.stack(images).reshape(len(images), size, size, examples.channels)


class EvaluationBatches(keras.utils.PyDataset):
    """(float32 images, int32 labels) in order, for `evaluate` and validation."""

    def __init__(self, examples: Examples, size: int, preprocessing: Preprocessing, batch_size=128):
        super().__init__(workers=os.cpu_count() or 2)
        self.examples, self.size, self.batch_size = examples, size, batch_size
        self.preprocessing = preprocessing

    def __len__(self):
        return -(-len(self.examples) // self.batch_size)

    def __getitem__(self, index):
        chosen = np.arange(len(self.examples))[index * self.batch_size :][: self.batch_size]
        images = pixels(self.examples, self.size, self.preprocessing, chosen)
        return self.preprocessing(images), self.examples.labels[chosen]


class TrainingBatches(keras.utils.PyDataset):
    """(float32 images, int32 labels), shuffled and augmented; a last short batch is left out.

    Every image's augmentation depends on the seed, the epoch and its index alone, so that a
    resumed run sees what an uninterrupted one would have. With class weights, those of the
    batch's images come third.
    """

    def __init__(self, examples: Examples, recipe: Recipe, preprocessing: Preprocessing, epoch=0):
        super().__init__(workers=os.cpu_count() or 2)
        self.examples, self.recipe, self.epoch = examples, recipe, epoch
        self.preprocessing = preprocessing
        self.batch_size = min(recipe.batch_size, len(examples))
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

    def _image(self, draw: int, epoch: int) -> np.ndarray:
        def crop(i: int):
            return random_crop(
                self.examples.to_crop(i),
                self.recipe.image_size,
                np.random.default_rng((self.recipe.seed, epoch, draw)),
                self.recipe.min_area,
                self.recipe.flip,
            )

        return np.asarray(self.bad.first_readable(draw % len(self.examples), crop))

    def __getitem__(self, index):
        recipe, epoch = self.recipe, self.epoch
        draws = self._order(epoch)[index * self.batch_size :][: self.batch_size]
        images = [self._image(int(draw), epoch) for draw in draws]
        shape = (len(images), recipe.image_size, recipe.image_size, self.examples.channels)
        labels = self.examples.labels[draws % len(self.examples)]
        batch = self.preprocessing(np.stack(images).reshape(shape)), labels
        return (*batch, self._weights[labels]) if recipe.class_weights else batch
