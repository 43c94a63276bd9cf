"""Training: a recipe and a run folder in, a trained run out, by `model.fit`."""

from __future__ import annotations

import logging
import sys
from dataclasses import asdict, replace
from pathlib import Path

import keras

from keras_inception.build import build
from keras_inception.errors import BadInput
from keras_inception.files import replacing
from keras_inception.preprocess import Preprocessing
from keras_inception.transform import without_aux
from keras_inception.weights import published, store
from keras_inception.weights.published import Published
from keras_inception.weights.reuse import reuse

from . import data, event_files, precision, run_folder
from .bad_images import require_readable
from .batches import EvaluationBatches, TrainingBatches
from .board import PLAIN, Board, Watch, gradient_norms
from .checkpoints import Checkpoint, Progress, restore
from .divergence import Divergence
from .evaluate import score
from .input_rate import InputRate
from .optimizers import AveragedWeights, optimizer_for
from .profile import Profile
from .recipes import Recipe, network_of
from .run_folder import Run
from .stopping import StopAfterStep

log = logging.getLogger(__name__)


def start(recipe: Recipe, folder: str | Path, watch: Watch = PLAIN) -> Run:
    """Train `recipe` in the new run folder `folder`. Raises BadInput if it is not empty."""
    run, split, found = prepare(recipe, folder)
    model, batches, norms = compiled(run, split, found)
    with run.alone(), event_files.full_disk_as_elsewhere():
        run_folder.must_be_new(folder)  # Another process may have come first.
        run.save()
        board = Board(run, batches, split.test, norms, watch)
        return _fit(run, split, model, batches, Progress(), board)


def prepare(recipe: Recipe, folder: str | Path) -> tuple[Run, data.Split, Published | None]:
    """The run that `recipe` would be in `folder`, its images and its weights; writes nothing.

    Raises BadInput if the folder is not empty.
    """
    run_folder.must_be_new(folder)
    split = data.load(recipe.data, recipe.holdout, recipe.seed)
    require_readable(split.test)
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
    return run, split, found


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


def compiled(run: Run, split: data.Split, found: Published | None):
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
        loss=recipe.loss,
        metrics=_metrics(recipe, len(run.classes)),
    )
    return model, batches, gradient_norms(model, run)


def _metrics(recipe: Recipe, classes: int) -> list:
    """Top-1, and top-5 where not every guess is among the first five."""
    kinds = keras.metrics
    top5 = (
        kinds.TopKCategoricalAccuracy if recipe.soft_labels else kinds.SparseTopKCategoricalAccuracy
    )
    return ["accuracy", top5(5, name="top5")] if classes > 5 else ["accuracy"]


def resume(folder: str | Path, watch: Watch = PLAIN) -> Run:
    """Continue the run in `folder` after its last finished epoch, as if it had not stopped.

    Raises BadInput if there is no run, or if its data are no longer the same.
    """
    run = run_folder.read(folder)
    with run.alone(), event_files.full_disk_as_elsewhere():
        split = run.split()
        if split.train.fingerprint != run.data["fingerprint"]:
            raise BadInput(
                f"the images of {run.recipe.data} have changed since {run.folder} was started; "
                "restore them, or start a new run"
            )
        started = any(run.checkpoints.glob("epoch-*.npz"))
        found = None if started else published_weights(run.recipe, len(run.classes))
        model, batches, norms = compiled(run, split, found)
        progress = restore(model, run.checkpoints) if started else Progress()
        batches.epoch = progress.epochs
        if started:
            run.write_log(progress.rows)
        event_files.forget(run.tensorboard, batches.epoch + 1)
        log.info("resuming after epoch %d of %d", batches.epoch, run.recipe.epochs)
        board = Board(run, batches, split.test, norms, watch)
        return _fit(run, split, model, batches, progress, board)


def _fit(
    run: Run, split: data.Split, model, batches: TrainingBatches, progress: Progress, board: Board
) -> Run:
    recipe = run.recipe
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
    test = EvaluationBatches(
        split.test, recipe.image_size, run.preprocessing, soft_labels=recipe.soft_labels
    )
    if batches.epoch < recipe.epochs:
        _train(run, model, batches, test, progress, board)
    # Keras does so at the end of fit; a run resumed after its last epoch has no fit.
    model.optimizer.finalize_variable_values(model.trainable_variables)
    deployed = build(without_aux(run.network), keras, dtype="float32")
    store.write(deployed, store.read(model), partial=True)
    with replacing(run.model) as temporary:
        deployed.save(temporary)
    probabilities = deployed.predict(test, verbose=0)
    scores = score(probabilities, split.test.labels)
    replaced = len(batches.bad.found)
    if replaced:
        log.warning("%d images to train on could not be read and were replaced", replaced)
    seconds = round(progress.seconds)
    run = replace(run, result={**asdict(scores), "seconds": seconds, "replaced_images": replaced})
    run.save()
    board.finish(run, probabilities, split.test)
    return run


def _train(
    run: Run,
    model,
    batches: TrainingBatches,
    test: EvaluationBatches,
    progress: Progress,
    board: Board,
) -> None:
    try:
        with StopAfterStep(run, progress) as stop:
            model.fit(
                batches,
                validation_data=test,
                initial_epoch=batches.epoch,
                epochs=run.recipe.epochs,
                shuffle=False,
                verbose=1 if sys.stdout.isatty() else 2,
                callbacks=[
                    keras.callbacks.LambdaCallback(on_epoch_begin=batches.start_epoch),
                    InputRate(batches),
                    Divergence(run, progress),
                    board,
                    *([Profile(run.tensorboard)] if board.watch.profile else []),
                    Checkpoint(run, progress),
                    *([AveragedWeights()] if run.recipe.ema else []),
                    stop,
                ],
            )
    except Exception:
        if batches.bad.stopped:  # TensorFlow makes an error of its own of it.
            raise batches.bad.stopped from None
        raise
