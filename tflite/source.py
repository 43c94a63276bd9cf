"""Where a network to be delivered comes from: a run folder, or published weights."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_inception import load_model
from keras_inception.classes import class_names
from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.spec import Network
from keras_inception.training import data, run_folder
from keras_inception.training.batches import pixels
from keras_inception.training.crops import views
from keras_inception.training.images import decode, photographs
from keras_inception.training.run_folder import Run
from keras_inception.transform import without_aux
from keras_inception.weights import published

log = logging.getLogger(__name__)

CALIBRATION_IMAGES = 200


@dataclass(frozen=True)
class Source:
    """A trained network without heads, and what its files have to say of it.

    `model` is the Keras 3 model in float32; `calibration` are uint8 pixels, (n, size, size,
    channels), as for evaluation, or noise where not `calibrated`; `data` says what it was trained
    on, so far as that is known.
    """

    name: str
    network: Network
    model: object
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    calibration: np.ndarray
    folder: Path
    data: dict
    calibrated: bool = True


def of_run(run: Run, split: data.Split) -> Source:
    """The trained network of a run, calibrated on a class-balanced part of its training images."""
    if split.train.fingerprint != run.data["fingerprint"]:
        log.warning("the images of %s have changed since the run was trained", run.recipe.data)
    chosen = split.train.balanced(CALIBRATION_IMAGES, run.recipe.seed)
    return Source(
        run.network.name,
        without_aux(run.network),
        load_model(run.model, compile=False),
        run.preprocessing,
        run.classes,
        pixels(chosen, run.recipe.image_size, run.preprocessing),
        run.folder,
        {"source": run.recipe.data, "holdout": run.recipe.holdout, "seed": run.recipe.seed},
    )


def of_weights(weights: str | Path, folder: str | Path, images: str | Path | None) -> Source:
    """Published weights, by tag or file, calibrated on the photographs under `images`.

    Noise instead of photographs serves to compare two models, though not to find ranges.
    """
    found = published.load(weights).with_classes(1000)
    net = without_aux(found.net)
    size = net.input_shape[0]
    if images is None:
        calibration = np.random.default_rng(0).integers(0, 256, (8, *net.input_shape), np.uint8)
    else:
        calibration = _views_of(Path(images), size, found.preprocessing)
    return Source(
        re.sub(r"\W+", "_", found.name),
        net,
        found.model(),
        found.preprocessing,
        class_names(net.classes),
        calibration,
        Path(folder),
        data={},
        calibrated=images is not None,
    )


def _views_of(folder: Path, size: int, expected: Preprocessing) -> np.ndarray:
    """CALIBRATION_IMAGES views: the centres of so many photographs, or more views of fewer."""
    paths = photographs(folder)
    order = np.random.default_rng(0).permutation(len(paths))[:CALIBRATION_IMAGES]
    count = 1 if 2 * len(order) > CALIBRATION_IMAGES else 12
    seen = []
    for i in order:
        seen += views(decode(paths[i].read_bytes(), "RGB"), size, expected, count)
    return np.stack([np.asarray(view) for view in seen[:CALIBRATION_IMAGES]])


def open_source(subject: str | Path, images=None, out=None) -> Source:
    """The network in the run folder `subject`, or that of the published weights of that name.

    For weights `images` is a folder of photographs to calibrate on, and `out` where files go.
    Raises BadInput if it is neither.
    """
    if run_folder.exists(subject):
        if images or out:
            raise BadInput(f"{subject} is a run: it has its own images and folder")
        run = run_folder.trained(subject)
        return of_run(run, run.split())
    if not published.exists(subject):
        raise BadInput(
            f"{subject} is not a run folder: it has no run.json; nor is it a file of weights, or a "
            "tag that `keras-inception weights` lists"
        )
    if out is None:
        raise BadInput(f"say with --out in which folder the file made of {subject} is to be")
    return of_weights(subject, out, images)
