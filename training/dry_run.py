"""What a training would do and cost, found out without training and without writing."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from keras_inception.costs import total

from . import fit
from .data.augment import noise
from .recipes.optimizers import lags
from .recipes.recipe import recipe_for, sources

TIMED_STEPS = 3
TIMED_BATCHES = 3


def plan(data: str, changes: dict, folder: str | Path) -> str:
    """A report on the run that `recipe_for(data, **changes)` would be in `folder`.

    Counts are exact. Times are medians of a few training steps on random images and of a few
    real batches; memory is the sum of what training must hold (`memory`). Raises BadInput as the
    training would.
    """
    recipe = recipe_for(data, **changes)
    run, images, found = fit.prepare(recipe, folder)
    model, batches, _ = fit.compiled(run, images, found)
    model.optimizer.build(model.trainable_variables)
    steps, policy = len(batches), run.environment["precision"]
    held = memory(model, batches.batch_size)
    step = _seconds_per_step(model, batches)
    loading = _median_seconds(batches.__getitem__, min(TIMED_BATCHES, len(batches)))
    cost = total(run.network)
    training = recipe.epochs * steps * max(step, loading / batches.workers)
    lines = [
        f"data       {recipe.data}: {_counts(images.train)} to train on, "
        f"{len(images.validation):,} for validation, {len(images.test):,} to test on",
        f"network    {run.network.name}, input {run.network.input_shape}: "
        f"{cost.parameters:,} parameters, {cost.macs / 1e6:,.1f}M multiply-adds an image",
        f"weights    {found.origin if found else 'from scratch'}",
        f"steps      {recipe.epochs} epochs of {steps} steps of {batches.batch_size} images: "
        f"{recipe.epochs * steps:,}",
        f"computing  {policy} on {keras.backend.backend()}, "
        f"{', '.join(keras.distribution.list_devices())}",
        f"memory     {_mib(sum(held.values()))}: "
        + ", ".join(f"{name} {_mib(size)}" for name, size in held.items() if size),
        f"time       {_clock(training)} of training: {step:.3f} s a step, and "
        f"{loading / batches.workers:.3f} s to load a batch ({batches.workers} at a time)",
        *(f"caution    {lag}" for lag in lags(recipe, recipe.epochs * steps)),
        f"folder     {folder}, which nothing was written to",
        "",
        "recipe",
    ]
    origin = {name: part for part, values in sources(data, changes).items() for name in values}
    wide = max(map(len, origin))
    for name, value in asdict(recipe).items():
        lines.append(f"  {name:<{wide}}  {value!s:<14}  {origin[name]}")
    return "\n".join(lines)


def memory(model, batch_size: int) -> dict[str, int]:
    """Bytes that a training step holds, by what for; `model` is compiled, its optimizer built.

    Activations are every layer's output for a batch, in its compute type, as the backward pass
    needs them; a backend that fuses layers keeps fewer, and its workspace comes on top.
    """
    trained = sum(_size(v) for v in model.trainable_variables)
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    averages = trained if optimizer.use_ema else 0
    # NumPy has no bfloat16.
    outputs = sum(
        math.prod(output.shape[1:]) * np.dtype(layer.compute_dtype.removeprefix("b")).itemsize
        for layer in model.layers
        for output in keras.tree.flatten(layer.output)
    )
    return {
        "weights": sum(_size(v) for v in model.variables),
        "gradients": trained,
        "optimizer": sum(_size(v) for v in optimizer.variables) - averages,
        "averages": averages,
        "activations": batch_size * outputs,
    }


def _size(variable) -> int:
    return math.prod(variable.shape) * np.dtype(variable.dtype).itemsize


def _seconds_per_step(model, batches) -> float:
    batch = noise(model, batches.recipe, batches.batch_size)
    model.train_on_batch(*batch)  # the first one compiles
    return _median_seconds(lambda _: model.train_on_batch(*batch), TIMED_STEPS)


def _median_seconds(call, times: int) -> float:
    taken = []
    for k in range(times):
        began = time.perf_counter()
        call(k)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def _counts(examples) -> str:
    each = Counter(examples.labels.tolist()).values()
    spread = f"{min(each)}" if min(each) == max(each) else f"{min(each)} to {max(each)}"
    return f"{len(examples):,} images of {len(examples.classes)} classes ({spread} of each)"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


def _clock(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"about {hours} h {minutes} min" if hours else f"about {max(1, minutes)} min"
