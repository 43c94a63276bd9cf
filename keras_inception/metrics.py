"""Top-1, top-5 and loss of class probabilities, whatever computed them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import BadInput


@dataclass(frozen=True)
class Scores:
    """Fractions in 0..1 of images whose class is the first (one of the first five) guessed;
    loss is the mean cross-entropy in nats, with probabilities clipped at 1e-7.

    `part` is the part of a split that the images are: "validation", by which something was chosen;
    "test"; "held-out", which served as both; or "" for others.
    """

    top1: float
    top5: float
    loss: float
    images: int
    part: str = ""

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
        part = f"{self.part} " if self.part else ""
        return (
            f"top-1 {self.top1:.4f} ({low:.4f} to {high:.4f})  top-5 {self.top5:.4f}  "
            f"loss {self.loss:.4f}  on {self.images} {part}images"
        )


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
    )
