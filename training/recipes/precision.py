"""Which precision to train in, on whatever device the backend has."""

from __future__ import annotations

import keras


def on_gpu() -> bool:
    """Whether Keras' backend computes on a GPU here."""
    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.is_available()
    return any(d.startswith(("gpu", "cuda")) for d in keras.distribution.list_devices())


def resolve(precision: str) -> str:
    """The dtype policy for "auto": mixed_float16 on a GPU, float32 on a CPU.

    A CPU has no float16 arithmetic to gain from.
    """
    if precision != "auto":
        return precision
    return "mixed_float16" if on_gpu() else "float32"
