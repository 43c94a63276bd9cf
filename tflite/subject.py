"""Something that classifies, whatever holds it: a run, a Keras model, a file, published weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keras_inception.classes import class_names
from keras_inception.errors import BadInput
from keras_inception.inference import outputs_of
from keras_inception.preprocess import Preprocessing
from keras_inception.saving import load_model
from keras_inception.training import run_folder
from keras_inception.weights import published

from . import metadata
from .file import guard
from .file.interpreter import File
from .file.outputs import probabilities
from .model import foreign


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


def open_subject(
    what: str | Path,
    preprocessing: str | Preprocessing | None = None,
    classes: str | Path | None = None,
) -> Subject:
    """A run folder (its trained model), a `.keras` or `.tflite` file, or published weights: the tag
    of a preset, or a file of them.

    `preprocessing` and `classes` belong to a `.keras` file outside a run, which does not say them:
    as for `source.open_source`. Raises BadInput for anything else.
    """
    path = Path(what)
    if path.is_dir():
        path = run_folder.trained(path).model
    foreign_model = path.suffix == ".keras" and not run_folder.exists(path.parent)
    if (preprocessing or classes) and not foreign_model:
        raise BadInput(f"{what} says itself which preprocessing and classes it has; leave them out")
    if path.suffix == ".tflite":
        file = File(path)
        guard.require_sound(path, file.content)
        height, width, channels = file.input_shape
        scores = probabilities(file)
        run_once, origin = file.invoke, origin_of_file(path)
    elif foreign_model:
        model, expected = foreign.classifier(load_model(path, compile=False), preprocessing)
        height, width, channels, scores, run_once = _keras_model(model)
        names = () if classes is None else foreign.labels(classes)
        if names:
            foreign.require_named(model, names)
        origin = Origin(expected, names)
    elif path.suffix == ".keras":
        height, width, channels, scores, run_once = _keras_model(load_model(path, compile=False))
        origin = _origin_of_run(path.parent)
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
        lambda images: outputs_of(model, images),
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
