"""A network and a Keras module in, a functional Keras model out."""

from __future__ import annotations

from types import ModuleType

from .costs import check_input
from .layers import OURS, default_keras, headed_model, is_keras_3
from .nodes import Classifier
from .spec import Aux, BatchNorm, Network, Row

MAIN = "main"


class Builder:
    """Makes the layers of a network with one Keras module and dtype, as its rows ask for them.

    `heads` are the outputs of the auxiliary classifiers made so far.
    """

    def __init__(self, keras: ModuleType, net: Network, dtype=None):
        self.keras, self.net, self.dtype = keras, net, dtype
        self.heads = {}

    def layer(self, kind: str, name: str, x, **arguments):
        """What a new layer makes of `x`: of the class `kind`, Keras' own or one of `layers`."""
        make = OURS[kind](self.keras) if kind in OURS else getattr(self.keras.layers, kind)
        if kind.endswith("2D"):
            arguments["data_format"] = "channels_last"
        return make(name=name, **{"dtype": self.dtype, **arguments})(x)

    def zeros(self, name: str, x, padding):
        return self.layer("ZeroPadding2D", f"{name}_pad", x, padding=padding)

    def flat(self, name: str, x):
        """A map as a vector, a vector as it is."""
        if len(x.shape) == 2:
            return x
        return self.layer("Flatten", f"{name}_flatten", x, data_format="channels_last")

    def rows(self, rows: tuple[Row, ...], x):
        """What the layers of `rows` make of `x`, one row after another."""
        for row in rows:
            made = row.layers(self, x)
            if isinstance(row, Aux):
                self.heads[row.name] = made
            else:
                x = made
        return x

    def output(self, name: str, x, loss_weight: float | None = None):
        """The classifiers' activation, in float32; a head's knows how much its loss counts."""
        arguments = {"dtype": "float32", "activation": self.net.activation}
        if loss_weight is None or not is_keras_3(self.keras):
            return self.layer("Activation", name, x, **arguments)
        return self.layer("AuxiliaryOutput", name, x, **arguments, loss_weight=loss_weight)


def apply_rows(rows, x, norm: BatchNorm | None = None, keras: ModuleType | None = None):
    """`rows` as layers on the Keras tensor `x`, (batch, height, width, channels)."""
    net = Network("rows", rows, top=(), norm=norm)
    return Builder(keras or default_keras(), net).rows(rows, x)


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
    if input_tensor is None:
        inputs = x = keras.Input(shape=net.input_shape, name="image")
    else:
        (inputs,), x = keras.utils.get_source_inputs(input_tensor), input_tensor
    builder = Builder(keras, net, dtype)
    x = builder.rows(net.rows + net.top, x)
    if any(isinstance(row, Classifier) for row in net.top):
        x = builder.output(MAIN, x)
    make, outputs = keras.Model, x
    if builder.heads:
        outputs = [x, *builder.heads.values()]
        make = headed_model(keras) if is_keras_3(keras) else make
    model = make(inputs, outputs, name=net.name)
    model.network = net
    return model
