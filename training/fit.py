"""Training: a recipe and a run folder in, a trained run out, by `model.fit`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from os import PathLike
from pathlib import Path

import keras

from keras_inception.builder import build
from keras_inception.errors import BadInput
from keras_inception.native_output import verbosity
from keras_inception.preprocess import Preprocessing
from keras_inception.weights.pretrained import PretrainedWeights

from . import mirrored_strategy
from .data import DataRef
from .data.batches import EvaluationBatches, TrainingBatches
from .data.evaluation_pixels import EvaluationPixels, RunImages
from .data.input_rate import InputRate
from .distribution import ALONE, Distribution
from .finish import finish
from .recipes import precision
from .recipes.optimizers import AveragedWeights, optimizer_for
from .recipes.recipe import Recipe, network_of
from .run import run_folder, warm_start
from .run.checkpoints import Checkpoint, Following, Progress, newest, restore
from .run.divergence import Divergence
from .run.run_folder import Run
from .run.stopping import StopAfterStep
from .tensorboard.board import board_of, full_disk_as_elsewhere
from .tensorboard.gradient_norms import GradientNorms, gradient_norms
from .tensorboard.options import PLAIN, Watch
from .tensorboard.profile import Profile

log = logging.getLogger(__name__)


def start(
    recipe: Recipe, folder: str | Path, watch: Watch = PLAIN, distribution: Distribution = ALONE
) -> Run:
    """Train `recipe` in the new run folder `folder`, which only the first process writes.

    Raises BadInput if it is not empty, or if the devices cannot share the batches evenly.
    """
    run, images, found = prepare(recipe, folder, distribution)
    _require_same(run, images, distribution)
    model, batches, norms = compiled(run, images, found, distribution)
    with _kept(run, distribution):
        if distribution.first:
            run_folder.must_be_new(folder)  # Another process may have come first.
            run.save()
        return _fit(run, images, model, batches, norms, Progress(), watch, distribution)


def _require_same(run: Run, images: RunImages, distribution: Distribution) -> None:
    versions = run_folder.versions()
    distribution.require_same(
        recipe=asdict(run.recipe),
        images=images.train.fingerprint,
        versions=[versions[name] for name in ("keras-inception", "keras", "numpy", "pillow")],
    )


@contextmanager
def _kept(run: Run, distribution: Distribution) -> Iterator[None]:
    """The first process alone writes the run folder; the others need none."""
    alone = run.alone() if distribution.first else nullcontext()
    with alone, full_disk_as_elsewhere():
        yield


def prepare(
    recipe: Recipe, folder: str | Path, distribution: Distribution = ALONE
) -> tuple[Run, RunImages, PretrainedWeights | None]:
    """The run that `recipe` would be in `folder`, its images and its weights; writes nothing.

    Raises BadInput if the folder is not empty.
    """
    if distribution.first:
        run_folder.must_be_new(folder)
    split = DataRef.of(recipe).split()
    found = warm_start.published_weights(recipe, len(split.train.classes))
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
            "validation": len(split.validation),
            "test": len(split.test),
        },
        environment={
            "backend": keras.backend.backend(),
            "precision": precision.resolve(recipe.precision),
            "replicas": distribution.replicas,
            "versions": run_folder.versions(),
        },
        result={},
    )
    log.info("%s: %s", recipe.data, split)
    images = RunImages.of(split, recipe.image_size, run.preprocessing)
    for shown in dict.fromkeys((images.validation, images.test)):
        shown.decode()
    return run, images, found


def compiled(
    run: Run, images: RunImages, found: PretrainedWeights | None, distribution: Distribution = ALONE
):
    """The model at the start of its training, its batches, and the norms of its gradients.

    Raises BadInput if the devices cannot share the batches evenly.
    """
    batches = TrainingBatches(
        images.train, run.recipe, run.preprocessing, distribution=distribution
    )
    distribution.require_even("the batch size", batches.batch_size)
    if len(images.validation) < distribution.replicas:
        raise BadInput(
            f"{len(images.validation)} images for validation are fewer than the "
            f"{distribution.replicas} devices; hold out more, or use fewer devices"
        )
    with distribution.scope():
        model, norms = _compiled(run, len(batches), found)
    if distribution.mirrored:
        mirrored_strategy.synchronize(model)
        mirrored_strategy.sum_gradients_first(model.optimizer)
    return model, batches, norms


def _compiled(run: Run, steps: int, found: PretrainedWeights | None):
    recipe, policy = run.recipe, run.environment["precision"]
    keras.utils.set_random_seed(recipe.seed)
    model = build(run.network, keras, dtype=policy)
    if found:
        warm_start.put(found, model)
    model.compile(
        optimizer=optimizer_for(recipe, steps, policy),
        loss=recipe.loss,
        metrics=_metrics(recipe, len(run.classes)),
    )
    return model, gradient_norms(model, run)


def _metrics(recipe: Recipe, classes: int) -> list:
    """Top-1, and top-5 where not every guess is among the first five."""
    kinds = keras.metrics
    top5 = (
        kinds.TopKCategoricalAccuracy if recipe.soft_labels else kinds.SparseTopKCategoricalAccuracy
    )
    return ["accuracy", top5(5, name="top5")] if classes > 5 else ["accuracy"]


def resume(
    folder: str | PathLike[str], watch: Watch = PLAIN, distribution: Distribution = ALONE
) -> Run:
    """Continue the run in `folder` after its last finished epoch, as if it had not stopped.

    Only the first process reads the folder. Raises BadInput if there is no run, or if its data
    are no longer the same.
    """
    run = run_folder.read(folder) if distribution.first else None
    text = distribution.from_first(run.to_json().encode() if run else b"")
    run = run or run_folder.from_json(text, Path(folder))
    with _kept(run, distribution):
        images = RunImages.of(run.split(), run.recipe.image_size, run.preprocessing)
        _require_same(run, images, distribution)
        if images.train.fingerprint != run.data["fingerprint"]:
            raise BadInput(
                f"the images of {run.recipe.data} have changed since {run.folder} was started; "
                "restore them, or start a new run"
            )
        state = distribution.from_first(newest(run.checkpoints) if distribution.first else b"")
        found = None if state else warm_start.published_weights(run.recipe, len(run.classes))
        model, batches, norms = compiled(run, images, found, distribution)
        progress = Progress()
        if state:
            with distribution.scope():
                progress = restore(model, state)
        batches.epoch = progress.epochs
        if distribution.first and state:
            run.write_log(progress.rows)
        log.info("resuming after epoch %d of %d", batches.epoch, run.recipe.epochs)
        return _fit(run, images, model, batches, norms, progress, watch, distribution)


def _fit(
    run: Run,
    images: RunImages,
    model,
    batches: TrainingBatches,
    norms: GradientNorms,
    progress: Progress,
    watch: Watch,
    distribution: Distribution,
) -> Run:
    recipe = run.recipe
    log.info(
        "%s: %d parameters; %s on %s",
        run.network.name,
        model.count_params(),
        run.environment["precision"],
        run.environment["backend"],
    )
    board = (
        board_of(run, batches, len(images.validation), norms, watch) if distribution.first else None
    )
    with distribution.scope():
        if batches.epoch < recipe.epochs:
            _train(
                run, model, batches, images.validation, norms, progress, board, watch, distribution
            )
        # Keras does so at the end of fit; a run resumed after its last epoch has no fit.
        model.optimizer.finalize_variable_values(model.trainable_variables)
    replaced = distribution.total(len(batches.bad.found))
    if distribution.first:
        run = finish(run, images.test, model, progress, replaced, board)
    distribution.total(0)  # JAX gives the others five minutes only, once one of them has ended.
    return run


def _train(
    run: Run,
    model,
    batches: TrainingBatches,
    shown: EvaluationPixels,
    norms: GradientNorms,
    progress: Progress,
    board: keras.callbacks.Callback | None,
    watch: Watch,
    distribution: Distribution,
) -> None:
    recipe = run.recipe
    validation = EvaluationBatches(shown, recipe.soft_labels, distribution)
    keeping = [Following(norms, progress)]
    if distribution.first:
        seen = [board] if board else []
        profile = [Profile(run.tensorboard)] if watch.profile else []
        keeping = [InputRate(batches), *seen, *profile, Checkpoint(run, progress)]
    agreed = distribution.stop_agreed if distribution.processes > 1 else None
    try:
        with StopAfterStep(run, progress, agreed) as stop:
            model.fit(
                mirrored_strategy.fed(batches) if distribution.mirrored else batches,
                validation_data=(
                    mirrored_strategy.fed(validation) if distribution.mirrored else validation
                ),
                initial_epoch=batches.epoch,
                epochs=recipe.epochs,
                shuffle=False,
                verbose=verbosity() if distribution.first else 0,
                callbacks=[
                    keras.callbacks.LambdaCallback(on_epoch_begin=batches.start_epoch),
                    Divergence(run, progress),
                    *keeping,
                    *([AveragedWeights()] if recipe.ema else []),
                    stop,
                ],
            )
    except Exception:
        if batches.bad.stopped:  # TensorFlow makes an error of its own of it.
            raise batches.bad.stopped from None
        raise
