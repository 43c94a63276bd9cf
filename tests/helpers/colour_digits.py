"""Four steps of four classes of digits in colour, to fine-tune small networks on."""

import numpy as np

from keras_inception.preprocess import Preprocessing
from keras_inception.training.data import DataRef
from keras_inception.training.data.batches import TrainingBatches
from keras_inception.training.recipes import recipe_for


class ColourDigits(TrainingBatches):
    """Images (32, 32, 32, 3) as the builders' networks take them, and their labels."""

    def __init__(self):
        recipe = recipe_for("digits", image_size=32, batch_size=32)
        super().__init__(DataRef("digits").split().train, recipe, Preprocessing())

    def __len__(self):
        return 4

    def __getitem__(self, index):
        images, labels = super().__getitem__(index)
        return np.repeat(images, 3, axis=-1), labels % 4
