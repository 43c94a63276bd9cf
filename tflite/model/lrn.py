"""Local response normalization in integers: square, banded sum, logarithm, product, exponential.

TFLite's own operator has no integer kernel and takes two thirds of an INT8 GoogLeNet's time.
The same function, x * (bias + alpha * sum of squares) ** -beta, made of operators that have one
needs its ranges given, for every engine: the sum has a tail that would cost the rest its precision.
"""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType

import numpy as np
import tensorflow as tf

from keras_inception.layers import keras_of, local_response_normalization

from .fake_quant import is_on

#: Sums are clipped at this percentile of those on the calibration images.
PERCENTILE = 99.5
#: Of so many channels or fewer the sum is one band over all.
FEW = 64


def _sums(squares, depth_radius: int, bias: float, alpha: float):
    """bias + alpha * (the sum over the nearest channels), in rows of n channels.

    (batch, height, width, channels) -> (batch, height * width, channels / n, n): a convolution over
    neighbouring rows of n channels has a quarter of the products of one with a band over all of
    192. Of FEW channels the band costs as little as bringing them into rows.
    """
    _, height, width, channels = squares.shape
    n = channels if channels <= FEW else math.gcd(channels, 16)
    reach = 0 if n == channels else -(-depth_radius // n)
    inputs, outputs = np.arange(-reach * n, (1 + reach) * n), np.arange(n)
    near = np.abs(inputs[:, None] - outputs) <= depth_radius
    band = tf.constant(near.reshape(1, 1 + 2 * reach, n, n) * alpha, tf.float32)
    rows = tf.reshape(squares, (-1, height * width, channels // n, n))
    return tf.nn.bias_add(tf.nn.conv2d(rows, band, 1, "SAME"), tf.fill([n], bias))


def _ranged(x, low: float, high: float):
    return tf.quantization.fake_quant_with_min_max_args(x, low, high) if is_on() else x


@cache
def integer_lrn(keras: ModuleType) -> type:
    """The IntegerLRN layer class for `keras`; Keras 3 has to compute with TensorFlow."""

    class IntegerLRN(local_response_normalization(keras)):
        """Local response normalization, fake-quantized, its sums at most `largest_sum`, its inputs'
        squares at most `largest_square`, its outputs within `bounds`, if given.

        Maps (batch, height, width, channels) to the same shape and dtype; computes in float32. The
        other constants are those of spec.LRN.
        """

        def __init__(self, largest_sum, largest_square, bounds=None, **constants):
            super().__init__(**constants)
            self.largest_sum, self.largest_square = largest_sum, largest_square
            self.bounds = bounds

        def call(self, inputs):
            x = tf.cast(inputs, tf.float32)
            radius, bias, alpha, beta = self.constants.values()
            lowest, highest = np.log(bias), np.log(self.largest_sum)
            squares = _ranged(x * x, 0, self.largest_square)
            sums = _ranged(_sums(squares, radius, bias, alpha), 0, self.largest_sum)
            sums = tf.reshape(sums, (-1, *x.shape[1:]))
            logs = _ranged(tf.math.log(sums), min(0, lowest), highest)
            powers = _ranged(logs * -beta, -beta * highest, max(0, -beta * lowest))
            outputs = x * _ranged(tf.exp(powers), 0, bias**-beta)
            if self.bounds:
                outputs = _ranged(outputs, *self.bounds)
            return tf.cast(outputs, self.compute_dtype)

        def get_config(self):
            return {
                **super().get_config(),
                "largest_sum": self.largest_sum,
                "largest_square": self.largest_square,
                "bounds": self.bounds,
            }

    return IntegerLRN


def in_integers(model, images: np.ndarray, bounded: bool = False):
    """The functional `model`, of either Keras, with its local response normalizations made of
    integer operators.

    `images` are preprocessed calibration images, (n, height, width, channels) float32. `bounded`
    gives the outputs the range that they have in float, for clipped sums make large ones too large;
    quantization-aware training brings its own.
    """
    keras = keras_of(model)
    integer_layer = integer_lrn(keras)
    float_layer = local_response_normalization(keras)
    layers = [layer for layer in model.layers if type(layer) is float_layer]
    if not layers:
        return model
    probe = keras.Model(model.input, {layer.name: layer.input for layer in layers})
    sums = {layer.name: [] for layer in layers}
    squares = dict.fromkeys(sums, 0.0)
    bounds = dict.fromkeys(sums, (0.0, 0.0))
    for image in images:
        maps = probe(image[None])
        for layer in layers:
            radius, bias, alpha, beta = layer.constants.values()
            here = maps[layer.name] ** 2
            totals = _sums(here, radius, bias, alpha)
            outputs = maps[layer.name] * tf.reshape(totals, here.shape) ** -beta
            low, high = bounds[layer.name]
            bounds[layer.name] = (
                min(low, float(tf.reduce_min(outputs))),
                max(high, float(tf.reduce_max(outputs))),
            )
            squares[layer.name] = max(squares[layer.name], float(tf.reduce_max(here)))
            # Neighbouring positions hardly differ: every second one is plenty.
            sums[layer.name].append(_sums(here[:, ::2, ::2], radius, bias, alpha).numpy())

    def replaced(layer):
        if type(layer) is not float_layer:
            return layer.__class__.from_config(layer.get_config())
        bias, alpha = layer.constants["bias"], layer.constants["alpha"]
        # A step of at most the bias keeps the smallest sum away from 0, which has no logarithm.
        largest = min(float(np.percentile(sums[layer.name], PERCENTILE)), 255 * bias)
        square = min(squares[layer.name], (largest - bias) / alpha)
        return integer_layer(
            **layer.constants,
            largest_sum=largest,
            largest_square=square,
            bounds=bounds[layer.name] if bounded else None,
            name=layer.name,
        )

    clone = keras.models.clone_model(model, clone_function=replaced)
    clone.set_weights(model.get_weights())
    return clone
