"""Input that a person can put right, a person who wants to stop, and others that are gone."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

#: What is not installed with every copy: by the name it is imported under, its own, and our extra.
EXTRAS = {
    "tensorflow": ("tensorflow", "train"),
    "tensorboard": ("tensorboard", "train"),
    "tf_keras": ("tf_keras", "tflite"),
    "tensorflow_model_optimization": ("tensorflow-model-optimization", "tflite"),
    "ai_edge_litert": ("ai-edge-litert", "tflite"),
    "flatbuffers": ("flatbuffers", "tflite"),
    "sklearn": ("scikit-learn", "demo"),
}


class BadInput(ValueError):
    """What was given, what is needed, what to do: one sentence, shown without a traceback."""


class MissingPackage(BadInput, ImportError):
    """What needs which package, and the command that installs it."""


class Stopped(KeyboardInterrupt):
    """The signal `number` asked for an end; the sentence says what was kept."""

    def __init__(self, number: int, sentence: str):
        super().__init__(sentence)
        self.number = number


class Lost(ConnectionError):
    """The processes of a run no longer compute together; the sentence says what to do."""


def missing_package(error: ModuleNotFoundError, what: str = "this") -> MissingPackage | None:
    """The sentence for an import that `what` failed at; None if no extra of ours has the module."""
    name = (error.name or "").partition(".")[0]
    if "keras" not in sys.modules and _inside_keras(error):
        return MissingPackage(
            'keras has no backend here: pip install "keras-inception[train]" for TensorFlow, or '
            "jax or torch with KERAS_BACKEND=jax|torch"
        )
    if name not in EXTRAS:
        return None
    package, extra = EXTRAS[name]
    return MissingPackage(
        f'{what} needs {package}, which is not installed: pip install "keras-inception[{extra}]"'
    )


def _inside_keras(error: ModuleNotFoundError) -> bool:
    """Whether a module of Keras' own asked for what is missing. If `import keras` failed at it,
    Keras is imported no more; if a function of Keras did, it still is."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(f.f_globals.get("__name__", "").startswith("keras.") for f, _ in frames)


@contextmanager
def needed_by(what: str) -> Iterator[None]:
    """Imports inside this block raise MissingPackage, which says what needs them, and our extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = missing_package(error, what)
        if missing is None:
            raise
        raise missing from error
