"""Accuracy of classifiers, and of the average of several, on the same images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_inception.crops import stacked, views
from keras_inception.errors import BadInput
from keras_inception.images import centre
from keras_inception.metrics import Scores, score
from keras_inception.preprocess import Preprocessing
from keras_inception.training.data import DataRef
from keras_inception.training.data.examples import Examples
from keras_inception.training.data.labelled import labelled

from .classifier import Classifier, open_classifier


def evaluate(
    subject: Any,
    *,
    data: str | None = None,
    images: str | Path | None = None,
    labels: str | Path | None = None,
    classes: str | Path | None = None,
    preprocessing: str | Preprocessing | None = None,
    image_size: int | None = None,
    crops: int = 1,
    short_side: int | None = None,
    trust: bool = False,
) -> Scores:
    """Top-1, top-5 and loss of a classifier, or of the average of several.

    subject: as for `open_classifier`, or a list of such.
    data: the source of images, as for training, of which the test part is taken; None means those
        that the first subject was trained on, split as in its run.
    images, labels: instead, all photographs in a folder; the file of their classes, if their
        sub-folders do not say them.
    classes, preprocessing, image_size, trust: as for `open_classifier`.
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
    opened = [
        open_classifier(
            each, classes=classes, preprocessing=preprocessing, image_size=image_size, trust=trust
        )
        for each in several
    ]
    examples = _examples(opened[0], data, images, labels)
    each = [outputs(classifier, examples, crops, short_side) for classifier in opened]
    return score(np.mean(each, axis=0), examples.labels, examples.part)


def _examples(classifier: Classifier, source, images, labels) -> Examples:
    if images is not None:
        if not classifier.classes:
            raise BadInput(f"{classifier.name} does not say which classes it knows; give --data")
        return labelled(images, classifier.classes, labels)
    known = classifier.data
    if source is not None:
        known = replace(known, source=source) if known else DataRef(source)
    if known is None:
        raise BadInput(
            f"{classifier.name} does not say what it was trained on; name images with --data or "
            "--images"
        )
    return known.split().test


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
        scores = classifier.of_pixels(stacked(batch, examples.channels))
        if scores.shape[1] != len(examples.classes):
            raise BadInput(
                f"{classifier.name} has {scores.shape[1]} classes, the images have "
                f"{len(examples.classes)}"
            )
        rows.append(scores.reshape(-1, crops, scores.shape[1]).mean(axis=1))
    return np.concatenate(rows)
