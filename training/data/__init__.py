"""Labelled images: where they come from, how they are split, and batches of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from numbers import Real

import numpy as np

from keras_inception.errors import BadInput

from ..recipes.recipe import Recipe
from . import grouping, sources
from .examples import Examples, Parts, Split, hold_out

__all__ = ["DataRef", "Examples", "Split"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataRef:
    """Labelled images by name, and how they are split: the same split wherever it is asked for.

    source: as `recipes.DATA` lists them.
    holdout: the share of each class that is kept for the test part, drawn with `seed`, where the
        source has no test part of its own.
    validation: the share of each class of the rest that is kept for the validation part, where the
        source has none of its own; 0 for runs that choose by the images that they report on.
    group_by: a regular expression; images in whose names it finds the same stay in one part: of its
        groups if it has any, as in "(person[0-9]+)_", or else the whole match. Names count from the
        folder of the source.

    Raises BadInput for shares outside of [0, 1), seeds outside of 0 .. 2**32 - 1, and what is no
    regular expression.
    """

    source: str
    holdout: float = 0.2
    seed: int = 0
    validation: float = 0.1
    group_by: str = ""

    def __post_init__(self):
        shares = (self.holdout, self.validation)
        if not all(isinstance(share, Real) and 0 <= share < 1 for share in shares):
            raise BadInput(f"holdout and validation must be in [0, 1); got {shares}")
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
            raise BadInput(f"seed must be a whole number below 2**32; got {self.seed!r}")
        if not isinstance(self.source, str):
            raise BadInput(f"images must be named by a text; got {self.source!r}")
        grouping.pattern(self.group_by)

    @classmethod
    def of(cls, recipe: Recipe) -> DataRef:
        """The images that a run of `recipe` takes."""
        return cls(recipe.data, recipe.holdout, recipe.seed, recipe.validation, recipe.group_by)

    def split(self) -> Split:
        """The images. Those to train on that are in another part as well are left out of the
        training, and those of the validation part that are in the test part out of it.

        Raises BadInput for a source that cannot be used.
        """
        return self.drawn(sources.read(self.source))

    def drawn(self, parts: Parts) -> Split:
        """`split` of what the source has. Raises BadInput if groups cannot be kept together."""
        if self.group_by:
            parts = grouping.grouped(parts, self.group_by, self.source)
        train, validation, test = parts
        if test is None:
            train, test = hold_out(train, self.holdout, self.seed)
            if missing := {*train.labels.tolist()} - {*test.labels.tolist()}:
                raise BadInput(
                    f"all images of class {train.classes[min(missing)]!r} are in one group of "
                    f"--group-by {self.group_by!r}: none can be held out to test on; group by less"
                )
        train = _without(train, test, "to train on", "to test on")
        if validation is None and self.validation and len(train):
            # Not the numbers that drew the test part.
            train, validation = hold_out(train, self.validation, (self.seed, 1))
            if not len(validation):
                validation = None
                log.warning(
                    "no class of %s has an image to spare for validation: what is chosen is chosen "
                    "by the %d images that are reported on",
                    self.source,
                    len(test),
                )
        if validation is not None:
            validation = _without(validation, test, "for validation", "to test on")
            train = _without(train, validation, "to train on", "for validation")
        return Split.of(train, validation, test)


def _without(examples: Examples, others: Examples, what: str, also: str) -> Examples:
    """The examples that are not among the others: the part that scores are compared by stays."""
    seen = set(others.digests)
    shared = np.array([digest in seen for digest in examples.digests], bool)
    if not shared.any():
        return examples
    log.warning(
        "%d of %d images %s are there %s as well, and are left out: %s",
        shared.sum(),
        len(examples),
        what,
        also,
        ", ".join(examples.name(i) for i in np.flatnonzero(shared)[:3]),
    )
    if shared.all():
        raise BadInput(f"every image {what} is also there {also}; split the set anew")
    return examples.take(np.flatnonzero(~shared))
