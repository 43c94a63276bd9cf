"""Accuracy and latency of what ships: Keras models, `.tflite` files, on the same images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_inception.crops import views
from keras_inception.errors import BadInput
from keras_inception.images import centre
from keras_inception.metrics import Scores, score
from keras_inception.preprocess import Preprocessing
from keras_inception.training.data import load
from keras_inception.training.data.batches import EvaluationPixels
from keras_inception.training.data.examples import Examples
from keras_inception.training.data.labelled import labelled
from keras_inception.training.run import run_folder
from keras_inception.training.run.run_folder import Run

from .classifier import Classifier, open_classifier


def evaluate(
    subject: Any,
    *,
    data: str | None = None,
    images: str | Path | None = None,
    labels: str | Path | None = None,
    classes: str | Path | None = None,
    preprocessing: str | Preprocessing | None = None,
    crops: int = 1,
    short_side: int | None = None,
) -> Scores:
    """Top-1, top-5 and loss of a classifier, or of the average of several.

    subject: as for `open_classifier`, or a list of such.
    data: the source of images, as for training, of which the held-out ones are taken; None means
        those that the first subject was trained on, split as in its run.
    images, labels: instead, all photographs in a folder; the file of their classes, if their
        sub-folders do not say them.
    classes, preprocessing: as for `open_classifier`.
    crops: views of an image whose probabilities are averaged, as for `Classifier.scores`.
    short_side: pixels that photographs are scaled to before the centre is cut out; None takes
        what each subject expects.

    Raises BadInput if classes or channels do not fit.

    >>> import keras_inception
    >>> keras_inception.evaluate("runs/hands").top1  # doctest: +SKIP
    0.9903
    """
    if short_side is not None and crops != 1:
        raise BadInput(f"a short side goes with one crop: the protocols have theirs; got {crops}")
    several = subject if isinstance(subject, list | tuple) else [subject]
    opened = [open_classifier(s, classes=classes, preprocessing=preprocessing) for s in several]
    examples = _examples(opened[0], data, images, labels)
    each = [outputs(classifier, examples, crops, short_side) for classifier in opened]
    return score(np.mean(each, axis=0), examples.labels)


def _examples(classifier: Classifier, source, images, labels) -> Examples:
    if images is not None:
        if not classifier.classes:
            raise BadInput(f"{classifier.name} does not say which classes it knows; give --data")
        return labelled(images, classifier.classes, labels)
    name, holdout, seed = classifier.info.data or (None, 0.2, 0)
    source = source or name
    if source is None:
        raise BadInput(
            f"{classifier.name} does not say what it was trained on; name images with --data or "
            "--images"
        )
    return load(source, holdout, seed).test


def outputs(
    classifier: Classifier, examples: Examples, crops: int = 1, short_side: int | None = None
) -> np.ndarray:
    """Probabilities, (n, classes), averaged over the views of each image."""
    if examples.channels != classifier.channels:
        raise BadInput(
            f"{classifier.name} takes {classifier.channels} channels; the images have "
            f"{examples.channels}"
        )
    expected, size, rows = classifier.preprocessing, classifier.size, []
    # A hundred and forty-four views of a few images, or one of many, fill a batch.
    each = max(1, 128 // crops)
    for start in range(0, len(examples), each):
        batch = []
        for i in range(start, min(start + each, len(examples))):
            image = examples.image(i)
            if short_side is None:
                batch += views(image, size, expected, crops)
            else:
                batch.append(centre(image, size, expected, short_side))
        scores = classifier.of_views(batch)
        if scores.shape[1] != len(examples.classes):
            raise BadInput(
                f"{classifier.name} has {scores.shape[1]} classes, the images have "
                f"{len(examples.classes)}"
            )
        rows.append(scores.reshape(-1, crops, scores.shape[1]).mean(axis=1))
    return np.concatenate(rows)


@dataclass(frozen=True)
class ReportRow:
    """One file of a run: its top-1 accuracy in 0..1, size in bytes, and the median milliseconds
    of one image, on one thread for `.tflite`."""

    path: Path
    top1: float
    size: int
    milliseconds: float


@dataclass(frozen=True)
class Report:
    """Everything that a run has delivered, on its held-out images; as text it is a table."""

    run: Run
    images: int
    rows: tuple[ReportRow, ...]

    def __str__(self):
        wide = max(len(row.path.name) for row in self.rows)
        lines = [f"{'file':<{wide}}   top-1    size kB   ms, one image"]
        lines += [
            f"{row.path.name:<{wide}}  {row.top1:.4f}  {row.size / 1000:9.1f}   "
            f"{row.milliseconds:9.3f}"
            for row in self.rows
        ]
        lines += [
            f"(top-1 on {self.images} held-out images; median latency, one thread for .tflite)",
            "",
            f"TensorBoard   tensorboard --logdir {self.run.tensorboard}",
            f"Keras model   {self.run.model}",
            f"for a phone   {self.run.folder}/*.tflite, each with a .json of labels and "
            "preprocessing",
        ]
        return "\n".join(lines)


def report(run: str | Path | Run) -> Report:
    """Accuracy, size and latency of the model and of every `.tflite` file in the folder `run`.

    The files take turns on the same images. Raises BadInput for a folder without a trained run.

    >>> import keras_inception
    >>> print(keras_inception.report("runs/hands"))  # doctest: +SKIP
    """
    from .benchmarking.latency import in_turns

    run = run_folder.trained(run)
    held_out = run.split().test
    paths = (run.model, *sorted(run.folder.glob("[!.]*.tflite")))
    classifiers = [open_classifier(path) for path in paths]
    # The files of a run take the same images.
    shown = EvaluationPixels(held_out, run.recipe.image_size, run.preprocessing)
    times = [each["median"] for each in in_turns([c.run_once for c in classifiers], 200)]
    rows = []
    for path, classifier, milliseconds in zip(paths, classifiers, times, strict=True):
        top1 = shown.score(classifier.of_pixels).top1
        rows.append(ReportRow(path, top1, path.stat().st_size, milliseconds))
    return Report(run, len(held_out), tuple(rows))
