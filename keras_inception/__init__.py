"""Inception networks for Keras: from `import keras_inception` to an INT8 file on a phone.

Importing this module imports no framework; building a network imports Keras.
"""

from . import blocks
from .applications import (
    GoogLeNet,
    InceptionBN,
    InceptionResNetV1,
    InceptionResNetV2,
    InceptionV1,
    InceptionV2,
    InceptionV3,
    InceptionV4,
)
from .build import build
from .classes import decode_predictions
from .errors import BadInput
from .saving import load_model, register_layers
from .verbs import features, freeze, preprocess_input, without_aux

__version__ = "0.1.0"
__all__ = [
    "BadInput",
    "GoogLeNet",
    "InceptionBN",
    "InceptionResNetV1",
    "InceptionResNetV2",
    "InceptionV1",
    "InceptionV2",
    "InceptionV3",
    "InceptionV4",
    "blocks",
    "build",
    "decode_predictions",
    "features",
    "freeze",
    "load_model",
    "preprocess_input",
    "register_layers",
    "without_aux",
]
