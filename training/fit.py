"""Training: a recipe and a run folder in, a trained run out, by `model.fit`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path

import keras

from keras_inception import environment
from keras_inception.builder import build
from keras_inception.class_matching import match
from keras_inception.errors import BadInput
from keras_inception.files import replacing
from keras_inception.imagenet import class_names
from keras_inception.label_files import distinct
from keras_inception.metrics import score
from keras_inception.native_output import verbosity
from keras_inception.preprocess import Preprocessing, named
from keras_inception.transform import without_aux
from keras_inception.weights import pretrained, store
from keras_inception.weights.pretrained import PretrainedWeights
from keras_inception.weights.transfer_learning import reuse

from . import mirrored_strategy
from .data import DataRef, Split
from .data.batches import EvaluationBatches, TrainingBatches
from .data.evaluation_pixels import EvaluationPixels, RunImages
from .data.examples import PARTS
from .data.input_rate import InputRate
from .distribution import ALONE, Distribution
from .recipes import precision
from .recipes.optimizers import AveragedWeights, lags, optimizer_for
from .recipes.recipe import Recipe, network_of
from .run import run_folder
from .run.checkpoints import Checkpoint, Following, Progress, newest, restore
from .run.run_folder import Run
from .run.stopping import Divergence, StopAfterStep
from .tensorboard.board import DEFAULT, BoardOptions, board_of, full_disk_as_elsewhere
from .tensorboard.gradient_norms import GradientNorms
from .tensorboard.profile import Profile
from .tensorboard.rows import Rows

log = logging.getLogger(__name__)


def start(
    recipe: Recipe,
    folder: str | Path,
    options: BoardOptions = DEFAULT,
    distribution: Distribution = ALONE,
) -> Run:
    """Train `recipe` in the new run folder `folder`, which only the first process writes.

    Raises BadInput if it is not empty, or if the devices cannot share the batches evenly.
    """
    run, images, found = prepare(recipe, folder, distribution)
    _require_same(run, images, distribution)
    made = compiled(run, images, found, distribution)
    with _kept(run, distribution):
        if distribution.first:
            run_folder.must_be_new(folder)  # Another process may have come first.
            run.save()
        return _fit(run, images, *made, Progress(), options, distribution)


def _require_same(run: Run, images: RunImages, distribution: Distribution) -> None:
    versions = environment.versions()
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
    channels, classes = split.train.channels, len(split.train.classes)
    found = _published_weights(recipe, classes)
    if found and not recipe.classes_from_data:
        split = _known_to(found, split)
    run = Run(
        Path(folder),
        recipe,
        network_of(recipe, channels, classes, found and found.net),
        (
            found.preprocessing if found else named(recipe.preprocessing or Preprocessing())
        ).for_channels(channels),
        split.classes,
        data={
            "fingerprint": split.train.fingerprint,
            **{part: len(getattr(split, part)) for part in PARTS},
        },
        environment=_environment(precision.resolve(recipe.precision), distribution),
        result={},
    )
    log.info("%s: %s", recipe.data, split)
    images = RunImages.of(split, recipe.image_size, run.preprocessing)
    for shown in dict.fromkeys((images.validation, images.test)):
        shown.decode()
    return run, images, found


def _environment(policy: str, distribution: Distribution) -> dict:
    return {
        "backend": keras.backend.backend(),
        "precision": policy,
        "replicas": distribution.replicas,
        "versions": environment.versions(),
    }


def _here(run: Run, distribution: Distribution) -> Run:
    """The run in the environment in which it goes on; that in which it began stands beside it."""
    now = _environment(run.environment["precision"], distribution)
    before = {name: run.environment.get(name) for name in now}
    if before == now:
        return run
    if before["backend"] != now["backend"]:
        log.warning(
            "begun on %s, goes on on %s: it will not end bit for bit as it would have",
            before["backend"],
            now["backend"],
        )
    return replace(run, environment={"begun": before} | run.environment | now)


def _published_weights(recipe: Recipe, classes: int) -> PretrainedWeights | None:
    """The weights a recipe starts from. Raises BadInput if `classes` are not theirs and the
    classifier is to be kept."""
    if not recipe.weights:
        return None
    found = pretrained.load(recipe.weights, recipe.network)
    found = found.expecting(recipe.preprocessing or None)
    if recipe.classes_from_data:
        return found.without_classifiers()
    found.require_classifier()
    found = found.with_classes(classes)
    if found.net.classes != classes:
        raise BadInput(
            f"{found.origin} has {found.net.classes} classes, the data have {classes}; "
            "--classes-from-data puts a new classifier in the place of theirs"
        )
    return found


def _known_to(found: PretrainedWeights, split: Split) -> Split:
    """The images, their classes in the order of the published classifier that is kept."""
    if found.net.classes != 1000:
        log.warning(
            "%s does not name its classes: they are taken for those of the images, in their order",
            found.origin,
        )
        return split
    known = class_names(1000)
    positions = match(split.classes, known, what="the images", who=found.origin)
    return split.known_as(distinct(known), positions)


def compiled(
    run: Run, images: RunImages, found: PretrainedWeights | None, distribution: Distribution = ALONE
):
    """The model at the start of its training, its batches, and the norms of its gradients.

    Raises BadInput if the devices cannot share the batches evenly, or if less than half of the
    weights `found` fits the model.
    """
    recipe, policy = run.recipe, run.environment["precision"]
    batches = TrainingBatches(images.train, recipe, run.preprocessing, distribution=distribution)
    distribution.require_even("the batch size", batches.batch_size)
    if len(images.validation) < distribution.replicas:
        raise BadInput(
            f"{len(images.validation)} images for validation are fewer than the "
            f"{distribution.replicas} devices; hold out more, or use fewer devices"
        )
    with distribution.scope():
        keras.utils.set_random_seed(recipe.seed)
        model = build(run.network, keras, dtype=policy)
        if found:
            log.info("%s: %s", found.origin, reuse(model, found.arrays, found.origin))
        model.compile(
            optimizer=optimizer_for(recipe, len(batches), policy),
            loss=recipe.loss,
            metrics=_metrics(recipe, len(run.classes)),
        )
        row_of = Rows(run.network).outermost
        norms = GradientNorms(model.optimizer, model.trainable_variables, row_of)
    if distribution.mirrored:
        mirrored_strategy.synchronize(model)
        mirrored_strategy.sum_gradients_first(model.optimizer)
    return model, batches, norms


def _metrics(recipe: Recipe, classes: int) -> list:
    """Top-1, and top-5 where not every guess is among the first five."""
    kinds = keras.metrics
    top5 = (
        kinds.TopKCategoricalAccuracy if recipe.soft_labels else kinds.SparseTopKCategoricalAccuracy
    )
    return ["accuracy", top5(5, name="top5")] if classes > 5 else ["accuracy"]


def resume(
    folder: str | PathLike[str],
    options: BoardOptions = DEFAULT,
    distribution: Distribution = ALONE,
) -> Run:
    """Continue the run in `folder` after its last finished epoch, as if it had not stopped; a
    finished one is given as it is.

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
        finished = b"finished" if distribution.first and run.result and run.model.is_file() else b""
        if distribution.from_first(finished):
            log.info("%s is finished: there is nothing to resume", run.folder)
            return run
        run = _here(run, distribution)
        if distribution.first:
            run.save()
        state = distribution.from_first(newest(run.checkpoints) if distribution.first else b"")
        found = None if state else _published_weights(run.recipe, len(run.classes))
        model, batches, norms = compiled(run, images, found, distribution)
        progress = Progress()
        if state:
            with distribution.scope():
                progress = restore(model, state)
        batches.epoch = progress.epochs
        if distribution.first and state:
            run.write_log(progress.rows)
        log.info("resuming after epoch %d of %d", batches.epoch, run.recipe.epochs)
        return _fit(run, images, model, batches, norms, progress, options, distribution)


def _fit(
    run: Run,
    images: RunImages,
    model,
    batches: TrainingBatches,
    norms: GradientNorms,
    progress: Progress,
    options: BoardOptions,
    distribution: Distribution,
) -> Run:
    recipe, first, board = run.recipe, distribution.first, None
    computing = "{precision} on {backend}".format_map(run.environment)
    log.info("%s: %d parameters; %s", run.network.name, model.count_params(), computing)
    keeping = [Following(norms, progress)]
    if first:
        board = board_of(run, batches, len(images.validation), norms, options.histograms)
        profile = Profile(run.tensorboard) if options.profile else None
        keeping = [InputRate(batches), board, profile, Checkpoint(run, progress)]
    averaged = AveragedWeights() if recipe.ema else None
    with distribution.scope():
        if batches.epoch < recipe.epochs:
            for caution in lags(recipe, recipe.epochs * len(batches)) if first else ():
                log.warning("%s", caution)
            agreed = distribution.stop_agreed if distribution.processes > 1 else None
            with StopAfterStep(run, progress, agreed) as stop, _bad_images_as_such(batches):
                callbacks = [
                    keras.callbacks.LambdaCallback(on_epoch_begin=batches.start_epoch),
                    Divergence(run, progress),
                    *keeping,
                    averaged,
                    stop,
                ]
                shown = EvaluationBatches(images.validation, recipe.soft_labels, distribution)
                mirrored = distribution.mirrored
                model.fit(
                    mirrored_strategy.as_tf_dataset(batches) if mirrored else batches,
                    validation_data=mirrored_strategy.as_tf_dataset(shown) if mirrored else shown,
                    initial_epoch=batches.epoch,
                    epochs=recipe.epochs,
                    shuffle=False,
                    verbose=verbosity() if first else 0,
                    callbacks=[callback for callback in callbacks if callback],
                )
        # Keras does so at the end of fit; a run resumed after its last epoch has no fit.
        model.optimizer.finalize_variable_values(model.trainable_variables)
    replaced = distribution.total(len(batches.bad.found))
    if first:
        run = _finish(run, images.test, model, progress, replaced, board)
    distribution.total(0)  # JAX gives the others five minutes only, once one of them has ended.
    return run


@contextmanager
def _bad_images_as_such(batches: TrainingBatches) -> Iterator[None]:
    """What stopped the batches is raised, where TensorFlow makes an error of its own of it."""
    try:
        yield
    except Exception:
        if batches.bad.stopped:
            raise batches.bad.stopped from None
        raise


def _finish(run: Run, test: EvaluationPixels, model, progress: Progress, replaced: int, board):
    """Write the trained network, and how it does on the test images; on the `board` too, if there
    is one."""
    deployed = build(without_aux(run.network), keras, dtype="float32")
    store.write(deployed, store.read(model), partial=True)
    with replacing(run.model) as temporary:
        deployed.save(temporary)
    probabilities = deployed.predict(EvaluationBatches(test), verbose=0)
    scores = score(probabilities, test.examples.labels, test.examples.part)
    if replaced:
        log.warning("%d images to train on could not be read and were replaced", replaced)
    seconds = round(progress.seconds)
    run = replace(run, result={**asdict(scores), "seconds": seconds, "replaced_images": replaced})
    run.save()
    if board:
        board.finish(run, probabilities, test)
    return run
