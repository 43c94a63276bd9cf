"""Quantization-aware training: fake-quantized copies of plain networks, by two engines."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from keras_inception.errors import BadInput

if TYPE_CHECKING:
    from .fake_quantized import FakeQuantized

ENGINES = {
    "tfmot": "tensorflow-model-optimization, on a copy in tf_keras",
    "keras": "fake quantization in Keras 3, on any backend, in mixed precision too",
}
_CLASSES = {"tfmot": "TfmotFakeQuantized", "keras": "KerasFakeQuantized"}


def engine(name: str) -> type[FakeQuantized]:
    """The class of fake-quantized copies that the engine of that name makes. Raises BadInput if
    there is none."""
    if name not in ENGINES:
        raise BadInput(f"engine must be one of {', '.join(ENGINES)}; got {name!r}")
    # tensorflow-model-optimization is imported by whoever trains with it alone.
    return getattr(import_module(f"{__name__}.{name}_engine"), _CLASSES[name])
