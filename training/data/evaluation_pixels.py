"""Images as they are evaluated, without any framework: the centre of each, stacked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from keras_inception.crops import stacked
from keras_inception.images import centre
from keras_inception.metrics import Scores, score
from keras_inception.preprocess import Preprocessing

from .examples import Examples

#: Bytes of decoded images that are kept.
KEPT = 1 << 30
_PART = 128


def pixels(examples: Examples, size: int, expected: Preprocessing, indices=None) -> np.ndarray:
    """Evaluation images, (n, size, size, channels) uint8: the centre, no randomness."""
    indices = range(len(examples)) if indices is None else indices
    return stacked([centre(examples.image(i), size, expected) for i in indices], examples.channels)


class EvaluationPixels:
    """Evaluation images in parts, (n, size, size, channels) uint8, as often as they are asked for:
    decoded once if they fit into KEPT bytes, and else each time."""

    def __init__(self, examples: Examples, size: int, expected: Preprocessing):
        self.examples, self.size, self.expected = examples, size, expected
        fit = len(examples) * size * size * examples.channels <= KEPT
        self._kept = pixels(examples, size, expected) if fit else None

    def __iter__(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self.examples), _PART):
            if self._kept is not None:
                yield self._kept[start : start + _PART]
            else:
                chosen = range(start, min(start + _PART, len(self.examples)))
                yield pixels(self.examples, self.size, self.expected, chosen)

    def score(self, scores: Callable[[np.ndarray], np.ndarray]) -> Scores:
        """How well pixels' `scores`, probabilities (n, classes), are those of the labels."""
        found = np.concatenate([scores(part) for part in self])
        return score(found, self.examples.labels, self.examples.part)
