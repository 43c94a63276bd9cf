"""Inception networks for Keras: from `import keras_inception` to an INT8 file on a phone.

Importing this module imports no framework; building a network imports Keras.
"""

from . import blocks
from .applications import GoogLeNet, InceptionV1
from .build import build, default_keras, main_output
from .errors import BadInput
from .spec import Network
from .transform import without_aux as _network_without_aux

__version__ = "0.1.0"
__all__ = [
    "BadInput",
    "GoogLeNet",
    "InceptionV1",
    "blocks",
    "build",
    "load_model",
    "without_aux",
]


def without_aux(model):
    """A model (or a Network) without its auxiliary heads.

    The model returned has one output and shares its layers with the one given, so its outputs
    are the same numbers as that one's first.
    """
    return _network_without_aux(model) if isinstance(model, Network) else main_output(model)


def load_model(path, compile=True):
    """A `.keras` file as a Keras 3 model; knows the layers of ours that stock Keras lacks.

    Models with batch normalization and no heads are all stock layers and load without us.
    """
    from .layers import headed_model, local_response_normalization

    keras = default_keras()
    headed_model(keras)
    local_response_normalization(keras)
    return keras.saving.load_model(path, compile=compile)
