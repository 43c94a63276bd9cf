"""Small networks: members of the family cut short, and what quantization has to get right."""

import re
from dataclasses import replace

import keras
import tensorflow as tf

from keras_inception.costs import smallest_input
from keras_inception.spec import Aux, BatchNorm
from keras_inception.tflite.engines import keras3
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


def reduction(kind):
    """A grid reduction in the Keras `kind`, convolution beside pooling, whose branches tfmot 0.8
    swaps; then a max pooling that convolutions and an average read, as in Inception v3."""
    kind.utils.set_random_seed(0)
    layers = kind.layers

    def convolved(x, size, strides=1):
        x = layers.Conv2D(4, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    x = kind.Input((32, 32, 3))
    reduced = [convolved(x, 3, 2), layers.MaxPooling2D(3, 2, padding="same")(x)]
    pooled = layers.MaxPooling2D(2)(layers.Concatenate()(reduced))
    averaged = layers.AveragePooling2D(3, 1, padding="same")(pooled)
    joined = [convolved(pooled, 1), convolved(pooled, 1), convolved(averaged, 1)]
    y = layers.GlobalAveragePooling2D()(layers.Concatenate()(joined))
    return kind.Model(x, layers.Activation("softmax")(layers.Dense(4)(y)))


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


def limits_of(quantized) -> dict:
    """The range of every observed activation, by the row that ends in it."""
    if isinstance(quantized, keras.Model):
        return {
            layer.name.removesuffix("_range"): tuple(float(end) for end in layer.limits())
            for layer in quantized.layers
            if isinstance(layer, keras3.Range)
        }
    ranges = {}
    for layer in quantized.layers:
        ends = {v.name.split("/")[-1]: float(v) for v in layer.weights if v.shape == ()}
        for name, end in ends.items():
            if name.endswith("min:0"):
                high = ends[name.replace("min:0", "max:0")]
                ranges[layer.name.removeprefix("quant_")] = end, high
    return ranges
