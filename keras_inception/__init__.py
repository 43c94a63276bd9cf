"""Inception networks for Keras: from `import keras_inception` to an INT8 file on a phone.

Importing this module imports no framework; building a network imports Keras.
"""

from pathlib import Path
from typing import TYPE_CHECKING

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
from .builder import build
from .catalog import list_networks, list_weights, load_weights, network, preprocess_input
from .costs import measure
from .errors import BadInput
from .imagenet import decode_predictions
from .lazy import exports
from .preprocess import Preprocessing
from .saving import load_model, register_layers
from .spec import Network
from .surgery import features, freeze, without_aux
from .transform import widen, with_norm

if TYPE_CHECKING:
    from .evaluation.accuracy import evaluate
    from .evaluation.classifier import open_classifier
    from .evaluation.prediction import predict
    from .evaluation.run_report import report

# In a checkout `training/` and `tflite/` stand beside this folder; installed, they are inside it.
_ROOT = Path(__file__).resolve().parents[1]
if (_ROOT / "setup.cfg").is_file() and not (_ROOT / "keras_inception" / "training").exists():
    __path__.append(str(_ROOT))

__version__ = "0.1.0"
__getattr__, _ = exports(
    __name__,
    {
        "evaluate": ".evaluation.accuracy",
        "open_classifier": ".evaluation.classifier",
        "predict": ".evaluation.prediction",
        "report": ".evaluation.run_report",
    },
)
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
    "Network",
    "Preprocessing",
    "blocks",
    "build",
    "decode_predictions",
    "evaluate",
    "features",
    "freeze",
    "list_networks",
    "list_weights",
    "load_model",
    "load_weights",
    "measure",
    "network",
    "open_classifier",
    "predict",
    "preprocess_input",
    "register_layers",
    "report",
    "widen",
    "with_norm",
    "without_aux",
]


def __dir__() -> list[str]:
    return [*__all__, "__version__", "tflite", "training"]
