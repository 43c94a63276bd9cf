"""What a `.tflite` file is made of: a classifier, and images to calibrate or to fine-tune it on."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from keras_inception.crops import stacked, views
from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import KerasClassifier, open_classifier
from keras_inception.evaluation.known_classes import Map, split_for
from keras_inception.images import photographs, readable
from keras_inception.outputs import CLASSES, LABELS, NUMBERS
from keras_inception.preprocess import Preprocessing
from keras_inception.training.data import DataRef, Split
from keras_inception.training.data.evaluation_pixels import pixels
from keras_inception.training.data.examples import mode_of
from keras_inception.training.recipes.recipe import Recipe, recipe_for

from .keras_graph.input_preprocessing import on_whole_pixels
from .keras_graph.plain import PlainNetwork

log = logging.getLogger(__name__)

CALIBRATION_IMAGES = 200


@dataclass(frozen=True)
class Source:
    """A trained network without heads, in plain layers, and what its files have to say of it.

    Files are called by its `name` and go to `folder`. `calibration` are uint8 pixels, (n, size,
    size, channels), as for evaluation, or noise where not `calibrated`; `truth` what is
    right of them, where that is known. `data` are the images it was trained on, so far as that is
    known; `split` and `recipe` those to fine-tune on and how,
    None where there are none.
    """

    classifier: KerasClassifier
    network: PlainNetwork
    preprocessing: Preprocessing
    name: str
    classes: tuple[str, ...]
    calibration: np.ndarray
    folder: Path
    data: DataRef | None = None
    calibrated: bool = True
    split: Split | None = None
    recipe: Recipe | None = None
    truth: np.ndarray | None = None

    @cached_property
    def images(self) -> np.ndarray:
        """The calibration images as the network takes them, (n, size, size, channels) float32."""
        return self.preprocessing(self.calibration)

    @property
    def on_whole_pixels(self) -> Source:
        """The same for files of 8-bit inputs, of which every pixel value is an integer."""
        network, expected = on_whole_pixels(self.network, self.preprocessing)
        return replace(self, network=network, preprocessing=expected)

    def require_better_than_chance(self) -> None:
        """Raise BadInput if the network, as it is, is no better at the calibration images, which
        are as many of each class, than guessing: so it is if its classes or its pixels are others
        than was said. A run's network, of which both are known, is told so."""
        if self.truth is None:
            return
        classifier, kind = self.classifier, self.classifier.kind
        chance = kind.chance(classifier.of_pixels(self.calibration), self.truth)
        if not chance:
            return
        said = f"{classifier.name} {chance}"
        if classifier.run is not None:
            log.warning("%s: it has not learned much", said)
            return
        raise BadInput(
            f"{said}: these are not its {kind.name}, they are not in this order, or its "
            "preprocessing is another; look at --classes and --preprocessing, or go on with "
            "--accept"
        )


def open_source(
    subject: Any,
    *,
    images: str | Path | np.ndarray | None = None,
    out: str | Path | None = None,
    classes=None,
    classes_map: Map = None,
    preprocessing: str | Preprocessing | None = None,
    image_size: int | None = None,
    data: str | None = None,
    kind: str | None = None,
    head: str | None = None,
    trust: bool = False,
) -> Source:
    """What `subject`, which `open_classifier` opens, gives files of; a Source is given back.

    A run has its own images and folder. Of anything else, files go to `out`, and `images`, a folder
    of photographs or uint8 pixels, (n, size, size, channels), calibrate; or `data`, as
    `recipes.DATA` lists them: a part of them calibrates. Noise instead serves to compare two
    models, though not to find ranges.

    `image_size`, `kind`, `head` and `trust` are `open_classifier`'s, as are `classes`, with which
    those of the images are matched by name, with `classes_map` as for `known_classes.known_to`.
    Raises BadInput for what cannot be exported, or images that do not fit.
    """
    if isinstance(subject, Source):
        return subject
    said = {"preprocessing": preprocessing, "image_size": image_size}
    said |= {"kind": kind, "head": head, "trust": trust}
    opened = open_classifier(subject, classes=classes, **said)
    if not isinstance(opened, KerasClassifier):
        raise BadInput(f"{subject} is a .tflite file already; give what it was made of")
    if opened.run is not None:
        if images is not None or out or data or classes_map:
            raise BadInput(f"{subject} is a run: it has its own images, classes and folder")
        return _of_run(opened)
    if out is None:
        raise BadInput(f"say with --out in which folder the file made of {subject} is to be")
    name = re.sub(r"\W+", "_", opened.path.stem if opened.path else opened.name)
    shape = opened.network.shape
    if data is not None:
        if images is not None:
            raise BadInput("the images of --data calibrate; leave out others")
        changes: dict[str, Any] = {"image_size": shape[0]}
        if opened.kind is NUMBERS:
            # They may say where something is, or how large, and float16 ends at 65,504.
            changes |= {"flip": False, "min_area": 1.0, "aspect": 1.0, "precision": "float32"}
        recipe = recipe_for(data, **changes)
        return _fine_tuned(opened, name, Path(out), recipe, classes_map)
    if not opened.classes and opened.kind in (CLASSES, LABELS):
        raise BadInput(
            f"{opened.name} does not name its {opened.outputs} classes; give --classes a file with "
            "a name for each, in the order of the outputs"
        )
    calibrated = images is not None
    if not isinstance(images, np.ndarray):
        images = _views_of(images, shape, opened.preprocessing)
    elif images.dtype != np.uint8 or images.shape[1:] != shape:
        raise BadInput(
            f"images must be uint8, (n, {', '.join(map(str, shape))}); got {images.dtype}, "
            f"{images.shape}"
        )
    made = opened.network, opened.preprocessing, name, opened.classes
    return Source(opened, *made, images, Path(out), calibrated=calibrated)


def _of_run(opened: KerasClassifier) -> Source:
    """The trained network of a run, calibrated on a class-balanced part of its training images."""
    run = opened.run
    split = run.split()
    if split.train.fingerprint != run.data["fingerprint"]:
        log.warning("the images of %s have changed since the run was trained", run.recipe.data)
    return _on(split, opened, run.network.name, run.folder, run.recipe)


def _fine_tuned(
    opened: KerasClassifier, name: str, folder: Path, recipe: Recipe, classes_map: Map
) -> Source:
    split = split_for(opened, DataRef.of(recipe), classes_map)
    if not len(split.train):
        raise BadInput(f"{recipe.data} marks no images train; fine-tuning needs some")
    if split.train.channels != opened.channels:
        raise BadInput(
            f"{opened.name} takes {opened.channels} channels, {recipe.data} has "
            f"{split.train.channels}"
        )
    return _on(split, opened, name, folder, recipe)


def _on(split: Split, opened: KerasClassifier, name: str, folder: Path, recipe: Recipe) -> Source:
    chosen = split.train.balanced(CALIBRATION_IMAGES, recipe.seed)
    return Source(
        opened,
        opened.network,
        opened.preprocessing,
        name,
        split.classes,
        pixels(chosen, opened.size, opened.preprocessing),
        folder,
        DataRef.of(recipe),
        split=split,
        recipe=recipe,
        truth=chosen.truth,
    )


def _views_of(folder: str | Path | None, shape, expected: Preprocessing) -> np.ndarray:
    """CALIBRATION_IMAGES views: the centres of so many photographs, or more views of fewer."""
    if folder is None:
        return np.random.default_rng(0).integers(0, 256, (8, *shape), np.uint8)
    paths = photographs(Path(folder))
    order = np.random.default_rng(0).permutation(len(paths))
    count = 1 if 2 * len(order) > CALIBRATION_IMAGES else 12
    seen = []
    drawn = (paths[i] for i in order)
    for image in readable(drawn, mode_of(shape[-1]), CALIBRATION_IMAGES):
        seen += views(image, shape[0], expected, count)
    return stacked(seen[:CALIBRATION_IMAGES], shape[-1])
