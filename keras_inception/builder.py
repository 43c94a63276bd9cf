"""A network and a Keras module in, a functional Keras model out: stock layers, one per row."""

from __future__ import annotations

from dataclasses import asdict
from types import ModuleType

from .costs import check_input, pair
from .errors import BadInput
from .layers import (
    attention_pooling,
    auxiliary_output,
    default_keras,
    headed_model,
    is_keras_3,
    local_response_normalization,
)
from .spec import (
    LRN,
    Aux,
    BatchNorm,
    Classifier,
    Concat,
    Conv,
    Dense,
    Dropout,
    Embedding,
    GlobalPool,
    GridPool,
    Network,
    Pool,
    Residual,
    Row,
    SeparableConv,
)

MAIN = "main"


class _Layers:
    """Applies the rows of a network to tensors with one Keras module and dtype."""

    def __init__(self, keras: ModuleType, net: Network, dtype=None):
        self.keras, self.net, self.dtype = keras, net, dtype

    def layer(self, kind: str, name: str, x, dtype=None, **arguments):
        make = getattr(self.keras.layers, kind)
        return make(name=name, dtype=dtype or self.dtype, **arguments)(x)

    def map_layer(self, kind: str, name: str, x, **arguments):
        """A layer on (batch, height, width, channels) maps."""
        return self.layer(kind, name, x, data_format="channels_last", **arguments)

    def conv(self, row: Conv, x):
        kernel, padding = pair(row.kernel), row.padding
        if padding == "symmetric":
            # At stride 1 an odd kernel is padded symmetrically anyway.
            padding = "same" if row.stride == 1 else "valid"
            if padding == "valid":
                x = self.zeros(row.name, x, tuple((k // 2, k // 2) for k in kernel))
        x = self.map_layer(
            "Conv2D",
            row.name,
            x,
            filters=row.filters,
            kernel_size=kernel,
            strides=row.stride,
            padding=padding,
            use_bias=self.net.conv_bias,
            # bvlc_googlenet's fillers: biases of 0.2 keep the ReLUs alive at the start.
            bias_initializer=self.keras.initializers.Constant(0.0 if self.net.norm else 0.2),
        )
        if self.net.norm:
            x = self.batch_norm(row.name, x, self.net.norm)
        return self.layer("ReLU", f"{row.name}_relu", x)

    def batch_norm(self, name: str, x, norm: BatchNorm):
        # asdict: the fields of BatchNorm are the arguments of BatchNormalization.
        return self.layer("BatchNormalization", f"{name}_bn", x, **asdict(norm))

    def zeros(self, name: str, x, padding):
        return self.map_layer("ZeroPadding2D", f"{name}_pad", x, padding=padding)

    def separable_conv(self, row: SeparableConv, x):
        x = self.map_layer(
            "SeparableConv2D",
            row.name,
            x,
            filters=row.filters,
            kernel_size=row.kernel,
            strides=row.stride,
            padding="same",
            depth_multiplier=row.multiplier,
        )
        return self.layer("ReLU", f"{row.name}_relu", x)

    def pool(self, row: Pool, x):
        if row.padding == "symmetric":
            x = self.zeros(row.name, x, row.size // 2)
        elif row.padding == "ceil":
            x = self.hang_over(row, x)
        return self.map_layer(
            {"max": "MaxPooling2D", "avg": "AveragePooling2D"}[row.kind],
            row.name,
            x,
            pool_size=row.size,
            strides=row.stride,
            padding="same" if row.padding == "same" else "valid",
        )

    def hang_over(self, row: Pool, x):
        """Room for windows over the lower and right edge: zeros, which no maximum of ReLUs sees."""
        sizes = x.shape[1:3]
        if None in sizes:
            raise BadInput(f"{row.name} rounds up as Caffe does and needs a fixed input size")
        over = tuple((0, -(n - row.size) % row.stride) for n in sizes)
        return x if over == ((0, 0), (0, 0)) else self.zeros(row.name, x, over)

    def grid_pool(self, row: GridPool, x):
        size = x.shape[1:3]
        repeats = tuple(-(-row.grid // n) for n in size)
        if repeats != (1, 1):
            x = self.map_layer("UpSampling2D", f"{row.name}_repeat", x, size=repeats)
            size = x.shape[1:3]
        strides = tuple(n // row.grid for n in size)
        window = tuple(n - (row.grid - 1) * s for n, s in zip(size, strides, strict=True))
        return self.map_layer("AveragePooling2D", row.name, x, pool_size=window, strides=strides)

    def global_pool(self, row: GlobalPool, x):
        if row.kind == "attention":
            return attention_pooling(self.keras)(name=row.name, dtype=self.dtype)(x)
        kind = {"max": "GlobalMaxPooling2D", "avg": "GlobalAveragePooling2D"}[row.kind]
        return self.map_layer(kind, row.name, x)

    def lrn(self, row: LRN, x):
        constants = asdict(row)
        name = constants.pop("name")
        return local_response_normalization(self.keras)(name=name, dtype=self.dtype, **constants)(x)

    def concat(self, row: Concat, x):
        return self.layer("Concatenate", row.name, [self.apply(b, x) for b in row.branches])

    def residual(self, row: Residual, x):
        joined = self.concat(Concat(f"{row.name}_joined", row.branches), x)
        residual = self.map_layer(
            "Conv2D", row.projection, joined, filters=x.shape[-1], kernel_size=1
        )
        if row.scale != 1:
            residual = self.layer("Rescaling", f"{row.name}_scale", residual, scale=row.scale)
        x = self.layer("Add", f"{row.name}_sum" if row.relu else row.name, [x, residual])
        return self.layer("ReLU", row.name, x) if row.relu else x

    def dropout(self, row: Dropout, x):
        return self.layer("Dropout", row.name, x, rate=row.rate)

    def flat(self, name: str, x):
        return x if len(x.shape) == 2 else self.map_layer("Flatten", f"{name}_flatten", x)

    def dense(self, row: Dense, x):
        x = self.layer("Dense", row.name, self.flat(row.name, x), units=row.units)
        return self.layer("ReLU", f"{row.name}_relu", x)

    def embedding(self, row: Embedding, x):
        x = self.layer("Dense", row.name, x, units=row.units, use_bias=False)
        return self.batch_norm(row.name, x, self.net.norm or BatchNorm())

    def classifier(self, row: Classifier, x):
        return self.layer(
            "Dense",
            row.name,
            self.flat(row.name, x),
            dtype="float32",
            units=self.net.classes,
            use_bias=self.net.bias is not False,
        )

    def output(self, name: str, x):
        return self.layer("Activation", name, x, dtype="float32", activation=self.net.activation)

    def head(self, row: Aux, x):
        if not is_keras_3(self.keras):
            return self.output(row.name, x)
        make, activation = auxiliary_output(self.keras), self.net.activation
        return make(activation, row.loss_weight, name=row.name, dtype="float32")(x)

    def apply(self, rows: tuple[Row, ...], x, heads: dict | None = None):
        for row in rows:
            if isinstance(row, Aux):
                assert heads is not None, "heads stand in a network's rows only"
                heads[row.name] = self.head(row, self.apply(row.rows, x))
            else:
                x = _APPLY[type(row)](self, row, x)
        return x


_APPLY = {
    Conv: _Layers.conv,
    SeparableConv: _Layers.separable_conv,
    Pool: _Layers.pool,
    GridPool: _Layers.grid_pool,
    GlobalPool: _Layers.global_pool,
    LRN: _Layers.lrn,
    Concat: _Layers.concat,
    Residual: _Layers.residual,
    Dropout: _Layers.dropout,
    Dense: _Layers.dense,
    Embedding: _Layers.embedding,
    Classifier: _Layers.classifier,
}


def apply_rows(rows, x, norm: BatchNorm | None = None, keras: ModuleType | None = None):
    """`rows` as layers on the Keras tensor `x`, (batch, height, width, channels)."""
    net = Network("rows", rows, top=(), norm=norm)
    return _Layers(keras or default_keras(), net).apply(rows, x)


def build(net: Network, keras: ModuleType | None = None, dtype=None, input_tensor=None):
    """The network `net` as a functional model of `keras`, Keras 3 when None, or tf_keras.

    Input: (batch, *net.input_shape), floating point. Outputs: the classifier "main",
    (batch, classes), then the auxiliary heads in order, all float32; without a top, the last map
    or its pooled vector. `dtype` is a Keras dtype or mixed-precision policy; None takes the
    global one. `input_tensor` is a Keras tensor to build on instead of a new input.

    The model carries `net` as `model.network`. Raises BadInput for an input shape the network
    cannot take.

    >>> import keras_inception
    >>> net = keras_inception.widen(keras_inception.network("googlenet"), 0.25)
    >>> keras_inception.build(keras_inception.without_aux(net)).count_params()
    651480
    """
    check_input(net)
    keras = keras or default_keras()
    layers = _Layers(keras, net, dtype)
    if input_tensor is None:
        inputs = x = keras.Input(shape=net.input_shape, name="image")
    else:
        (inputs,), x = keras.utils.get_source_inputs(input_tensor), input_tensor
    heads = {}
    x = layers.apply(net.rows, x, heads)
    x = layers.apply(net.top, x)
    if any(isinstance(row, Classifier) for row in net.top):
        x = layers.output(MAIN, x)
    outputs = [x, *heads.values()] if heads else x
    if heads and is_keras_3(keras):
        model = headed_model(keras)(inputs, outputs, name=net.name)
    else:
        model = keras.Model(inputs, outputs, name=net.name)
    model.network = net
    return model
