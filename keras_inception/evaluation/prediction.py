"""Photographs in, names out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_inception.errors import BadInput
from keras_inception.outputs import CLASSES
from keras_inception.preprocess import NAMED, Preprocessing, Unsaid

from .classifier import Classifier, open_classifier

log = logging.getLogger(__name__)

#: What stands for the preprocessing of what says it.
ITS_OWN = "as it says"


def predict(
    subject: Any,
    *,
    photographs: str | Path | Sequence[Any],
    classes: str | Path | None = None,
    preprocessing: str | Preprocessing | None = None,
    image_size: int | None = None,
    kind: str | None = None,
    head: str | None = None,
    crops: int = 1,
    top: int = 5,
    trust: bool = False,
) -> list[list[tuple[str, float]]]:
    """The `top` classes or labels of each photograph, best first: (name, probability in 0..1); or
    all of its numbers: (name, number).

    subject, classes, preprocessing, image_size, kind, head, trust: as for `open_classifier`.
    photographs, crops: as for `Classifier.scores`.

    Raises BadInput for a photograph that is missing or cannot be read.

    >>> import keras_inception
    >>> keras_inception.predict(
    ...     "inception_v3.keras_in1k", photographs="cat.jpg", top=1
    ... )  # doctest: +SKIP
    [[('Egyptian cat', 0.62)]]
    """
    said = {"preprocessing": preprocessing, "kind": kind, "head": head, "trust": trust}
    classifier = open_classifier(subject, classes=classes, image_size=image_size, **said)
    scores, of = classifier.scores(photographs, crops=crops), classifier.kind
    one = "class" if of is CLASSES else of.name.removesuffix("s")
    names = classifier.classes or tuple(f"{one} {k}" for k in range(scores.shape[1]))
    return [of.best(row, names, top) for row in scores]


def by_each_preprocessing(subject: Any, **said: Any) -> dict[str, Classifier]:
    """`subject` by every preprocessing in NAMED that it can be given, under its name; or, where it
    says itself what it expects, once, under ITS_OWN. What else is `said` is as for
    `open_classifier`.

    Raises BadInput as `open_classifier` does, but for preprocessing.
    """
    try:
        return {ITS_OWN: open_classifier(subject, **said)}
    except Unsaid:
        found, opened, refused = {}, None, None
    for name, expected in NAMED.items():
        try:
            if opened is None:
                opened = open_classifier(subject, preprocessing=name, **said)
            found[name] = opened.expecting(expected)
        except BadInput as error:
            log.info("not by %s: %s", name, error)
            refused = error
    if refused and not found:
        raise refused
    return found
