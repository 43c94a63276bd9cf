"""A network and a Keras module in, a functional Keras model out: stock layers, one per row."""

from __future__ import annotations

from dataclasses import asdict
from types import ModuleType

from .errors import BadInput
from .layers import headed_model, is_keras_3, local_response_normalization
from .measure import check_input
from .spec import (
    LRN,
    Aux,
    BatchNorm,
    Classifier,
    Concat,
    Conv,
    Dense,
    Dropout,
    GlobalPool,
    GridPool,
    Network,
    Pool,
    Row,
)

MAIN = "main"


def default_keras() -> ModuleType:
    import keras

    return keras


class _Layers:
    """Applies rows to tensors with one Keras module, normalization and dtype."""

    def __init__(
        self, keras, norm: BatchNorm | None = None, classes=1000, activation=None, dtype=None
    ):
        self.keras, self.norm, self.dtype = keras, norm, dtype
        self.classes, self.activation = classes, activation

    def layer(self, kind: str, name: str, x, dtype=None, **arguments):
        make = getattr(self.keras.layers, kind)
        return make(name=name, dtype=dtype or self.dtype, **arguments)(x)

    def conv(self, row: Conv, x):
        x = self.layer(
            "Conv2D",
            row.name,
            x,
            filters=row.filters,
            kernel_size=row.kernel,
            strides=row.stride,
            padding="same",
            use_bias=self.norm is None,
            # bvlc_googlenet's fillers: biases of 0.2 keep the ReLUs alive at the start.
            bias_initializer=self.keras.initializers.Constant(0.2),
            data_format="channels_last",
        )
        if self.norm:
            # asdict: the fields of BatchNorm are the arguments of BatchNormalization.
            x = self.layer("BatchNormalization", f"{row.name}_bn", x, **asdict(self.norm))
        return self.layer("ReLU", f"{row.name}_relu", x)

    def pool(self, row: Pool, x):
        kind = {"max": "MaxPooling2D", "avg": "AveragePooling2D"}[row.kind]
        return self.layer(
            kind,
            row.name,
            x,
            pool_size=row.size,
            strides=row.stride,
            padding="same",
            data_format="channels_last",
        )

    def grid_pool(self, row: GridPool, x):
        size = x.shape[1:3]
        repeats = tuple(-(-row.grid // n) for n in size)
        if repeats != (1, 1):
            x = self.layer(
                "UpSampling2D",
                f"{row.name}_repeat",
                x,
                size=repeats,
                data_format="channels_last",
            )
            size = x.shape[1:3]
        strides = tuple(n // row.grid for n in size)
        window = tuple(n - (row.grid - 1) * s for n, s in zip(size, strides, strict=True))
        return self.layer(
            "AveragePooling2D",
            row.name,
            x,
            pool_size=window,
            strides=strides,
            data_format="channels_last",
        )

    def global_pool(self, row: GlobalPool, x):
        kind = {"max": "GlobalMaxPooling2D", "avg": "GlobalAveragePooling2D"}[row.kind]
        return self.layer(kind, row.name, x, data_format="channels_last")

    def lrn(self, row: LRN, x):
        constants = asdict(row)
        name = constants.pop("name")
        return local_response_normalization(self.keras)(name=name, dtype=self.dtype, **constants)(x)

    def concat(self, row: Concat, x):
        return self.layer("Concatenate", row.name, [self.apply(b, x) for b in row.branches])

    def dropout(self, row: Dropout, x):
        return self.layer("Dropout", row.name, x, rate=row.rate)

    def dense(self, row: Dense, x):
        if len(x.shape) > 2:
            x = self.layer("Flatten", f"{row.name}_flatten", x, data_format="channels_last")
        x = self.layer("Dense", row.name, x, units=row.units)
        return self.layer("ReLU", f"{row.name}_relu", x)

    def classifier(self, row: Classifier, x):
        return self.layer("Dense", row.name, x, dtype="float32", units=self.classes)

    def output(self, name: str, x):
        return self.layer("Activation", name, x, dtype="float32", activation=self.activation)

    def apply(self, rows: tuple[Row, ...], x, heads: dict | None = None):
        for row in rows:
            if isinstance(row, Aux):
                heads[row.name] = self.output(row.name, self.apply(row.rows, x))
            else:
                x = _APPLY[type(row)](self, row, x)
        return x


_APPLY = {
    Conv: _Layers.conv,
    Pool: _Layers.pool,
    GridPool: _Layers.grid_pool,
    GlobalPool: _Layers.global_pool,
    LRN: _Layers.lrn,
    Concat: _Layers.concat,
    Dropout: _Layers.dropout,
    Dense: _Layers.dense,
    Classifier: _Layers.classifier,
}


def apply_rows(rows, x, norm: BatchNorm | None = None, keras: ModuleType | None = None):
    """`rows` as layers on the Keras tensor `x`, (batch, height, width, channels)."""
    return _Layers(keras or default_keras(), norm).apply(rows, x)


def build(net: Network, keras: ModuleType | None = None, dtype=None, input_tensor=None):
    """The network as a functional model of `keras` (Keras 3 when None; tf_keras is the other).

    Input: (batch, *net.input_shape), floating point. Outputs: the classifier "main",
    (batch, classes), then the auxiliary heads in order, all float32; without a top, the last map
    or its pooled vector. `dtype` is a Keras dtype or mixed-precision policy; None takes the
    global one. `input_tensor` is a Keras tensor to build on instead of a new input.

    Raises BadInput for an input shape the network cannot take.
    """
    check_input(net)
    keras = keras or default_keras()
    layers = _Layers(keras, net.norm, net.classes, net.activation, dtype)
    if input_tensor is None:
        inputs = x = keras.Input(shape=net.input_shape, name="image")
    else:
        (inputs,), x = keras.utils.get_source_inputs(input_tensor), input_tensor
    heads = {}
    x = layers.apply(net.rows, x, heads)
    x = layers.apply(net.top, x)
    if any(isinstance(row, Classifier) for row in net.top):
        x = layers.output(MAIN, x)
    if not heads:
        return keras.Model(inputs, x, name=net.name)
    outputs = [x, *heads.values()]
    if not is_keras_3(keras):
        return keras.Model(inputs, outputs, name=net.name)
    model = headed_model(keras)(inputs, outputs, name=net.name)
    model.head_weights = {MAIN: 1.0, **{head.name: head.loss_weight for head in net.heads}}
    return model


def main_output(model, keras: ModuleType | None = None):
    """`model` without its auxiliary heads: one output, the same layers and weights (shared).

    `model` belongs to `keras`. A model with a single output is returned as it is.
    """
    if len(model.outputs) == 1:
        return model
    if MAIN not in model.output_names:
        raise BadInput(
            f'a model whose outputs include "main" is needed; the outputs of {model.name} are '
            f"{', '.join(model.output_names)}"
        )
    main = model.outputs[model.output_names.index(MAIN)]
    return (keras or default_keras()).Model(model.inputs, main, name=model.name)
