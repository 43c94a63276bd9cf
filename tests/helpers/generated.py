"""Small classifiers drawn out of everything that is supported, in every spelling.

`drawn` makes a functional Keras 3 model, with weights and statistics of which no two are equal, by
choices: of a random number generator, or of hypothesis, which looks for a simpler model with the
same fault. A new layer of the conversion is one function more in LATER.
"""

import random
from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops
from keras.src.applications.convnext import LayerScale
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

from keras_inception.layers import attention_pooling, local_response_normalization

#: Names that people give, and that a converter could trip over.
NAMES = ("Conv2D", "1x1", "a.b", "image_range", "weights", "model", "quant_conv", "re_lu-3x3")
ACTIVATIONS = (
    "elu", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "mish", "relu", "relu6", "selu",
    "sigmoid", "silu", "softplus", "softsign", "tanh",
)  # fmt: skip
OPERATIONS = (
    ops.elu, ops.hard_sigmoid, ops.hard_silu, ops.relu, ops.relu6, ops.selu, ops.sigmoid, ops.silu,
    ops.softplus, ops.softsign, ops.tanh,
)  # fmt: skip
#: Values of a map that a model may still grow by.
LARGEST = 16 * 16 * 24


class Drawn:
    """What a model is drawn with: `choose(n)` gives a number below n."""

    def __init__(self, choose: Callable[[int], int]):
        self.choose = choose
        self.taken = set()

    def one_of(self, *choices):
        return choices[self.choose(len(choices))]

    def maybe(self):
        return bool(self.choose(2))

    def number(self, low, high):
        return low + self.choose(high - low + 1)

    def name(self):
        """A name, or None for Keras' own."""
        free = [name for name in NAMES if name not in self.taken]
        if not free or self.maybe() or self.maybe():
            return None
        self.taken.add(name := self.one_of(*free))
        return name

    def activation(self):
        return self.one_of(None, None, "relu", *ACTIVATIONS)


def channels(x):
    return x.shape[-1]


def convolution(d, x):
    groups = d.one_of(*(g for g in (1, 1, 2) if channels(x) % g == 0))
    strides, dilation = d.one_of((1, 1), (1, 1), (2, 1), (1, 2))
    return layers.Conv2D(
        groups * d.number(1, 6),
        d.one_of(1, 2, 3, (1, 3)),
        strides=strides,
        dilation_rate=dilation,
        groups=groups,
        padding="same" if min(x.shape[1:3]) < 6 else d.one_of("same", "valid"),
        use_bias=d.maybe(),
        activation=d.activation(),
        name=d.name(),
    )(x)


def depthwise(d, x):
    strides, dilation = d.one_of((1, 1), (2, 1), (1, 2))
    return layers.DepthwiseConv2D(
        d.one_of(1, 3),
        strides=strides,
        dilation_rate=dilation,
        depth_multiplier=d.one_of(1, 1, 2),
        padding="same",
        use_bias=d.maybe(),
        activation=d.activation(),
        name=d.name(),
    )(x)


def separable(d, x):
    return layers.SeparableConv2D(
        d.number(2, 8),
        3,
        depth_multiplier=d.one_of(1, 2),
        padding="same",
        use_bias=d.maybe(),
        activation=d.activation(),
        name=d.name(),
    )(x)


def transposed(d, x):
    return layers.Conv2DTranspose(
        d.number(2, 8),
        d.one_of(2, 3),
        strides=d.one_of(1, 2),
        padding=d.one_of("same", "valid"),
        use_bias=d.maybe(),
        activation=d.activation(),
    )(x)


def normalized(d, x):
    return layers.BatchNormalization(
        epsilon=d.one_of(1e-3, 1e-5), center=d.maybe(), scale=d.maybe(), name=d.name()
    )(x)


def activated(d, x):
    return d.one_of(
        *(layers.Activation(name) for name in ACTIVATIONS),
        *OPERATIONS,
        layers.ReLU(),
        layers.ReLU(6.0),
        layers.ReLU(max_value=1.0),
        layers.ReLU(max_value=2.0, negative_slope=0.1),
        layers.LeakyReLU(0.1),
        layers.ELU(0.7),
        layers.PReLU(shared_axes=list(range(1, len(x.shape) - 1)) or None),
        layers.Softmax(),
        lambda y: ops.clip(y, -0.5, 1.5),
        lambda y: ops.minimum(y, 0.6),
        lambda y: ops.minimum(ops.relu(y), 3.0),
        lambda y: ops.maximum(y, -0.3),
    )(x)


def constant(d, x):
    vector = np.linspace(0.5, 1.5, channels(x), dtype="float32")
    return d.one_of(
        layers.Rescaling(0.5, offset=0.25),
        layers.Rescaling(1.5),
        LayerScale(0.7, channels(x)),
        lambda y: y * 0.3,
        lambda y: y + 1.0,
        lambda y: y * vector,
        lambda y: y / vector - 0.5,
        lambda y: 1.0 - y,
    )(x)


def only_in_training(d, x):
    return d.one_of(
        layers.Dropout(0.5),
        layers.GaussianNoise(0.3),
        layers.GaussianDropout(0.3),
        layers.ActivityRegularization(0.1),
        layers.Identity(),
        layers.SpatialDropout2D(0.2) if len(x.shape) == 4 else layers.AlphaDropout(0.2),
    )(x)


def pooled(d, x):
    pool = d.one_of(layers.MaxPooling2D, layers.AveragePooling2D)
    return pool(d.one_of(2, 3), d.one_of(1, 2), padding=d.one_of("same", "valid"))(x)


def reshaped(d, x):
    _, height, width, depth = x.shape
    choices = [
        layers.Permute((2, 1, 3)),
        layers.Reshape((1, height * width, depth)),
        layers.ZeroPadding2D(((0, 1), (1, 0))),
        lambda y: ops.pad(y, [[0, 0], [1, 0], [0, 1], [0, 0]]),
        layers.Cropping2D(((1, 0), (0, 1))),
        layers.UpSampling2D(2, interpolation=d.one_of("nearest", "bilinear")),
    ]
    return d.one_of(*choices)(x)


def on_a_map(d, x):
    return layers.Dense(d.number(2, 8), use_bias=d.maybe(), activation=d.activation())(x)


def layer_normalized(d, x):
    return layers.LayerNormalization(epsilon=0.1, center=d.maybe(), scale=d.maybe())(x)


def normalized_without_mean(d, x):
    return layers.RMSNormalization(epsilon=0.1)(x)


def locally_normalized(d, x):
    return local_response_normalization(keras)(alpha=0.05)(x)


def excited(d, x):
    depth, hidden = channels(x), d.number(1, 4)
    gate = d.one_of("sigmoid", "hard_sigmoid", "tanh")
    spelling = d.one_of("convolutions", "dense", "reshaped first", "reshaped last")
    y = layers.GlobalAveragePooling2D(keepdims=spelling in ("convolutions", "dense"))(x)
    if spelling == "convolutions":
        y = layers.Conv2D(hidden, 1, activation="relu")(y)
        return layers.Multiply()([x, layers.Conv2D(depth, 1, activation=gate)(y)])
    if spelling == "reshaped first":
        y = layers.Reshape((1, 1, depth))(y)
    y = layers.Dense(depth, activation=gate)(layers.Dense(hidden, activation="silu")(y))
    if spelling == "reshaped last":
        y = layers.Reshape((1, 1, depth))(y)
    return layers.Multiply()([x, y])


def hard_swish_by_hand(d, x):
    return x * ops.relu6(x + 3.0) * (1 / 6)


def shared(d, x):
    layer = layers.Conv2D(channels(x), 3, padding="same", activation=d.activation())
    return layers.Concatenate()([layer(x), layer(layer(x))])


def nested(d, x):
    image = keras.Input(d.one_of(tuple(x.shape[1:]), (None, None, channels(x))))
    y = layers.Conv2D(d.number(2, 6), 3, padding="same", name=d.name())(image)
    part = keras.Model(image, normalized(d, activated_plainly(d, y)))
    y = part(x)
    return part(layers.Conv2D(channels(x), 1)(y)) if d.maybe() else y


def activated_plainly(d, x):
    return d.one_of(layers.ReLU(), layers.Activation("silu"), layers.Identity())(x)


def operated(d, x):
    """By operations of keras.ops that are layers."""
    return d.one_of(
        lambda y: ops.gelu(y, approximate=d.maybe()),
        lambda y: ops.leaky_relu(y, 0.1),
        lambda y: ops.elu(y, 0.5),
        lambda y: ops.celu(y, 0.5),
        ops.hard_tanh,
        ops.log_sigmoid,
        lambda y: 0.5 - ops.square(y),
        lambda y: ops.concatenate([y[..., :1], -(y**2)], axis=-1),
        lambda y: ops.swapaxes(y, 1, 2),
        lambda y: ops.max_pool(y, 3, 1, "same"),
        lambda y: ops.average_pool(y, 3, 1, "same"),
        layers.Activation(layers.ReLU(1.0)),
    )(x)


def attended(d, x):
    """Positions by what is in all of their channels."""
    mean, largest = (reduce(x, axis=-1, keepdims=True) for reduce in (ops.mean, ops.max))
    y = layers.Concatenate()([mean, largest])
    return x * layers.Conv2D(1, 3, padding="same", activation="sigmoid")(y)


def cropped(d, x):
    """Rows, columns and channels, and padding below all numbers where they are pooled."""
    y = ops.pad(x, [[0, 0], [1, 0], [0, 1], [0, 0]], constant_values=-np.inf)
    y = ops.max_pool(y, 2, 1)
    return layers.Concatenate()([y[:, 1:, :-1], y[:, :-1, 1:, :1]]) if d.maybe() else y


BLOCKS = (
    convolution, convolution, convolution, depthwise, separable, transposed, normalized, normalized,
    activated, activated, constant, only_in_training, pooled, reshaped, on_a_map, layer_normalized,
    locally_normalized, excited, hard_swish_by_hand, shared, nested,
)  # fmt: skip
#: Those that came later: seeds below FIRST_LATER drew the models that they draw before them.
LATER = (normalized_without_mean,)
FIRST_LATER = 1000
#: Those that came after these, for seeds from FIRST_LATEST.
LATEST = (*LATER, operated, operated, attended, cropped)
FIRST_LATEST = 2000


def joined(d, x):
    """Branches of one shape that come together again."""
    depth = d.number(2, 6)
    kind = d.one_of(
        "add", "subtract", "multiply", "maximum", "minimum", "average", "concatenate",
        "concatenate", "nested concatenations", "scaled residual",
    )  # fmt: skip
    count = 2 if kind in ("subtract", "scaled residual") else d.number(2, 3)
    concatenated = "concatenate" in kind or "nested" in kind

    def branch():
        if concatenated and d.maybe():
            return d.one_of(x, layers.MaxPooling2D(3, 1, padding="same")(x))
        y = layers.Conv2D(
            depth, d.one_of(1, 3), padding="same", activation=d.activation(), name=d.name()
        )(x)
        return d.one_of(lambda z: z, lambda z: normalized(d, z), lambda z: activated(d, z))(y)

    parts = [branch() for _ in range(count)]
    if kind == "concatenate":
        return d.one_of(layers.Concatenate(), lambda ys: ops.concatenate(ys, axis=-1))(parts)
    if kind == "nested concatenations":
        inner = layers.Concatenate()(parts)
        return layers.Concatenate()([inner, layers.Concatenate()([branch(), branch()])])
    if kind == "scaled residual":
        a, b = parts
        return d.one_of(
            lambda: CustomScaleLayer(0.3)([a, b]), lambda: a + 0.3 * b, lambda: a + b / 2.0
        )()
    merge = {
        "add": layers.Add,
        "subtract": layers.Subtract,
        "multiply": layers.Multiply,
        "maximum": layers.Maximum,
        "minimum": layers.Minimum,
        "average": layers.Average,
    }[kind]
    return merge()(parts)


def vector(d, x):
    """A map as a vector."""
    if x.shape[1] * x.shape[2] * channels(x) <= 512 and d.maybe():
        return d.one_of(layers.Flatten(), lambda y: ops.reshape(y, (-1, np.prod(y.shape[1:]))))(x)
    return d.one_of(
        layers.GlobalAveragePooling2D(),
        layers.GlobalMaxPooling2D(),
        attention_pooling(keras)(),
        lambda y: ops.mean(y, axis=(1, 2)),
        lambda y: layers.Flatten()(layers.GlobalAveragePooling2D(keepdims=True)(y)),
        lambda y: layers.Concatenate()(
            [layers.GlobalAveragePooling2D()(y), layers.GlobalMaxPooling2D()(y)]
        ),
    )(x)


def hidden(d, x):
    """What stands in the dense head."""
    return d.one_of(
        lambda y: layers.Dense(d.number(2, 8), activation=d.activation(), use_bias=d.maybe())(y),
        lambda y: normalized(d, y),
        lambda y: activated(d, y),
        lambda y: constant(d, y),
        lambda y: only_in_training(d, y),
    )(x)


def scores(d, x):
    count = d.number(2, 6)
    return d.one_of(
        lambda: layers.Dense(count, activation="softmax")(x),
        lambda: layers.Softmax()(layers.Dense(count)(x)),
        lambda: ops.softmax(layers.Dense(count)(x)),
        lambda: layers.Dense(count)(x),
        lambda: layers.Rescaling(0.5)(layers.Dense(count)(x)),
    )()


def of_seed(seed: int):
    """The model that a seed draws."""
    later = LATEST if seed >= FIRST_LATEST else LATER if seed >= FIRST_LATER else ()
    return drawn(random.Random(seed).randrange, later)


def drawn(choose: Callable[[int], int], later=LATEST):
    """A model, and the name of its preprocessing, None where it begins with that."""
    d = Drawn(choose)
    keras.backend.clear_session()
    keras.utils.set_random_seed(d.number(0, 2**16))
    size = d.one_of(12, 16)
    x = image = keras.Input((size, size, d.one_of(1, 3)))
    preprocessing = d.one_of("unit", "torch", "caffe", None)
    if preprocessing is None:
        x = layers.Rescaling(1 / 128, offset=-1)(x)
    x = convolution(d, x)
    for _ in range(d.number(1, 4)):
        large = np.prod(x.shape[1:]) > LARGEST
        block = pooled if large else d.one_of(*BLOCKS, *later, joined, joined, joined)
        if min(x.shape[1:3]) < 4 and block in (pooled, reshaped):
            block = activated
        x = block(d, x)
    x = vector(d, x)
    for _ in range(d.number(0, 2)):
        x = hidden(d, x)
    return weighted(keras.Model(image, scores(d, x))), preprocessing


def weighted(model):
    """With random weights that keep the spread of what they are given, and statistics like it."""
    rng = np.random.default_rng(model.count_params())
    for layer in model._flatten_layers(include_self=False, recursive=True):
        for variable in layer.variables if not isinstance(layer, keras.Model) else ():
            kind, shape = variable.path.split("/")[-1], variable.shape
            if "kernel" in kind:
                fan_in = np.prod(shape[:-1]) if len(shape) > 1 else 1
                values = rng.normal(0, (1.5 / fan_in) ** 0.5, shape)
            elif kind in ("gamma", "moving_variance", "query", "scale"):
                values = rng.uniform(0.5, 1.5, shape)
            elif "seed" in kind:
                continue
            else:
                values = rng.normal(0, 0.2, shape)
            variable.assign(values)
    return model
