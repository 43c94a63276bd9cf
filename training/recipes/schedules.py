"""The learning rate as a function of the step."""

from __future__ import annotations

import keras

from .recipe import Recipe


def schedule_for(recipe: Recipe, steps_per_epoch: int):
    """The recipe's learning rate, as a Keras schedule over the steps from 0."""
    if recipe.schedule == "staircase":
        return keras.optimizers.schedules.ExponentialDecay(
            recipe.learning_rate,
            decay_steps=max(1, round(recipe.decay_epochs * steps_per_epoch)),
            decay_rate=recipe.decay_rate,
            staircase=True,
        )
    warmup = round(min(recipe.warmup_epochs, recipe.epochs / 5) * steps_per_epoch)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else recipe.learning_rate,
        decay_steps=max(1, recipe.epochs * steps_per_epoch - warmup),
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
