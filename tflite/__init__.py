"""From a trained network to `.tflite` files for a phone, checked and measured."""

from typing import TYPE_CHECKING

from keras_inception.lazy import exports

if TYPE_CHECKING:
    from .exporting import Exported, export, quantize

__all__ = ["Exported", "export", "quantize"]
__getattr__, __dir__ = exports(__name__, dict.fromkeys(__all__, ".exporting"))
