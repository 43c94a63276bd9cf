"""Labelled images: where they come from, how they are split, and batches of them."""

from __future__ import annotations

import logging

import numpy as np

from keras_inception.errors import BadInput

from . import sources
from .examples import Examples, Split

__all__ = ["Examples", "Split", "load"]

log = logging.getLogger(__name__)


def load(source: str, holdout: float = 0.2, seed: int = 0) -> Split:
    """The data set `source` names, as `recipes.DATA` lists them.

    Of sets that are not split already, `holdout` of each class is kept for evaluation, drawn with
    `seed`. Images to train on that are to be evaluated on as well are left out of the training.
    Raises BadInput for a source that cannot be used.
    """

    return _apart(sources.read(source, holdout, seed))


def _apart(split: Split) -> Split:
    """The split without the training images that are evaluated on as well.

    It is the training part that gives way, so that scores stay comparable with those of others.
    """
    seen = set(split.test.digests)
    shared = np.array([digest in seen for digest in split.train.digests], bool)
    if not shared.any():
        return split
    log.warning(
        "%d of %d images to train on are to be evaluated on as well, and are left out: %s",
        shared.sum(),
        len(split.train),
        ", ".join(split.train.name(i) for i in np.flatnonzero(shared)[:3]),
    )
    if shared.all():
        raise BadInput("every image to train on is also to be evaluated on; split the set anew")
    return Split(split.train.take(np.flatnonzero(~shared)), split.test)
