"""Accuracy of classifiers, and of the average of several, on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_inception.crops import stacked, views
from keras_inception.errors import BadInput
from keras_inception.images import centre
from keras_inception.metrics import LabelScores, NumberScores, Scores
from keras_inception.outputs import CLASSES
from keras_inception.preprocess import Preprocessing
from keras_inception.training.data import DataRef
from keras_inception.training.data.examples import Examples
from keras_inception.training.data.labelled import labelled

from .classifier import Classifier, open_classifier
from .known_classes import Map, columns, known_to, split_for


def evaluate(
    subject: Any,
    *,
    data: str | None = None,
    images: str | Path | None = None,
    labels: str | Path | None = None,
    classes: str | Path | Sequence[str] | None = None,
    classes_map: Map = None,
    preprocessing: str | Preprocessing | None = None,
    image_size: int | None = None,
    kind: str | None = None,
    head: str | None = None,
    crops: int = 1,
    short_side: int | None = None,
    trust: bool = False,
) -> Scores | LabelScores | NumberScores:
    """Top-1, top-5 and loss of a classifier, or of the average of several; AUC if it knows two
    classes. Of labels the mean average precision, of numbers their errors.

    subject: as for `open_classifier`, or a list of such.
    data: the source of images, as for training, of which the test part is taken; None means those
        that the first subject was trained on, split as in its run. For labels and numbers
        `csv:FILE`, a table with a column for each (`training.data.targets`).
    images, labels: instead, all photographs in a folder; the file of their classes, if their
        sub-folders do not say them.
    classes, preprocessing, image_size, kind, head, trust: as for `open_classifier`.
    classes_map: which of a network's classes are those of the images that are called otherwise: a
        file, a dictionary of names of the first subject by names of the images, or "position" if
        both have one order.
    crops: views of an image whose probabilities are averaged, as for `Classifier.scores`.
    short_side: pixels that photographs are scaled to before the centre is cut out; None takes
        what each subject expects.

    Classes are matched by name. Raises BadInput for images of classes that a subject does not know,
    for several subjects of other classes than the first, and for channels that do not fit.

    >>> import keras_inception
    >>> keras_inception.evaluate("runs/hands").top1  # doctest: +SKIP
    0.9903
    """
    if short_side is not None and crops != 1:
        raise BadInput(f"a short side goes with one crop: the protocols have theirs; got {crops}")
    several = subject if isinstance(subject, list | tuple) else [subject]
    said = {"classes": classes, "preprocessing": preprocessing, "trust": trust}
    said |= {"image_size": image_size, "kind": kind, "head": head}
    opened = [open_classifier(s, **said) for s in several]
    first, *others = opened
    if other := [each for each in others if each.kind is not first.kind]:
        raise BadInput(
            f"{first.name} gives {first.kind.name}, {other[0].name} {other[0].kind.name}: only "
            "outputs of one kind are averaged"
        )
    examples = _examples(first, data, images, labels, classes_map)
    each = []
    for classifier in opened:
        own = columns(classifier, examples.classes, classes_map)
        each.append(outputs(classifier, examples, crops, short_side)[:, own])
    return first.kind.score(np.mean(each, axis=0), examples.truth, examples.part)


def _examples(classifier: Classifier, source, images, labels, classes_map) -> Examples:
    if images is not None and classifier.kind is CLASSES:
        shown = labelled(images, labels)
        return known_to(classifier, shown, classes_map, numbers=labels is not None)
    known = DataRef("") if images is not None else classifier.data
    if source is not None:
        known = replace(known, source=source) if known else DataRef(source)
    if known is None:
        raise BadInput(
            f"{classifier.name} does not say what it was trained on; name images with --data or "
            "--images"
        )
    return split_for(classifier, known, classes_map).test


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
        rows.append(scores.reshape(-1, crops, scores.shape[1]).mean(axis=1))
    return np.concatenate(rows)
