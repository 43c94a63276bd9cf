"""How far an exported file is from the float model, on the images that it was calibrated on."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

log = logging.getLogger(__name__)

#: The share of images whose first class is to be the model's.
ENOUGH = 0.98


@dataclass(frozen=True)
class Closeness:
    """Of so many `images`: on how many of them the first class is the model's, and what the
    probabilities of an image differ by, at most, in the middle one and in the worst."""

    first_class_equal: int
    images: int
    median: float
    largest: float

    @property
    def is_enough(self) -> bool:
        return self.first_class_equal >= ENOUGH * self.images

    def __str__(self):
        return (
            f"the file's first class is the model's on {self.first_class_equal} of {self.images} "
            f"calibration images; probabilities differ by {self.median:.3f} in the middle and "
            f"{self.largest:.3f} at most"
        )

    def say(self) -> None:
        """Say it, and if it is not enough, what helps."""
        if self.is_enough:
            log.info("%s", self)
            return
        log.warning(
            "%s: what helps is more calibration images of the kind that will be classified, "
            "fine-tuning (keras-inception quantize), or activations of 16 bits (--scheme int16x8)",
            self,
        )


def closeness(found: np.ndarray, expected: np.ndarray) -> Closeness:
    """Compare a file's probabilities, (n, classes), with the model's."""
    differences = np.abs(found - expected).max(axis=1)
    same = found.argmax(axis=1) == expected.argmax(axis=1)
    return Closeness(
        int(same.sum()), len(found), float(np.median(differences)), float(differences.max())
    )
