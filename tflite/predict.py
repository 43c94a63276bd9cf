"""Photographs in, names out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_inception.classes import decode_predictions
from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.training.crops import views
from keras_inception.training.images import decode

from .subject import open_subject


def predict(
    what: str | Path,
    photographs: list[str | Path],
    top: int = 5,
    crops: int = 1,
    preprocessing: str | Preprocessing | None = None,
    classes: str | Path | None = None,
) -> list[list[tuple[str, float]]]:
    """The `top` classes of each photograph, best first: (name, probability).

    `what`, `preprocessing` and `classes` are as for `open_subject`; `crops` views of a photograph
    are averaged. Raises BadInput for a photograph that is missing or cannot be read.
    """
    subject = open_subject(what, preprocessing, classes)
    labels = subject.origin.classes or None
    answers = []
    for path in photographs:
        image = _photograph(Path(path), "L" if subject.channels == 1 else "RGB")
        seen = views(image, subject.size, subject.origin.preprocessing, crops)
        shape = (len(seen), subject.size, subject.size, subject.channels)
        stacked = np.stack([np.asarray(view) for view in seen]).reshape(shape)
        scores = subject.scores(subject.origin.preprocessing(stacked)).mean(axis=0)
        if labels is None:
            labels = tuple(f"class {k}" for k in range(len(scores)))
        (best,) = decode_predictions(scores[None], top, labels)
        answers.append([(name, score) for _, name, score in best])
    return answers


def _photograph(path: Path, mode: str):
    if not path.is_file():
        raise BadInput(f"there is no photograph {str(path)!r}")
    try:
        return decode(path.read_bytes(), mode)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} is not an image that can be read: {error}") from error
