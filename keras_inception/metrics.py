"""How good a network's numbers are, whatever computed them: of classes top-1, top-5, loss and AUC,
of labels mean average precision, of numbers their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .errors import BadInput


class Ranked:
    """Scores of which one can be better: by the fields that `BETTER` names, 1 for those of which
    more is better and -1 for the others. The first stands in `CHIEF`."""

    BETTER: ClassVar[Mapping[str, int]]
    CHIEF: ClassVar[str]

    @property
    def rank(self) -> tuple[float, ...]:
        """Greater for the better."""
        return tuple(sign * getattr(self, name) for name, sign in self.BETTER.items())

    @property
    def chief(self) -> str:
        """What is looked at first, in words."""
        return self.CHIEF.format_map(vars(self))


@dataclass(frozen=True)
class Scores(Ranked):
    """Fractions in 0..1 of images whose class is the first (one of the first five) guessed;
    loss is the mean cross-entropy in nats, with probabilities clipped at 1e-7. `auc`, of two
    classes that are both there, is how often an image of the second has more of it than one of the
    first.

    `part` is the part of a split that the images are: "validation", by which something was chosen;
    "test"; "held-out", which served as both; or "" for others.
    """

    BETTER, CHIEF = {"top1": 1, "loss": -1}, "top-1 {top1:.4f}"

    top1: float
    top5: float
    loss: float
    images: int
    part: str = ""
    auc: float | None = None

    def __post_init__(self):
        if not (0 <= self.top1 <= self.top5 <= 1 and self.images > 0):
            raise BadInput(
                "top-1 is at most top-5 and both are in 0..1, on at least one image; got "
                f"{self.top1}, {self.top5} and {self.images}"
            )

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of top-1: what other images of the kind may well give."""
        return wilson(self.top1, self.images)

    def __str__(self):
        low, high = self.interval
        second = f"top-5 {self.top5:.4f}" if self.auc is None else f"AUC {self.auc:.4f}"
        return (
            f"top-1 {self.top1:.4f} ({low:.4f} to {high:.4f})  {second}  loss {self.loss:.4f}  "
            f"on {_images(self)}"
        )


@dataclass(frozen=True)
class LabelScores(Ranked):
    """Of images that have any number of labels: `mean_precision` is the mean over the labels of the
    average precision, in 0..1, of those that some images have, of which there are `labels`;
    `right` the share of all decisions, at a probability of a half, that are."""

    BETTER, CHIEF = {"mean_precision": 1, "right": 1}, "mAP {mean_precision:.4f}"

    mean_precision: float
    right: float
    labels: int
    images: int
    part: str = ""

    def __str__(self):
        return (
            f"mAP {self.mean_precision:.4f} of {self.labels} labels  "
            f"right at 0.5 {self.right:.4f}  on {_images(self)}"
        )


@dataclass(frozen=True)
class NumberScores(Ranked):
    """Of numbers: the mean absolute error, the root of the mean squared one, and `r2`, the share of
    the numbers' variance that is explained, below 0 if their mean explains more."""

    BETTER, CHIEF = {"mae": -1, "rmse": -1}, "MAE {mae:.6g}"

    mae: float
    rmse: float
    r2: float
    images: int
    part: str = ""

    def __str__(self):
        return f"MAE {self.mae:.6g}  RMSE {self.rmse:.6g}  R2 {self.r2:.4f}  on {_images(self)}"


AnyScores = Scores | LabelScores | NumberScores


def _images(scores) -> str:
    return f"{scores.images} {scores.part} images".replace("  ", " ")


def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share in 0..1 of `count` cases (Wilson 1927; z = 1.96 is 95 %)."""
    spread = z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (share * (1 - share) / count + spread / count / 4) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def score(probabilities: np.ndarray, labels: np.ndarray, part: str = "") -> Scores:
    """Scores of (n, classes) probabilities against (n,) labels; the first of equals wins."""
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
    hits = ranked == labels[:, None]
    own = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
    return Scores(
        float(hits[:, 0].mean()),
        float(hits.any(axis=1).mean()),
        float(-np.log(own).mean()),
        len(labels),
        part,
        auc(probabilities[:, 1], labels == 1) if probabilities.shape[1] == 2 else None,
    )


def auc(values: np.ndarray, positive: np.ndarray) -> float | None:
    """The area under the ROC curve of (n,) values; None unless some images are and some are not
    `positive`. Equal values count half."""
    count = int(positive.sum())
    if not 0 < count < len(values):
        return None
    _, where, several = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(several) - (several - 1) / 2)[where]
    above = ranks[positive].sum() - count * (count + 1) / 2
    return float(above / (count * (len(values) - count)))


def average_precision(values: np.ndarray, positive: np.ndarray) -> float:
    """The mean of the precision at each of the images that are `positive`, the best value first;
    those of equal values are found together."""
    _, where, several = np.unique(-values, return_inverse=True, return_counts=True)
    hits = np.bincount(where, weights=positive, minlength=len(several))
    precision = np.cumsum(hits) / np.cumsum(several)
    return float((precision * hits).sum() / positive.sum())


def score_labels(probabilities: np.ndarray, truth: np.ndarray, part: str = "") -> LabelScores:
    """Scores of (n, labels) probabilities against (n, labels) zeros and ones.

    Raises BadInput if no image has a label.
    """
    there = [k for k in range(truth.shape[1]) if truth[:, k].any()]
    if not there:
        raise BadInput("no image has a label: there is nothing to find; give images that have some")
    found = [average_precision(probabilities[:, k], truth[:, k] > 0) for k in there]
    right = ((probabilities >= 0.5) == (truth > 0)).mean()
    return LabelScores(float(np.mean(found)), float(right), len(there), len(truth), part)


def score_numbers(values: np.ndarray, truth: np.ndarray, part: str = "") -> NumberScores:
    """Scores of (n, numbers) values against as many."""
    errors = values.astype(np.float64) - truth
    spread = np.square(truth - truth.mean(axis=0)).sum()
    squares = np.square(errors).sum()
    r2 = 1 - squares / spread if spread else float("nan")
    mae, rmse = np.abs(errors).mean(), np.sqrt(np.square(errors).mean())
    return NumberScores(float(mae), float(rmse), float(r2), len(truth), part)
