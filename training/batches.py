"""Examples as batches for `model.fit`: the same for every backend, reproducible by seed."""

from __future__ import annotations

import keras
import numpy as np

from keras_inception.preprocess import Preprocessing

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
        super().__init__(workers=2)
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
    resumed run sees what an uninterrupted one would have.
    """

    def __init__(self, examples: Examples, recipe: Recipe, preprocessing: Preprocessing, epoch=0):
        super().__init__(workers=2)
        self.examples, self.recipe, self.epoch = examples, recipe, epoch
        self.preprocessing = preprocessing
        self.batch_size = min(recipe.batch_size, len(examples))

    def __len__(self):
        return len(self.examples) // self.batch_size

    def start_epoch(self, epoch: int, logs=None) -> None:
        """Shuffle and augment as for this epoch, counted from 0."""
        self.epoch = epoch

    def __getitem__(self, index):
        recipe, epoch = self.recipe, self.epoch
        order = np.random.default_rng((recipe.seed, epoch)).permutation(len(self.examples))
        chosen = order[index * self.batch_size :][: self.batch_size]
        images = [
            np.asarray(
                random_crop(
                    self.examples.image(i),
                    recipe.image_size,
                    np.random.default_rng((recipe.seed, epoch, i)),
                    recipe.min_area,
                    recipe.flip,
                )
            )
            for i in chosen
        ]
        shape = (len(images), recipe.image_size, recipe.image_size, self.examples.channels)
        return self.preprocessing(np.stack(images).reshape(shape)), self.examples.labels[chosen]
