"""What stock Keras lacks, made for whichever Keras (3 or tf_keras) a network is built with."""

from __future__ import annotations

import types
from functools import cache
from types import ModuleType

from .errors import needed_by


def default_keras() -> ModuleType:
    """Keras 3, imported when it is first needed."""
    with needed_by("Keras"):
        import keras

    return keras


def is_keras_3(keras: ModuleType) -> bool:
    return keras.__name__ == "keras"


def keras_of(model) -> ModuleType:
    """The Keras module, Keras 3 or tf_keras, that `model` belongs to."""
    import sys

    names = {base.__module__.split(".")[0] for base in type(model).__mro__}
    return sys.modules["tf_keras" if "tf_keras" in names else "keras"]


@cache
def local_response_normalization(keras: ModuleType) -> type:
    """The LocalResponseNormalization layer class for `keras`, registered for loading.

    Maps (batch, height, width, channels) to the same shape and dtype; computes in float32,
    because squared activations overflow float16.
    """
    if is_keras_3(keras):

        def normalize(x, depth_radius, bias, alpha, beta):
            ops = keras.ops
            squares = ops.pad(ops.square(x), [[0, 0]] * 3 + [[depth_radius, depth_radius]])
            channels = x.shape[-1]
            window = sum(squares[..., i : i + channels] for i in range(2 * depth_radius + 1))
            return x * ops.power(bias + alpha * window, -beta)
    else:
        import tensorflow

        normalize = tensorflow.nn.local_response_normalization

    @keras.utils.register_keras_serializable("keras_inception")
    class LocalResponseNormalization(keras.layers.Layer):
        def __init__(self, depth_radius=2, bias=1.0, alpha=2e-5, beta=0.75, **kwargs):
            super().__init__(**kwargs)
            constants = {"depth_radius": depth_radius, "bias": bias, "alpha": alpha, "beta": beta}
            self.constants = constants

        def call(self, x):
            cast = keras.ops.cast if is_keras_3(keras) else tensorflow.cast
            return cast(normalize(cast(x, "float32"), **self.constants), self.compute_dtype)

        def compute_output_shape(self, input_shape):
            return input_shape

        def get_config(self):
            return {**super().get_config(), **self.constants}

    return LocalResponseNormalization


@cache
def reverse_channels(keras: ModuleType) -> type:
    """The ReverseChannels layer class for `keras`, registered for loading: RGB to BGR and back."""

    @keras.utils.register_keras_serializable("keras_inception")
    class ReverseChannels(keras.layers.Layer):
        def call(self, x):
            return x[..., ::-1]

        def compute_output_shape(self, input_shape):
            return input_shape

    return ReverseChannels


@cache
def attention_pooling(keras: ModuleType) -> type:
    """The AttentionPooling layer class for `keras`, registered for loading.

    (batch, height, width, channels) -> (batch, channels): positions weighted by a softmax of
    their products with one learned query. The query starts at zero: an average.
    """
    if is_keras_3(keras):
        ops, softmax, total = keras.ops, keras.ops.softmax, keras.ops.sum
    else:
        import tensorflow as ops

        softmax, total = ops.nn.softmax, ops.reduce_sum

    @keras.utils.register_keras_serializable("keras_inception")
    class AttentionPooling(keras.layers.Layer):
        def build(self, input_shape):
            self.query = self.add_weight(
                name="query", shape=(input_shape[-1],), initializer="zeros"
            )
            super().build(input_shape)

        def call(self, x):
            x = ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))
            # Scaled before the sum, which float16 may not hold.
            query = ops.cast(self.query / x.shape[-1] ** 0.5, x.dtype)
            scores = total(x * query, axis=-1)
            weights = softmax(scores, axis=-1)
            return total(x * ops.expand_dims(weights, -1), axis=1)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], input_shape[-1])

    return AttentionPooling


@cache
def auxiliary_output(keras: ModuleType) -> type:
    """The AuxiliaryOutput layer class for `keras`, registered for loading: an activation that
    knows how much its output's loss counts, so that every copy of a network knows it too."""

    @keras.utils.register_keras_serializable("keras_inception")
    class AuxiliaryOutput(keras.layers.Activation):
        def __init__(self, activation, loss_weight=1.0, **kwargs):
            super().__init__(activation, **kwargs)
            self.loss_weight = loss_weight

        def get_config(self):
            return {**super().get_config(), "loss_weight": self.loss_weight}

    return AuxiliaryOutput


@cache
def headed_model(keras: ModuleType) -> type:
    """A functional Keras 3 model with auxiliary heads that trains on one label array.

    `compile` spreads a single loss and a list of metrics over all outputs and weights the
    heads' losses as their paper does; `fit` and `evaluate` accept the label once. Labels, losses,
    metrics or weights given per output mean what they mean in Keras.
    """

    @keras.saving.register_keras_serializable("keras_inception")
    class HeadedModel(keras.Model):
        def compile(
            self, optimizer="rmsprop", loss=None, loss_weights=None, metrics=None, **kwargs
        ):
            if loss is not None and not isinstance(loss, (dict, list, tuple)):
                loss = dict.fromkeys(self.output_names, loss)
                loss_weights = self.head_weights if loss_weights is None else loss_weights
            if isinstance(metrics, (list, tuple)) and not any(
                isinstance(metric, (list, tuple)) for metric in metrics
            ):
                metrics = {name: [_copy(m) for m in metrics] for name in self.output_names}
            super().compile(optimizer, loss, loss_weights, metrics, **kwargs)

        def compile_from_config(self, config):
            self.compile(**keras.saving.deserialize_keras_object(config))
            if self.built:
                self.optimizer.build(self.trainable_variables)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return super().compute_loss(
                x, self._per_output(y), y_pred, self._per_output(sample_weight), training
            )

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            return super().compute_metrics(
                x, self._per_output(y), y_pred, self._per_output(sample_weight)
            )

        def _per_output(self, value):
            shared = value is not None and not isinstance(value, (dict, list, tuple))
            return [value] * len(self.output_names) if shared else value

        @property
        def head_weights(self):
            """How much the loss of each output counts, by its name."""
            made_by = {layer.name: layer for layer in self.layers}
            return {
                name: getattr(
                    made_by.get(name), "loss_weight", self._weights_by_name.get(name, 1.0)
                )
                for name in self.output_names
            }

        _weights_by_name = types.MappingProxyType({})

        @classmethod
        def from_config(cls, config, custom_objects=None):
            config = dict(config)
            # Earlier releases kept the weights here, and had a plain activation as output.
            weights = config.pop("head_weights", {})
            model = super().from_config(config, custom_objects)
            model._weights_by_name = weights
            return model

    def _copy(metric):
        if isinstance(metric, keras.metrics.Metric):
            return metric.__class__.from_config(metric.get_config())
        return metric

    return HeadedModel


#: What makes each class, by the name under which Keras knows it: keras_inception>NAME.
OURS = {
    "AttentionPooling": attention_pooling,
    "AuxiliaryOutput": auxiliary_output,
    "HeadedModel": headed_model,
    "LocalResponseNormalization": local_response_normalization,
    "ReverseChannels": reverse_channels,
}
