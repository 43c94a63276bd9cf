"""Engines of quantization-aware training, by name: from a float model to a fake-quantized one.

Each offers `quantize(model, images, input_range)`, which calibrates and fails unless the copy with
fake quantization off equals the model, `fake_quantization_off()`, and `fine_tune(quantized,
batches, epochs, learning_rate, callbacks, precision)`. `KERAS` is the Keras module of its models.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from keras_inception.errors import BadInput
from keras_inception.layers import default_keras

ENGINES = {
    "tfmot": "tensorflow-model-optimization, on a tf_keras twin",
    "keras": "fake quantization in Keras 3, on the model itself, in mixed precision too",
}


def engine(name: str) -> ModuleType:
    """The engine of that name. Raises BadInput if there is none, or if it cannot work here."""
    if name not in ENGINES:
        raise BadInput(f"engine must be one of {', '.join(ENGINES)}; got {name!r}")
    if name == "keras" and default_keras().backend.backend() != "tensorflow":
        raise BadInput(
            "the engine keras needs TensorFlow, which converts its models: set "
            "KERAS_BACKEND=tensorflow, or take the engine tfmot"
        )
    return import_module(f"{__name__}.{'keras3' if name == 'keras' else name}")
