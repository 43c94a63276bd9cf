"""Local response normalization in integers: square, banded sum, logarithm, product, exponential.

TFLite's own operator has no integer kernel and takes two thirds of an INT8 GoogLeNet's time.
The same function, x * (bias + alpha * sum of squares) ** -beta, made of operators that have one
needs its ranges given: the converter's calibrator records the factor's wrongly
(tensorflow/tensorflow#127842), and the sum has a tail that would cost the rest its precision.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
import tf_keras

from keras_inception.layers import local_response_normalization

#: Sums are clipped at this percentile of those on the calibration images.
PERCENTILE = 99.5


def _sums(squares, depth_radius: int, bias: float, alpha: float):
    """bias + alpha * (the sum over the nearest channels), in rows of n channels.

    (batch, height, width, channels) -> (batch, height * width, channels / n, n): a convolution over
    neighbouring rows of n channels has a sixth of the products of one with a band over all of them.
    """
    _, height, width, channels = squares.shape
    n = math.gcd(channels, 16)
    reach = -(-depth_radius // n)
    inputs, outputs = np.arange(-reach * n, (1 + reach) * n), np.arange(n)
    near = np.abs(inputs[:, None] - outputs) <= depth_radius
    band = tf.constant(near.reshape(1, 1 + 2 * reach, n, n) * alpha, tf.float32)
    rows = tf.reshape(squares, (-1, height * width, channels // n, n))
    return tf.nn.bias_add(tf.nn.conv2d(rows, band, 1, "SAME"), tf.fill([n], bias))


class IntegerLRN(tf_keras.layers.Layer):
    """Local response normalization with `largest_sum` as its sum's upper end, fake-quantized.

    Maps (batch, height, width, channels) to the same shape, float32. The other constants are
    those of spec.LRN.
    """

    def __init__(self, depth_radius, bias, alpha, beta, largest_sum, **kwargs):
        super().__init__(**kwargs)
        self.constants = {"depth_radius": depth_radius, "bias": bias, "alpha": alpha, "beta": beta}
        self.largest_sum = largest_sum

    def call(self, x):
        radius, bias, alpha, beta = self.constants.values()
        ranged = tf.quantization.fake_quant_with_min_max_args
        lowest, highest = np.log(bias), np.log(self.largest_sum)
        squares = ranged(x * x, 0, (self.largest_sum - bias) / alpha)
        sums = ranged(_sums(squares, radius, bias, alpha), 0, self.largest_sum)
        sums = tf.reshape(sums, (-1, *x.shape[1:]))
        logs = ranged(tf.math.log(sums), min(0, lowest), highest)
        powers = ranged(logs * -beta, -beta * highest, max(0, -beta * lowest))
        return x * ranged(tf.exp(powers), 0, bias**-beta)

    def get_config(self):
        return {**super().get_config(), **self.constants, "largest_sum": self.largest_sum}


def in_integers(model, images: np.ndarray):
    """The tf_keras `model` with its local response normalizations made of integer operators.

    `images` are preprocessed calibration images, (n, height, width, channels) float32.
    """
    float_layer = local_response_normalization(tf_keras)
    layers = [layer for layer in model.layers if type(layer) is float_layer]
    if not layers:
        return model
    probe = tf_keras.Model(model.inputs, {layer.name: layer.input for layer in layers})
    sums = {layer.name: [] for layer in layers}
    for image in images:
        maps = probe(image[None])
        for layer in layers:
            radius, bias, alpha, _ = layer.constants.values()
            # Neighbouring positions hardly differ: every second one is plenty.
            squares = maps[layer.name][:, ::2, ::2] ** 2
            sums[layer.name].append(_sums(squares, radius, bias, alpha).numpy())
    # A step of at most the bias keeps the smallest sum away from 0, which has no logarithm.
    largest = {
        layer.name: min(
            float(np.percentile(sums[layer.name], PERCENTILE)), 255 * layer.constants["bias"]
        )
        for layer in layers
    }

    def replaced(layer):
        if type(layer) is not float_layer:
            return layer.__class__.from_config(layer.get_config())
        return IntegerLRN(**layer.constants, largest_sum=largest[layer.name], name=layer.name)

    clone = tf_keras.models.clone_model(model, clone_function=replaced)
    clone.set_weights(model.get_weights())
    return clone
