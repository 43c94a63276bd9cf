"""Small networks: members of the family cut short, and what quantization has to get right."""

import re
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from keras_inception.costs import smallest_input
from keras_inception.spec import Aux, BatchNorm
from keras_inception.tflite.keras_graph.lowering import lower
from keras_inception.tflite.keras_graph.read import in_float32, read
from keras_inception.transform import widen, with_norm

#: What (pixel - 128) / 128 makes of all pixels.
RANGE = (-1.0, 127 / 128)
_AGAIN = re.compile(
    r"block\d+_([2-9]|1\d|20)|Mixed_5[c-e]|Mixed_6[c-h]|Mixed_7[cd]|inception_(3b|4[bc]|5a)"
)


def cut(net):
    """The network with one block of each kind, and its heads."""
    rows = [row for row in net.rows if not _AGAIN.fullmatch(row.name)]
    last = [row for row in net.rows if row.name == "block8_10"]
    rows[len(rows) - 1 : len(rows) - 1] = last
    return replace(net, rows=tuple(rows))


def to_heads(net):
    """GoogLeNet with one block before each of its pools and heads, and nothing after the last head
    but its classifier."""
    rows = [row for row in cut(net).rows if row.name != "inception_4a"]
    last = max(k for k, row in enumerate(rows) if isinstance(row, Aux))
    return replace(net, rows=tuple(rows[: last + 1]))


def short(net):
    """A network with one block of each kind, and its heads, at a quarter of its width."""
    return widen(cut(net), 0.25)


def small(net):
    """The network cut short, batch-normalized, for small images of four classes."""
    return on_small_images(short(net))


def on_small_images(net):
    """The network for the smallest images it takes, of four classes."""
    # Statistics that a handful of steps can form.
    norm = BatchNorm(scale=net.norm is None or net.norm.scale, momentum=0.5)
    net = with_norm(net, norm)
    size = max(32, smallest_input(net))
    return replace(net, input_shape=(size, size, 3), classes=4)


def batches(*arrays, size=16):
    """The arrays for `fit` and `evaluate` of either Keras, in a queue that is quick to end."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.from_tensor_slices(arrays).batch(size).with_options(options)


def reduction():
    """A grid reduction, convolution beside pooling, whose branches tfmot 0.8's own scheme swaps;
    then a max pooling that convolutions and an average read, as in Inception v3."""
    keras.utils.set_random_seed(0)
    layers = keras.layers

    def convolved(x, size, strides=1):
        x = layers.Conv2D(4, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    x = keras.Input((32, 32, 3))
    reduced = [convolved(x, 3, 2), layers.MaxPooling2D(3, 2, padding="same")(x)]
    pooled = layers.MaxPooling2D(2)(layers.Concatenate()(reduced))
    averaged = layers.AveragePooling2D(3, 1, padding="same")(pooled)
    joined = [convolved(pooled, 1), convolved(pooled, 1), convolved(averaged, 1)]
    y = layers.GlobalAveragePooling2D()(layers.Concatenate()(joined))
    return keras.Model(x, layers.Activation("softmax")(layers.Dense(4)(y)))


def mobile():
    """What MobileNetV2 is made of, and what else folds."""
    layers = keras.layers
    x = keras.Input((32, 32, 3))
    y = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    y = layers.Conv2D(8, 3, strides=2, use_bias=False)(y)
    y = z = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False)(y))
    y = layers.Add()([z, layers.Rescaling(0.1)(y)])
    y = layers.BatchNormalization()(y)
    y = keras.Sequential([layers.Input(y.shape[1:]), layers.SeparableConv2D(8, 3)])(y)
    y = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(y))
    return keras.Model(x, layers.Dense(4, activation="softmax")(y))


def small_branch():
    """Two convolutions and an addition, the second a thousandth of the first, in plain layers."""
    layers, constant = keras.layers, keras.initializers.Constant
    x = keras.Input((8, 8, 3))
    wide = layers.Conv2D(4, 1, activation="relu", kernel_initializer="ones", name="wide")(x)
    small = layers.Conv2D(4, 1, kernel_initializer=constant(0.001), name="small")(wide)
    y = layers.ReLU()(layers.Add()([wide, small]))
    return plain(keras.Model(x, layers.GlobalAveragePooling2D(name="pool")(y)))


def filled(model):
    """With weights and statistics of which no two are equal."""
    rng = np.random.default_rng(1)
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if layer.weights and not isinstance(layer, keras.Model):
            shapes = [w.shape for w in layer.weights]
            layer.set_weights(
                [
                    rng.normal(0, np.prod(s[:-1]) ** -0.5, s)
                    if len(s) > 1
                    else rng.uniform(0.5, 1.5, s)
                    for s in shapes
                ]
            )
    return model


def plain(model):
    """A Keras 3 model without preprocessing, in plain layers."""
    return lower(read(in_float32(model)))


def limits_of(quantized) -> dict:
    """The range of every rounded tensor, by the layer that makes it."""
    maker = quantized.network.maker
    return {
        maker[number].name if number in maker else "image": limits
        for number, limits in quantized.ranges().items()
    }
