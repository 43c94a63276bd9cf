"""Whether an INT8 file computes what the fake-quantized model it came from computes.

Both are compared before the softmax, or the sigmoids, too, where outputs are still evenly spaced:
one step of a logit can move a probability by many of its 256 steps. An untrained network is the
other way round: its logits are smaller than the rounding of what they are summed from, and its
probabilities equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_inception.outputs import CLASSES, Kind
from keras_inception.preprocess import Preprocessing

from ..file.graph import Graph
from ..file.interpreter import File
from ..qat.fake_quantized import FakeQuantized

#: Local response normalization takes logarithms, which make many steps of one: outputs that differ
#: by so much of their spread are in agreement, though not by a step. A wrong network is at 1.
NOISE = 0.05


@dataclass(frozen=True)
class Agreement:
    """logits, probabilities: fractions within one quantization step (1/256 for a probability), of
    other outputs than probabilities both the same; same: fraction of images with the same answer,
    in the sense of the outputs' kind; noise: what the logits differ by over their spread, both as
    standard deviations."""

    logits: float
    same: float
    probabilities: float
    noise: float
    images: int

    @property
    def holds(self) -> bool:
        within = max(self.logits, self.probabilities) >= 0.99 or self.noise <= NOISE
        return within and self.same >= 0.99

    def __str__(self):
        return (
            f"of the fake-quantized model's outputs, {self.logits:.2%} of logits and "
            f"{self.probabilities:.2%} of probabilities are within one step, "
            f"answers are equal on {self.same:.2%} of {self.images} images; the logits differ by "
            f"{self.noise:.2%} of their spread"
        )


def agreement(
    graph: Graph,
    quantized: FakeQuantized,
    pixels: np.ndarray,
    expected: Preprocessing,
    kind: Kind = CLASSES,
) -> Agreement:
    """Compare a file, of outputs of this kind, with the fake-quantized `quantized` on images of
    0..255.

    The model takes them preprocessed as `expected`, the file as far as that is left to its user.
    """
    images, given = expected(pixels), expected.caller(pixels)
    before = File(graph.without_softmax())
    scores = File(graph).probabilities(given, kind)
    network, bounded = quantized.network, kind.ends != "linear"
    logits = network.maker[network.output].inputs[0] if bounded else network.output
    outputs, exact = quantized.outputs(
        images, {"scores": network.output, "logits": logits}
    ).values()
    computed = before.scores(given)
    step = 1 / 256 if bounded else before.output_step
    return Agreement(
        float((np.abs(computed - exact) <= 1.001 * before.output_step).mean()),
        float(kind.same(scores, outputs).mean()),
        float((np.abs(scores - outputs) <= 1.001 * step).mean()),
        float(np.std(computed - exact) / (np.std(exact) or 1)),
        len(images),
    )
