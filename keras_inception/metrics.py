"""Top-1, top-5 and loss of class probabilities, whatever computed them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scores:
    """Fractions in 0..1 of images whose class is the first (one of the first five) guessed;
    loss is the mean cross-entropy in nats, with probabilities clipped at 1e-7."""

    top1: float
    top5: float
    loss: float
    images: int

    def __str__(self):
        return (
            f"top-1 {self.top1:.4f}  top-5 {self.top5:.4f}  loss {self.loss:.4f}  "
            f"on {self.images} images"
        )


def score(probabilities: np.ndarray, labels: np.ndarray) -> Scores:
    """Scores of (n, classes) probabilities against (n,) labels; the first of equals wins."""
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
    hits = ranked == labels[:, None]
    own = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
    return Scores(
        float(hits[:, 0].mean()),
        float(hits.any(axis=1).mean()),
        float(-np.log(own).mean()),
        len(labels),
    )
