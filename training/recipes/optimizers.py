"""The optimizer of a recipe, its learning rate, and the averaged weights it keeps."""

from __future__ import annotations

import keras
import numpy as np

from .recipe import Recipe


def _with_l2(kind: type) -> type:
    """`kind` with `l2` x weight added to every decayed weight's gradient.

    Keras' own weight_decay is decoupled: neither momentum nor RMSProp's division sees it, which
    makes the papers' numbers mean something else.
    """

    class WithL2(kind):
        def __init__(self, l2: float, **options):
            super().__init__(**options)
            self.l2 = l2

        def update_step(self, gradient, variable, learning_rate):
            if self.l2 and self._use_weight_decay(variable):
                weight = keras.ops.convert_to_tensor(variable)
                gradient = keras.ops.cast(gradient, variable.dtype) + self.l2 * weight
            super().update_step(gradient, variable, learning_rate)

    return WithL2


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


def optimizer_for(recipe: Recipe, steps_per_epoch: int, policy: str):
    """The recipe's optimizer; loss scaling around it under float16.

    RMSProp is Keras': epsilon is inside the square root, as in TensorFlow 1, where the papers'
    1.0 comes from; the average of squared gradients starts at 0, where TensorFlow 1 started at 1.
    Gradients are clipped after the loss scale is divided out, and before l2 is added.
    """
    options = {
        "learning_rate": schedule_for(recipe, steps_per_epoch),
        "momentum": recipe.momentum,
        "weight_decay": recipe.weight_decay,
        "l2": recipe.l2,
        "global_clipnorm": recipe.clipnorm or None,
        "use_ema": recipe.ema > 0,
        "ema_momentum": recipe.ema,
    }
    if recipe.optimizer == "rmsprop":
        options |= {"rho": recipe.rho, "epsilon": recipe.epsilon}
        optimizer = _with_l2(keras.optimizers.RMSprop)(**options)
    else:
        optimizer = _with_l2(keras.optimizers.SGD)(nesterov=recipe.nesterov, **options)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if policy == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


class AveragedWeights(keras.callbacks.Callback):
    """Validation sees the averaged weights; training and checkpoints the others.

    Keras' SwapEMAWeights swaps by adding and subtracting, which rounds: a resumed run would not
    end as an uninterrupted one. Moving statistics of batch normalization are taken as they are.
    """

    def on_test_begin(self, logs=None):
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        averages = optimizer._model_variables_moving_average
        for variable, average in zip(self.model.trainable_variables, averages, strict=True):
            value = np.array(variable.numpy())
            variable.assign(average)
            average.assign(value)

    on_test_end = on_test_begin  # They are swapped back.


def lags(recipe: Recipe, steps: int) -> list[str]:
    """Averages that reach back further than a fifth of the training's `steps`: they end far behind
    what was learned."""
    return [
        f"{name} {kept} averages over about {1 / (1 - kept):,.0f} of the {steps:,} "
        "steps; a smaller one follows faster"
        for name, kept in (("ema", recipe.ema), ("batch_norm_momentum", recipe.batch_norm_momentum))
        if kept and 1 / (1 - kept) > steps / 5
    ]
