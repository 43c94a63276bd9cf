"""Images as they are evaluated, without any framework: the centre of each, stacked."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from keras_inception.crops import stacked
from keras_inception.images import centre
from keras_inception.metrics import Scores, score
from keras_inception.preprocess import Preprocessing

from .examples import Examples, Split

#: Bytes of decoded images that a command keeps.
KEPT = 1 << 30
_PART = 128


def pixels(examples: Examples, size: int, expected: Preprocessing, indices=None) -> np.ndarray:
    """Evaluation images, (n, size, size, channels) uint8: the centre, no randomness."""
    indices = range(len(examples)) if indices is None else indices
    return stacked([centre(examples.image(i), size, expected) for i in indices], examples.channels)


class EvaluationPixels:
    """Images as they are evaluated, uint8, as often as they are asked for: each is decoded once if
    all of them fit into `bound` bytes, and else each time."""

    def __init__(self, examples: Examples, size: int, expected: Preprocessing, bound: int = KEPT):
        self.examples, self.size, self.expected = examples, size, expected
        shape = (len(examples), size, size, examples.channels)
        self.kept_bytes = math.prod(shape) if math.prod(shape) <= bound else 0
        self._kept = np.empty(shape, np.uint8) if self.kept_bytes else None
        self._known = np.zeros(len(examples), bool)

    def __len__(self) -> int:
        return len(self.examples)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Those at `indices`, (n, size, size, channels)."""
        if self._kept is None:
            return pixels(self.examples, self.size, self.expected, indices)
        missing = indices[~self._known[indices]]
        if len(missing):
            self._kept[missing] = pixels(self.examples, self.size, self.expected, missing)
            self._known[missing] = True
        return self._kept[indices]

    def decode(self) -> None:
        """All of them, now. Raises BadInput for one that cannot be read: to leave it out of an
        evaluation would change the score."""
        with ThreadPoolExecutor() as pool:
            for _ in pool.map(self.take, np.arange(len(self))[:, None]):
                pass

    def score(self, scores: Callable[[np.ndarray], np.ndarray]) -> Scores:
        """How well pixels' `scores`, probabilities (n, classes), are those of the labels."""
        return score(self.every(scores), self.examples.labels, self.examples.part)

    def every(self, scores: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """What `scores` gives for pixels, (n, outputs), of all of them."""
        every = np.arange(len(self))
        parts = [scores(self.take(every[at : at + _PART])) for at in every[::_PART]]
        return np.concatenate(parts)


@dataclass(frozen=True)
class RunImages:
    """The images of a run: to train on, and as they are evaluated, to choose by and to test on."""

    train: Examples
    validation: EvaluationPixels
    test: EvaluationPixels

    @classmethod
    def of(cls, split: Split, size: int, expected: Preprocessing) -> RunImages:
        """Of both parts that are evaluated KEPT bytes at most are kept."""
        validation = EvaluationPixels(split.validation, size, expected)
        if split.validation is split.test:
            return cls(split.train, validation, validation)
        rest = KEPT - validation.kept_bytes
        return cls(split.train, validation, EvaluationPixels(split.test, size, expected, rest))
