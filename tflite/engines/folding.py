"""A Keras 3 model as a phone computes it: normalization and scales folded, activations apart.

What is left are convolutions and Dense with biases, pooling, joining and activations; layers that
are not known are kept as they are.
"""

from __future__ import annotations

import keras
import numpy as np

from keras_inception.errors import BadInput

layers = keras.layers
WEIGHTED = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)
_ONLY_IN_TRAINING = (
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.ActivityRegularization,
)


def walked(model, call):
    """The functional `model` again, with `call(layer, *tensors)` instead of each of its layers."""
    if not hasattr(model, "outputs") or not hasattr(model, "inputs"):
        raise BadInput(f"a functional Keras 3 model is needed; {model.name} is not one")
    plain = keras.Model(model.input, model.output, name=model.name)
    return keras.models.clone_model(plain, clone_function=lambda layer: layer, call_function=call)


def folded(model):
    """A copy of the functional Keras 3 `model` in float32 with nothing left to fold.

    The same outputs up to float rounding; nested models are flattened. Its convolutions and Dense
    have a `factor`, by which their kernels were multiplied. Raises BadInput for a model that is not
    functional.
    """
    return walked(model, _Fold())


class _Fold:
    """Applies a layer's folded form; remembers what made each tensor, for what is folded next.

    A convolution that is folded is made anew: the first one remains for whatever else reads it,
    and otherwise no longer belongs to the network.
    """

    def __init__(self):
        self.made = {}

    def __call__(self, layer, *inputs, **arguments):
        if isinstance(layer, keras.Model):
            return self.nested(layer, keras.tree.flatten(inputs))
        x = inputs[0]
        if isinstance(layer, _ONLY_IN_TRAINING):
            return x
        if isinstance(layer, layers.BatchNormalization):
            return self.scaled(layer.name, x, *_scale_and_offset(layer))
        if isinstance(layer, layers.Rescaling):
            return self.scaled(layer.name, x, np.asarray(layer.scale), np.asarray(layer.offset))
        if isinstance(layer, layers.SeparableConv2D):
            return self.separable(layer, x)
        if type(layer) in WEIGHTED:
            kernel, *bias = layer.get_weights()
            bias = bias[0] if bias else np.zeros(_channels(layer, kernel), np.float32)
            return self.weighted(type(layer), layer.get_config(), x, kernel, bias)
        if not isinstance(layer, keras.Layer):
            return layer(*inputs, **arguments)
        copy = type(layer).from_config({**layer.get_config(), "dtype": "float32"})
        outputs = copy(*inputs, **arguments)
        copy.set_weights(layer.get_weights())
        return outputs

    def nested(self, model, inputs):
        """The layers of a model that is used as a layer."""
        made = {}

        def call(layer, *tensors, **arguments):
            made[layer.name] = self(layer, *tensors, **arguments)
            return made[layer.name]

        plain = keras.Model(model.inputs, model.outputs)
        # A model of tensors that are no inputs is built on new ones: only `call` sees ours.
        keras.models.clone_model(
            plain, input_tensors=inputs, clone_function=lambda layer: layer, call_function=call
        )
        histories = [tensor._keras_history for tensor in plain.outputs]
        return [keras.tree.flatten(made[h.operation.name])[h.tensor_index] for h in histories]

    def weighted(self, kind, config, x, kernel, bias, factor=1.0):
        """A layer of `kind` with these weights, and its activation as a layer of its own."""
        activation = keras.activations.get(config["activation"])
        linear = {**config, "activation": None, "use_bias": True, "dtype": "float32"}
        layer = kind.from_config(linear)
        y = layer(x)
        layer.set_weights([kernel, bias])
        layer.factor = factor
        if activation is not keras.activations.linear:
            name = f"{config['name']}_activation"
            return layers.Activation(activation, name=name, dtype="float32")(y)
        self.made[id(y)] = (y, kind, linear, x, kernel, bias, factor)
        return y

    def scaled(self, name, x, scale, offset):
        """x * scale + offset, folded into what made x, or else a convolution of each channel."""
        if id(x) in self.made:
            _, kind, config, x, kernel, bias, factor = self.made[id(x)]
            if kind is layers.DepthwiseConv2D:
                per_channel = np.broadcast_to(scale, bias.shape).reshape(kernel.shape[2:])
            else:
                per_channel = scale
            kernel, factor = kernel * per_channel, factor * per_channel
            return self.weighted(kind, config, x, kernel, bias * scale + offset, factor)
        if len(x.shape) != 4:
            raise BadInput(f"{name} follows nothing that it can be folded into")
        kernel = np.broadcast_to(scale, x.shape[-1]).reshape(1, 1, -1, 1).astype(np.float32)
        bias = np.broadcast_to(offset, x.shape[-1]).astype(np.float32)
        config = layers.DepthwiseConv2D(1, name=name).get_config()
        return self.weighted(layers.DepthwiseConv2D, config, x, kernel, bias, kernel)

    def separable(self, layer, x):
        """The two convolutions that it consists of."""
        depthwise, pointwise, *bias = layer.get_weights()
        both = {"data_format": layer.data_format}
        first = layers.DepthwiseConv2D(
            layer.kernel_size,
            strides=layer.strides,
            padding=layer.padding,
            dilation_rate=layer.dilation_rate,
            depth_multiplier=layer.depth_multiplier,
            name=f"{layer.name}_depthwise",
            **both,
        )
        between = np.zeros(pointwise.shape[2], np.float32)
        x = self.weighted(layers.DepthwiseConv2D, first.get_config(), x, depthwise, between)
        second = layers.Conv2D(
            layer.filters, 1, activation=layer.activation, name=layer.name, **both
        )
        bias = bias[0] if bias else np.zeros(layer.filters, np.float32)
        return self.weighted(layers.Conv2D, second.get_config(), x, pointwise, bias)


def _channels(layer, kernel: np.ndarray) -> int:
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    return kernel.shape[2] * kernel.shape[3] if depthwise else kernel.shape[-1]


def _scale_and_offset(norm) -> tuple[np.ndarray, np.ndarray]:
    """The map of a frozen batch normalization: x * scale + offset."""
    weights = {variable.name: np.array(variable, np.float64) for variable in norm.variables}
    scale = weights.get("gamma", 1.0) / np.sqrt(weights["moving_variance"] + norm.epsilon)
    offset = weights.get("beta", 0.0) - weights["moving_mean"] * scale
    return scale.astype(np.float32), offset.astype(np.float32)
