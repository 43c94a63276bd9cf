"""What the numbers that a network gives for an image are: a kind of output is a value, which knows
what its network ends in, how it is scored, and how close two answers are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .errors import BadInput
from .metrics import (
    AnyScores,
    LabelScores,
    NumberScores,
    Scores,
    score,
    score_labels,
    score_numbers,
)

#: How often the images' labels are shuffled to see how well guessing finds them.
_DRAWS = 19
#: How near a file's numbers are to be, of their spread over images, and how alike its vectors.
NEAR, COSINE = 0.1, 0.99


@dataclass(frozen=True)
class Kind(ABC):
    """A kind of output.

    name: as on the command line; `what` in words.
    ends: the activation that its networks end in, "linear" for none.
    alike: what `same` says of two answers.
    """

    name: str
    what: str
    ends: str
    alike: str

    @abstractmethod
    def of(self, scores: np.ndarray, ended: bool) -> np.ndarray:
        """What is meant by a network's `scores`, (n, outputs), which are those after the activation
        if `ended`."""

    @abstractmethod
    def score(self, values: np.ndarray, truth: np.ndarray, part: str = "") -> AnyScores:
        """How good `values`, (n, outputs), are."""

    @abstractmethod
    def loss(self, truth: np.ndarray) -> str | Callable:
        """What training makes small, as `compile` of any Keras takes it. Here and below `truth` is
        what is right of the images, as for `score`."""

    @abstractmethod
    def chance(self, values: np.ndarray, truth: np.ndarray) -> str:
        """What says that `values` are no better than guesses; empty if they are."""

    @abstractmethod
    def same(self, values: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """Whether two networks' answers to each image, (n, outputs), come to the same, (n,)."""

    def best(self, values: np.ndarray, names: Sequence[str], top: int) -> list[tuple[str, float]]:
        """What one image's values say: all of them, in their order."""
        return [(name, float(value)) for name, value in zip(names, values, strict=True)]


class _Probabilities(Kind):
    """Outputs of which the likeliest are told."""

    def best(self, values, names, top):
        order = np.argsort(-values, kind="stable")[:top]
        return [(names[k], float(values[k])) for k in order]


class _Classes(_Probabilities):
    """One of several classes; one number is the probability of the second of two."""

    def of(self, scores, ended):
        if scores.shape[1] == 1:
            second = scores if ended else _sigmoid(scores)
            return np.concatenate([1 - second, second], axis=1)
        return scores if ended else _softmax(scores)

    def score(self, values, truth, part="") -> Scores:
        return score(values, truth, part)

    def loss(self, truth):
        return "sparse_categorical_crossentropy"

    def chance(self, values, truth):
        found, guess = self.score(values, truth), 1 / len(np.unique(truth))
        if found.interval[0] > guess:
            return ""
        return (
            f"is right on {found.top1:.1%} of {found.images} images, where guessing is on "
            f"{guess:.1%}"
        )

    def same(self, values, expected):
        return values.argmax(axis=1) == expected.argmax(axis=1)


class _Labels(_Probabilities):
    """Any number of labels."""

    def of(self, scores, ended):
        return scores if ended else _sigmoid(scores)

    def score(self, values, truth, part="") -> LabelScores:
        return score_labels(values, truth, part)

    def loss(self, truth):
        return "binary_crossentropy"

    def chance(self, values, truth):
        found, draw = self.score(values, truth).mean_precision, np.random.default_rng(0)
        others = (self.score(values, draw.permutation(truth)) for _ in range(_DRAWS))
        if found >= (most := max(other.mean_precision for other in others)):
            return ""
        return (
            f"finds the labels of {len(truth)} images with a mean average precision of "
            f"{found:.4f}, and those of the images in another order with up to {most:.4f}"
        )

    def same(self, values, expected):
        return ((values >= 0.5) == (expected >= 0.5)).all(axis=1)


class _Numbers(Kind):
    """Numbers as they are."""

    def of(self, scores, ended):
        return scores

    def score(self, values, truth, part="") -> NumberScores:
        return score_numbers(values, truth, part)

    def loss(self, truth):
        # Of numbers in thousands a step would be a million times as far.
        units = np.maximum(truth.std(axis=0), 1).tolist()

        def squares(right, values):  # Column by column, as tensors of every framework can.
            columns = (((values[:, k] - right[:, k]) / u) ** 2 for k, u in enumerate(units))
            return sum(columns) / len(units)

        return squares

    def chance(self, values, truth):
        found = self.score(values, truth)
        return f"has {found}: the mean number does as well for each" if found.r2 <= 0 else ""

    def same(self, values, expected):
        spread = np.maximum(expected.std(axis=0), np.finfo(np.float32).tiny)
        return (np.abs(values - expected) <= NEAR * spread).all(axis=1)


class _Features(_Numbers):
    """A vector whose direction counts. None is the right one."""

    def score(self, values, truth, part="") -> NumberScores:
        raise BadInput(
            "features have no right answer to be compared with; export says how close a file's are "
            "to its model's"
        )

    def same(self, values, expected):
        lengths = np.linalg.norm(values, axis=1) * np.linalg.norm(expected, axis=1)
        cosines = (values * expected).sum(axis=1) / np.maximum(lengths, np.finfo(np.float32).tiny)
        return cosines >= COSINE


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _softmax(x: np.ndarray) -> np.ndarray:
    odds = np.exp(x - x.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


CLASSES = _Classes(
    "classes",
    "probabilities of classes, one of which is right",
    "softmax",
    "the file's first class is the model's",
)
LABELS = _Labels(
    "labels",
    "probabilities of labels, any number of which are right",
    "sigmoid",
    "the file decides on all labels as the model does",
)
NUMBERS = _Numbers(
    "numbers",
    "numbers as they are",
    "linear",
    f"the file's numbers are within {NEAR} of their spread of the model's",
)
FEATURES = _Features(
    "features",
    "a vector of features",
    "linear",
    f"the file's vector has a cosine of {COSINE} or more with the model's",
)
KINDS = {kind.name: kind for kind in (CLASSES, LABELS, NUMBERS, FEATURES)}


def kind_named(name: str) -> Kind:
    """The kind of this name. Raises BadInput if there is none."""
    if name not in KINDS:
        raise BadInput(f"an output is one of {', '.join(KINDS)}; got {name!r}")
    return KINDS[name]
