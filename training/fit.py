"""Training: a recipe and a run folder in, a trained run out, by `model.fit`."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import keras

from keras_inception.build import build
from keras_inception.errors import BadInput
from keras_inception.files import replacing, write_bytes
from keras_inception.preprocess import Preprocessing
from keras_inception.transform import without_aux
from keras_inception.weights import published, store
from keras_inception.weights.published import Published
from keras_inception.weights.reuse import reuse

from . import data, precision, run_folder
from .batches import EvaluationBatches, TrainingBatches
from .board import PLAIN, Board, Watch, gradient_norms
from .callbacks import Checkpoint, restore
from .evaluate import score
from .gradients import GradientNorms
from .profile import Profile
from .recipes import Recipe, network_of
from .run_folder import Run

log = logging.getLogger(__name__)


def optimizer_for(recipe: Recipe, steps_per_epoch: int, policy: str):
    """SGD with Nesterov momentum and warmed-up cosine decay; loss scaling under float16."""
    warmup = round(min(recipe.warmup_epochs, recipe.epochs / 5) * steps_per_epoch)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else recipe.learning_rate,
        decay_steps=max(1, recipe.epochs * steps_per_epoch - warmup),
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    sgd = keras.optimizers.SGD(
        schedule, momentum=recipe.momentum, nesterov=True, weight_decay=recipe.weight_decay
    )
    sgd.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return keras.optimizers.LossScaleOptimizer(sgd) if policy == "mixed_float16" else sgd


def start(recipe: Recipe, folder: str | Path, watch: Watch = PLAIN) -> Run:
    """Train `recipe` in the new run folder `folder`. Raises BadInput if it is not empty."""
    if run_folder.exists(folder):
        raise BadInput(
            f"{folder} already holds a run; continue it with --resume, or name another folder"
        )
    if Path(folder).exists() and (not Path(folder).is_dir() or any(Path(folder).iterdir())):
        raise BadInput(f"{folder} exists and is no run; name a new or an empty folder")
    split = data.load(recipe.data, recipe.holdout, recipe.seed)
    found = published_weights(recipe, len(split.train.classes))
    channels, classes = split.train.channels, len(split.train.classes)
    run = Run(
        Path(folder),
        recipe,
        network_of(recipe, channels, classes, found and found.net),
        found.preprocessing.for_channels(channels) if found else Preprocessing(),
        split.train.classes,
        data={
            "fingerprint": split.train.fingerprint,
            "train": len(split.train),
            "test": len(split.test),
        },
        environment={
            "backend": keras.backend.backend(),
            "precision": precision.resolve(recipe.precision),
            "versions": run_folder.versions(),
        },
        result={},
    )
    model, batches, norms = _compiled(run, split, found)
    run.save()
    return _fit(run, split, model, batches, norms, watch)


def published_weights(recipe: Recipe, classes: int) -> Published | None:
    """The weights a recipe starts from. Raises BadInput if `classes` are not theirs and the
    classifier is to be kept."""
    if not recipe.weights:
        return None
    found = published.load(recipe.weights, recipe.network)
    if recipe.classes_from_data:
        return found.without_classifiers()
    found = found.with_classes(classes)
    if found.net.classes != classes:
        raise BadInput(
            f"{found.origin} tells {found.net.classes} classes apart, the data have {classes}; "
            "--classes-from-data puts a new classifier in the place of theirs"
        )
    return found


def _compiled(run: Run, split: data.Split, found: Published | None):
    """The model at the start of its training, its batches, and the norms of its gradients."""
    recipe, policy = run.recipe, run.environment["precision"]
    keras.utils.set_random_seed(recipe.seed)
    batches = TrainingBatches(split.train, recipe, run.preprocessing)
    model = build(run.network, keras, dtype=policy)
    if found:
        used = reuse(model, found.arrays)
        log.info("%s: %s", found.origin, used)
        if len(used.taken) < len(used.new):
            raise BadInput(
                f"{run.network.name} as it is to be trained has little in common with "
                f"{found.origin}: {used}; leave its shape as published"
            )
    model.compile(
        optimizer=optimizer_for(recipe, len(batches), policy),
        loss="sparse_categorical_crossentropy",
        metrics=_metrics(len(run.classes)),
    )
    return model, batches, gradient_norms(model, run)


def _metrics(classes: int) -> list:
    """Top-1, and top-5 where not every guess is among the first five."""
    top5 = keras.metrics.SparseTopKCategoricalAccuracy(5, name="top5")
    return ["accuracy", top5] if classes > 5 else ["accuracy"]


def resume(folder: str | Path, watch: Watch = PLAIN) -> Run:
    """Continue the run in `folder` after its last finished epoch, as if it had not stopped.

    Raises BadInput if there is no run, or if its data are no longer the same.
    """
    run = run_folder.read(folder)
    split = run.split()
    if split.train.fingerprint != run.data["fingerprint"]:
        raise BadInput(
            f"the images of {run.recipe.data} have changed since {run.folder} was started; "
            "restore them, or start a new run"
        )
    started = run.checkpoint.is_file()
    found = None if started else published_weights(run.recipe, len(run.classes))
    model, batches, norms = _compiled(run, split, found)
    if started:
        batches.epoch = restore(model, run.checkpoint)
    if run.log.is_file():
        # A run killed between its log and its checkpoint has logged an epoch it will do again.
        lines = run.log.read_text().splitlines(keepends=True)[: 1 + batches.epoch]
        write_bytes(run.log, "".join(lines).encode())
    log.info("resuming after epoch %d of %d", batches.epoch, run.recipe.epochs)
    return _fit(run, split, model, batches, norms, watch)


def _fit(
    run: Run, split: data.Split, model, batches: TrainingBatches, norms: GradientNorms, watch: Watch
) -> Run:
    recipe, began = run.recipe, time.monotonic()
    log.info(
        "%s: %d numbers; %d images to train on, %d to evaluate on; %s on %s; TensorBoard: %s",
        run.network.name,
        model.count_params(),
        len(split.train),
        len(split.test),
        run.environment["precision"],
        run.environment["backend"],
        run.tensorboard,
    )
    board = Board(run, batches, split.test, norms, watch)
    test = EvaluationBatches(split.test, recipe.image_size, run.preprocessing)
    if batches.epoch < recipe.epochs:
        model.fit(
            batches,
            validation_data=test,
            initial_epoch=batches.epoch,
            epochs=recipe.epochs,
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[
                keras.callbacks.LambdaCallback(on_epoch_begin=batches.start_epoch),
                keras.callbacks.CSVLogger(run.log, append=True),
                board,
                *([Profile(run.tensorboard)] if watch.profile else []),
                Checkpoint(run.checkpoint),
            ],
        )
    deployed = build(without_aux(run.network), keras, dtype="float32")
    store.write(deployed, store.read(model), partial=True)
    with replacing(run.model) as temporary:
        deployed.save(temporary)
    probabilities = deployed.predict(test, verbose=0)
    scores = score(probabilities, split.test.labels)
    seconds = run.result.get("seconds", 0) + round(time.monotonic() - began)
    run = replace(run, result={**asdict(scores), "seconds": seconds})
    run.save()
    board.finish(run, probabilities, split.test)
    return run
