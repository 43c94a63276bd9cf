"""How far an exported file is from the float model, on the images that it was calibrated on."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from keras_inception.outputs import CLASSES, Kind

log = logging.getLogger(__name__)

#: The share of images whose answer is to be the model's.
ENOUGH = 0.98


@dataclass(frozen=True)
class Closeness:
    """Of so many `images`: on how many of them the answer is the model's, in the sense of `alike`,
    and what the outputs for an image differ by, at most, in the middle one and in the worst."""

    alike: str
    same: int
    images: int
    median: float
    largest: float

    @property
    def is_enough(self) -> bool:
        return self.same >= ENOUGH * self.images

    def __str__(self):
        return (
            f"{self.alike} on {self.same} of {self.images} calibration images; outputs differ by "
            f"{self.median:.3f} in the middle and {self.largest:.3f} at most"
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


def closeness(found: np.ndarray, expected: np.ndarray, kind: Kind = CLASSES) -> Closeness:
    """Compare a file's outputs, (n, outputs) of this kind, with the model's."""
    differences = np.abs(found - expected).max(axis=1)
    same = int(kind.same(found, expected).sum())
    middle, largest = float(np.median(differences)), float(differences.max())
    return Closeness(kind.alike, same, len(found), middle, largest)
