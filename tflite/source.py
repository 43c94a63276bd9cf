"""Where a network to be delivered comes from: a run folder, published weights, any Keras model."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_inception.classes import class_names
from keras_inception.crops import views
from keras_inception.errors import BadInput
from keras_inception.images import decode, photographs
from keras_inception.preprocess import Preprocessing
from keras_inception.saving import load_model
from keras_inception.training import data
from keras_inception.training.data.batches import pixels
from keras_inception.training.data.examples import mode_of
from keras_inception.training.recipes.recipe import Recipe, recipe_for
from keras_inception.training.run import run_folder
from keras_inception.training.run.run_folder import Run
from keras_inception.transform import without_aux
from keras_inception.weights import published

from .keras_graph import keras_classifier
from .keras_graph.plain import PlainNetwork
from .keras_graph.to_keras import to_keras

log = logging.getLogger(__name__)

CALIBRATION_IMAGES = 200


@dataclass(frozen=True)
class Source:
    """A trained network without heads, and what its files have to say of it.

    `network` is it in plain layers; `calibration` are uint8 pixels, (n, size, size,
    channels), as for evaluation, or noise where not `calibrated`; `data` says what it was trained
    on, so far as that is known. `split` and `recipe` are the images to fine-tune on and how, None
    where there are none.
    """

    name: str
    network: PlainNetwork
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    calibration: np.ndarray
    folder: Path
    data: dict
    calibrated: bool = True
    split: data.Split | None = None
    recipe: Recipe | None = None

    @cached_property
    def images(self) -> np.ndarray:
        """The calibration images as the network takes them, (n, size, size, channels) float32."""
        return self.preprocessing(self.calibration)

    @cached_property
    def model(self):
        """The network as a Keras 3 model in float32."""
        return to_keras(self.network, keras)


def of_run(run: Run) -> Source:
    """The trained network of a run, calibrated on a class-balanced part of its training images."""
    split = run.split()
    if split.train.fingerprint != run.data["fingerprint"]:
        log.warning("the images of %s have changed since the run was trained", run.recipe.data)
    return Source(
        run.network.name,
        _lowered(load_model(run.model, compile=False), run.preprocessing),
        run.preprocessing,
        run.classes,
        _balanced(split, run.recipe, run.preprocessing),
        run.folder,
        _said(run.recipe),
        split=split,
        recipe=run.recipe,
    )


def _lowered(model, expected: Preprocessing) -> PlainNetwork:
    """A model of ours, which does not begin with preprocessing."""
    network, _ = keras_classifier.classifier(model, expected)
    return network


def _said(recipe: Recipe) -> dict:
    return {"source": recipe.data, "holdout": recipe.holdout, "seed": recipe.seed}


def _balanced(split: data.Split, recipe: Recipe, expected: Preprocessing) -> np.ndarray:
    chosen = split.train.balanced(CALIBRATION_IMAGES, recipe.seed)
    return pixels(chosen, recipe.image_size, expected)


def of_weights(weights: str | Path, folder: str | Path, images: str | Path | None) -> Source:
    """Published weights, by tag or file, calibrated on the photographs under `images`.

    Noise instead of photographs serves to compare two models, though not to find ranges.
    """
    found = published.load(weights).with_classes(1000)
    net = without_aux(found.net)
    return Source(
        re.sub(r"\W+", "_", found.name),
        _lowered(found.model(), found.preprocessing),
        found.preprocessing,
        class_names(net.classes),
        _views_of(images, net.input_shape, found.preprocessing),
        Path(folder),
        data={},
        calibrated=images is not None,
    )


def _views_of(folder: str | Path | None, shape, expected: Preprocessing) -> np.ndarray:
    """CALIBRATION_IMAGES views: the centres of so many photographs, or more views of fewer."""
    if folder is None:
        return np.random.default_rng(0).integers(0, 256, (8, *shape), np.uint8)
    paths = photographs(Path(folder))
    order = np.random.default_rng(0).permutation(len(paths))[:CALIBRATION_IMAGES]
    count = 1 if 2 * len(order) > CALIBRATION_IMAGES else 12
    seen, mode = [], mode_of(shape[-1])
    for i in order:
        seen += views(decode(paths[i].read_bytes(), mode), shape[0], expected, count)
    stacked = np.stack([np.asarray(view) for view in seen[:CALIBRATION_IMAGES]])
    return stacked.reshape(-1, *shape)


def of_model(
    model,
    preprocessing: str | Preprocessing | None = None,
    classes: Sequence[str] = (),
    folder: str | Path = ".",
    images: str | Path | np.ndarray | None = None,
    data_source: str | None = None,
    name: str | None = None,
) -> Source:
    """Any functional or Sequential Keras 3 classifier of stock layers; its files go to `folder`.

    `preprocessing` says how pixels 0..255 become its input, as for `open_classifier`. For
    calibration `images` is a folder of photographs, or uint8 pixels, (n, size, size, channels).
    `data_source` names images to fine-tune on, as `recipes.DATA` lists them: a part of them
    calibrates, and their classes are the model's. Raises BadInput for a model that cannot be
    delivered, or `classes` that do not fit it.
    """
    network, expected = keras_classifier.classifier(model, preprocessing)
    shape = network.shape
    split = recipe = None
    if data_source is not None:
        recipe = recipe_for(data_source, image_size=shape[0])
        split = data.load(data_source, recipe.holdout, recipe.seed)
        classes = split.train.classes
        if split.train.channels != shape[2]:
            raise BadInput(
                f"{model.name} takes {shape[2]} channels, {data_source} has {split.train.channels}"
            )
    keras_classifier.require_named(network, classes)
    calibrated = split is not None or images is not None
    if split is not None:
        images = _balanced(split, recipe, expected)
    elif not isinstance(images, np.ndarray):
        images = _views_of(images, shape, expected)
    elif images.dtype != np.uint8 or images.shape[1:] != shape:
        raise BadInput(
            f"images must be uint8, (n, {', '.join(map(str, shape))}); got {images.dtype}, "
            f"{images.shape}"
        )
    return Source(
        re.sub(r"\W+", "_", name or model.name),
        network,
        expected,
        tuple(classes),
        images,
        Path(folder),
        _said(recipe) if recipe else {},
        calibrated=calibrated,
        split=split,
        recipe=recipe,
    )


def open_source(
    subject: Any, images=None, out=None, classes=None, preprocessing=None, data=None
) -> Source:
    """The network in the run folder `subject`, in a `.keras` file, a Keras model, or of published
    weights.

    For weights and `.keras` files `images` is a folder of photographs to calibrate on, and `out`
    where files go; for the latter `classes` is a text file of their names, or they themselves, and
    `preprocessing` and `data`, instead of images and classes, are as for `of_model`. A Source is
    given back. Raises BadInput if `subject` is none of these.
    """
    if isinstance(subject, Source):
        return subject
    in_memory = hasattr(subject, "output_shape")
    path = Path("model.keras") if in_memory else Path(subject)
    if not in_memory and path.name == "model.keras" and run_folder.exists(path.parent):
        path = path.parent
    if not in_memory and run_folder.exists(path):
        if images or out or classes or preprocessing or data:
            raise BadInput(f"{path} is a run: it has its own images, classes and folder")
        return of_run(run_folder.trained(path))
    is_model = path.suffix == ".keras"
    if not is_model and not published.exists(subject):
        raise BadInput(
            f"{subject} is not a run folder: it has no run.json; nor is it a .keras file, a file "
            "of weights, or a tag that `keras-inception weights` lists"
        )
    if out is None:
        raise BadInput(f"say with --out in which folder the file made of {subject} is to be")
    if not is_model:
        if classes or preprocessing or data:
            raise BadInput(f"{subject} is published weights: it has its classes and preprocessing")
        return of_weights(subject, out, images)
    if data and (images or classes):
        raise BadInput("the images of --data calibrate and name the classes; leave out the others")
    named = isinstance(classes, str | Path)
    names = keras_classifier.labels(classes) if named else tuple(classes or ())
    model = subject if in_memory else load_model(path, compile=False)
    preprocessing = preprocessing or getattr(model, "preprocessing", None)
    name = None if in_memory else path.stem
    return of_model(model, preprocessing, names, out, images, data_source=data, name=name)
