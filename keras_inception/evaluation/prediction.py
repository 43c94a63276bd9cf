"""Photographs in, names out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_inception.imagenet import decode_predictions
from keras_inception.preprocess import Preprocessing

from .classifier import open_classifier


def predict(
    subject: Any,
    *,
    photographs: str | Path | Sequence[Any],
    classes: str | Path | None = None,
    preprocessing: str | Preprocessing | None = None,
    crops: int = 1,
    top: int = 5,
    trust: bool = False,
) -> list[list[tuple[str, float]]]:
    """The `top` classes of each photograph, best first: (name, probability in 0..1).

    subject, classes, preprocessing, trust: as for `open_classifier`.
    photographs, crops: as for `Classifier.scores`.

    Raises BadInput for a photograph that is missing or cannot be read.

    >>> import keras_inception
    >>> keras_inception.predict(
    ...     "inception_v3.keras_in1k", photographs="cat.jpg", top=1
    ... )  # doctest: +SKIP
    [[('Egyptian cat', 0.62)]]
    """
    classifier = open_classifier(subject, classes=classes, preprocessing=preprocessing, trust=trust)
    scores = classifier.scores(photographs, crops=crops)
    labels = classifier.classes or tuple(f"class {k}" for k in range(scores.shape[1]))
    return [
        [(name, score) for _, name, score in best]
        for best in decode_predictions(scores, top, labels)
    ]
