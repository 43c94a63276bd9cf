"""Preprocessing inside a model: RGB pixels 0..255 in, what the network expects out."""

from __future__ import annotations

from types import ModuleType

from .layers import default_keras, reverse_channels
from .preprocess import Preprocessing


def preprocessed(
    expected: Preprocessing,
    input_shape: tuple[int | None, ...],
    input_tensor=None,
    keras: ModuleType | None = None,
):
    """A Keras tensor as the network expects it, of `input_tensor` or a new input of pixels.

    Both are (batch, *input_shape) and floating point.
    """
    keras = keras or default_keras()
    x = keras.Input(shape=input_shape, name="image") if input_tensor is None else input_tensor
    if expected.order == "BGR":
        x = reverse_channels(keras)(name="bgr")(x)
    scale, offset = expected.scale_and_offset
    return keras.layers.Rescaling(scale, offset, name="preprocessing")(x)
