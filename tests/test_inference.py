"""Outputs for arrays are those of `predict`; nothing of ours waits for a queue to end."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from helpers import tiny_run
from helpers.queues import noted_queues

from keras_inception.evaluation.accuracy import evaluate
from keras_inception.inference import outputs_of
from keras_inception.preprocess import Preprocessing
from keras_inception.training import data, fit, mirrored_strategy
from keras_inception.training.data import batches
from keras_inception.training.recipes.recipe import recipe_for


@pytest.fixture
def queues(monkeypatch):
    return noted_queues(monkeypatch)


@pytest.mark.parametrize("module", [keras, tf_keras], ids=lambda m: m.__name__)
@pytest.mark.parametrize("count", [1, 8, 19])
def test_outputs_are_those_of_predict(module, count, queues):
    layers = module.layers
    image = module.Input((6, 6, 2))
    x = layers.Dropout(0.5)(layers.BatchNormalization()(layers.Conv2D(3, 3)(image)))
    model = module.Model(image, layers.Dense(4)(layers.Flatten()(x)))
    images = np.random.default_rng(0).normal(size=(count, 6, 6, 2)).astype("float32")
    found = outputs_of(model, images, size=8)
    assert queues == [] and type(found) is np.ndarray
    np.testing.assert_allclose(found, model.predict(images, verbose=0), atol=1e-6)
    assert queues and all(queues)  # They would have been seen.


@pytest.fixture
def recipe():
    return recipe_for("digits", **{**tiny_run.OPTIONS, "epochs": 1})


@pytest.mark.usefixtures("tiny_network")
def test_no_queue_of_a_training_or_an_evaluation_has_an_autotuner(
    recipe, tmp_path, queues, monkeypatch
):
    """Not on one core either."""
    monkeypatch.setattr(batches.os, "cpu_count", lambda: 1)
    run = fit.start(recipe, tmp_path / "run")
    assert len(queues) >= 3 and not any(queues)  # training, validation, the result
    queues.clear()
    assert evaluate(run.folder).images == 359
    assert queues == []


def test_replicas_are_fed_without_an_autotuner(recipe):
    fed = mirrored_strategy.as_tf_dataset(
        batches.TrainingBatches(data.DataRef("digits").split().train, recipe, Preprocessing())
    )
    assert fed.options().autotune.enabled is False
    assert fed.element_spec[0] == tf.TensorSpec((None, 17, 17, 1), tf.float32)
