"""The probabilities that a file gives, or that its logits stand for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .interpreter import File


def probabilities(file: File) -> Callable[[np.ndarray], np.ndarray]:
    """`file.scores`, or if the file gives logits, the softmax of them."""
    if file.graph.gives_probabilities:
        return file.scores

    def softmax(images: np.ndarray) -> np.ndarray:
        logits = file.scores(images)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    return softmax
