"""The optimizer of a recipe does what the papers' did, computed again with NumPy."""

import keras
import numpy as np
import pytest

from keras_inception.training.recipes.optimizers import optimizer_for, schedule_for
from keras_inception.training.recipes.published import NAMED
from keras_inception.training.recipes.recipe import Recipe

PLAIN = {"weight_decay": 0.0, "schedule": "staircase", "warmup_epochs": 0.0, "learning_rate": 0.1}


def rates(at, steps=50, **values):
    schedule = schedule_for(Recipe("digits", **values), steps)
    return [float(schedule(round(epoch * steps))) for epoch in at]


def test_googlenet_loses_4_percent_every_8_epochs():
    found = rates((0, 7.98, 8, 16), **NAMED["googlenet_2014"].values)
    assert found == pytest.approx([0.01, 0.01, 0.01 * 0.96, 0.01 * 0.96**2])


def test_inception_v3_loses_6_percent_every_second_epoch():
    expected = [0.045 * 0.94 ** (k // 2) for k in range(8)]
    assert rates(range(8), **NAMED["inception_v3_2015"].values) == pytest.approx(expected)


def test_the_cosine_warms_up_to_its_peak_and_ends_at_zero():
    found = rates((0, 2, 4, 22, 40), epochs=40, warmup_epochs=4, learning_rate=0.4)
    assert found == pytest.approx([0, 0.2, 0.4, 0.2, 0], abs=1e-7)


def applied(recipe, steps, gradients, policy="float32"):
    """A kernel and a bias from 1, and their averages, after every step."""
    kernel = keras.Variable(np.ones((2, 3), "float32"), name="kernel")
    bias = keras.Variable(np.ones(3, "float32"), name="bias")
    optimizer = optimizer_for(recipe, steps, policy)
    optimizer.build([kernel, bias])
    for gradient in gradients:
        pair = [keras.ops.ones((2, 3)) * gradient, keras.ops.ones(3) * gradient]
        if policy == "mixed_float16":
            pair = [optimizer.scale_loss(g) for g in pair]
        optimizer.apply(pair, [kernel, bias])
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        averages = inner._model_variables_moving_average if recipe.ema else [kernel, bias]
        yield [float(np.ravel(v.numpy())[0]) for v in (kernel, bias, *averages)]


GRADIENTS = (0.5, -2.0, 3.0)


def test_rmsprops_epsilon_is_inside_the_square_root():
    """Three steps with momentum, l2 on the kernel alone, and averages, which begin at step 1."""
    recipe = Recipe("digits", optimizer="rmsprop", l2=0.3, ema=0.75, **PLAIN)
    weights, squares, moments, averages = np.ones(2), np.zeros(2), np.zeros(2), None
    for gradient, found in zip(GRADIENTS, applied(recipe, 9, GRADIENTS), strict=True):
        slope = gradient + np.array([0.3, 0]) * weights
        squares = 0.9 * squares + 0.1 * slope**2
        moments = 0.9 * moments + 0.1 * slope / np.sqrt(squares + 1.0)
        weights = weights - moments
        averages = weights if averages is None else 0.75 * averages + 0.25 * weights
        np.testing.assert_allclose(found, [*weights, *averages], rtol=1e-5)


def test_sgd_with_momentum_and_l2_is_caffes():
    recipe = Recipe("digits", nesterov=False, l2=0.3, **PLAIN)
    weights, moments = np.ones(2), np.zeros(2)
    for gradient, found in zip(GRADIENTS, applied(recipe, 9, GRADIENTS), strict=True):
        moments = 0.9 * moments - 0.1 * (gradient + np.array([0.3, 0]) * weights)
        weights = weights + moments
        np.testing.assert_allclose(found[:2], weights, rtol=1e-5)


def test_gradients_are_clipped_by_their_norm_together():
    """Nine numbers of 4 have norm 12: with a limit of 2 each becomes 2 / 3."""
    recipe = Recipe("digits", momentum=0.0, nesterov=False, clipnorm=2.0, **PLAIN)
    (found,) = applied(recipe, 9, [4.0])
    np.testing.assert_allclose(found[:2], 1 - 0.1 * 2 / 3, rtol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_loss_scaling_changes_nothing_of_it(optimizer):
    recipe = Recipe("digits", optimizer=optimizer, l2=0.1, clipnorm=2.0, ema=0.5, **PLAIN)
    plain = list(applied(recipe, 9, GRADIENTS))
    np.testing.assert_allclose(list(applied(recipe, 9, GRADIENTS, "mixed_float16")), plain, 1e-5)
