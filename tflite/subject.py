"""Something that classifies, whatever holds it: a run, a Keras model, a file, published weights."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keras_inception import load_model
from keras_inception.classes import class_names
from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.training import run_folder
from keras_inception.weights import published

from . import guard, metadata
from .interpreter import File
from .outputs import probabilities

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """What a subject says of itself: the preprocessing it expects, the names of its classes (none
    if it does not say), and the data set it was trained on, with its split."""

    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    classes: tuple[str, ...] = ()
    data: tuple[str, float, int] | None = None


@dataclass(frozen=True)
class Subject:
    """Something to evaluate.

    `scores` maps preprocessed images, (n, size, size, channels), to (n, classes) probabilities;
    `run_once` classifies one image, for timing. `path` is None for published weights.
    """

    name: str
    path: Path | None
    size: int
    channels: int
    scores: Callable[[np.ndarray], np.ndarray]
    run_once: Callable[[], None]
    origin: Origin


def open_subject(what: str | Path) -> Subject:
    """A run folder (its trained model), a `.keras` or `.tflite` file, or published weights: the tag
    of a preset, or a file of them. Raises BadInput for anything else."""
    path = Path(what)
    if path.is_dir():
        path = run_folder.trained(path).model
    if path.suffix == ".tflite":
        file = File(path)
        guard.require_sound(path, file.content)
        height, width, channels = file.input_shape
        scores = probabilities(file)
        run_once, origin = file.invoke, origin_of_file(path)
    elif path.suffix == ".keras":
        if not path.is_file():
            raise BadInput(f"there is no file {str(path)!r}; give a .keras file")
        model = load_model(path, compile=False)
        height, width, channels, scores, run_once = _keras_model(model)
        origin = _origin_of_run(path.parent)
        if not origin.classes:
            log.warning(
                "%s does not say what it expects of its pixels: (pixel - 128) / 128 is assumed",
                path,
            )
    elif not published.exists(what):
        raise BadInput(
            f"{what} is neither a run folder nor a .keras or .tflite file, nor a file of weights, "
            "nor a tag that `keras-inception weights` lists; give one of these"
        )
    else:
        found = published.load(what).with_classes(1000)
        height, width, channels, scores, run_once = _keras_model(found.model())
        origin = Origin(found.preprocessing, class_names(found.net.classes))
        path = None
    if height != width or not height:
        raise BadInput(f"{what} needs a fixed square input; it takes {height}x{width}")
    return Subject(str(what), path, height, channels, scores, run_once, origin)


def _keras_model(model):
    _, height, width, channels = model.input_shape
    blank = np.zeros((1, height or 1, width or 1, channels), np.float32)
    return (
        height,
        width,
        channels,
        lambda images: model.predict(images, verbose=0),
        lambda: model.predict_on_batch(blank),
    )


def origin_of_file(path: Path) -> Origin:
    """What a `.tflite` file says of itself, by the JSON beside it if there is one."""
    beside = path.with_suffix(".json")
    if not beside.is_file():
        run = _origin_of_run(path.parent)
        said = metadata.read(path.read_bytes(), path)
        return run if said is None else Origin(said.preprocessing, said.labels, run.data)
    try:
        record = json.loads(beside.read_text())
        data = record.get("data")
        return Origin(
            Preprocessing(**record["preprocessing"]),
            tuple(record["classes"]),
            (data["source"], data["holdout"], data["seed"]) if data else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{beside} is damaged ({error!r}); export {path.name} again, or remove it and "
            "name the images with --data"
        ) from error


def _origin_of_run(folder: Path) -> Origin:
    if not run_folder.exists(folder):
        return Origin()
    run = run_folder.read(folder)
    recipe = run.recipe
    return Origin(run.preprocessing, run.classes, (recipe.data, recipe.holdout, recipe.seed))
