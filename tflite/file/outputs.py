"""Whether a file gives probabilities or logits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .flatbuffer import CONVERSIONS, kind, unpack
from .interpreter import File


def are_probabilities(content: bytes) -> bool:
    """Whether the output comes from a softmax or a sigmoid, its type perhaps changed since."""
    model = unpack(content)
    graph = model.subgraphs[0]
    tensor = graph.outputs[0]
    for operator in reversed(graph.operators):
        if tensor in operator.outputs:
            name = kind(model, operator)
            if name not in CONVERSIONS:
                return name in ("SOFTMAX", "LOGISTIC")
            tensor = operator.inputs[0]
    return False


def probabilities(file: File) -> Callable[[np.ndarray], np.ndarray]:
    """`file.scores`, or if the file gives logits, the softmax of them."""
    if are_probabilities(file.content):
        return file.scores

    def softmax(images: np.ndarray) -> np.ndarray:
        logits = file.scores(images)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    return softmax
