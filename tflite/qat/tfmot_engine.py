"""Quantization-aware training with tensorflow-model-optimization, in tf_keras.

Its wrapper, and the interfaces of what it wraps, are all that is used. Its own default scheme
rewrites the model by the names and patterns of layers: it reorders the inputs of some Concatenate
layers without a word (tensorflow/model-optimization #1061 and #1179), starts every range at -6..6
(#368), and refuses what it does not know. Here every layer has a configuration of its own, made of
the roundings that the engine keras has too.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

from ..convert.rounding import Rounding, rounded_kernel
from ..keras_graph.plain import KINDS, WEIGHTED, Layer
from ..keras_graph.to_keras import called, keras_layer
from .fake_quantized import FakeQuantized
from .observer import Observer

_quantization = tfmot.quantization.keras
_SAME = ("abs", "add", "cast", "maximum", "minimum", "round", "where")
_NUMBERS = SimpleNamespace(
    max=tf.reduce_max, min=tf.reduce_min, **{name: getattr(tf, name) for name in _SAME}
)


class Kernel(_quantization.quantizers.Quantizer):
    """Rounds a kernel, times its factor, to 8 bits, each output channel in its own range."""

    calibrating = False

    def __init__(self, layer: Layer):
        self.over, self.factor = KINDS[layer.kind].outputs, np.float32(layer.factor)

    def build(self, tensor_shape, name, layer):
        return {}

    def __call__(self, inputs, training, weights, **kwargs):
        kernel = inputs * self.factor
        if self.calibrating:
            return kernel
        return kernel + tf.stop_gradient(rounded_kernel(kernel, self.over, _NUMBERS) - kernel)

    def get_config(self):
        return {}


class Range(_quantization.quantizers.Quantizer, Observer):
    """Rounds activations to 8 bits in the range of their group."""

    math = _NUMBERS
    fake_quant = staticmethod(tf.quantization.fake_quant_with_min_max_vars)

    def __init__(self, rounding: Rounding, number: int):
        self.begin(rounding, number)

    def build(self, tensor_shape, name, layer):
        self.make_variables(
            lambda part: layer.add_weight(
                f"{name}_{part}", shape=(), initializer="zeros", trainable=False
            )
        )
        return {}

    def __call__(self, inputs, training, weights, **kwargs):
        return self.rounded(inputs, training)

    def get_config(self):
        return {}


class Config(_quantization.QuantizeConfig):
    """What is rounded of one layer: its kernel, its output, or neither."""

    def __init__(self, kernel: Kernel | None, output: Range | None):
        self.kernel, self.output = kernel, output

    @staticmethod
    def _name(layer) -> str:
        return "depthwise_kernel" if hasattr(layer, "depthwise_kernel") else "kernel"

    def get_weights_and_quantizers(self, layer):
        return [(getattr(layer, self._name(layer)), self.kernel)] if self.kernel else []

    def get_activations_and_quantizers(self, layer):
        return []

    def set_quantize_weights(self, layer, quantize_weights):
        for weight in quantize_weights:
            setattr(layer, self._name(layer), weight)

    def set_quantize_activations(self, layer, quantize_activations):
        pass

    def get_output_quantizers(self, layer):
        return [self.output] if self.output else []

    def get_config(self):
        return {}


class TfmotFakeQuantized(FakeQuantized):
    """A fake-quantized copy in tf_keras, every layer in tfmot's wrapper."""

    KERAS, MIXED = tf_keras, False

    def _build(self):
        image = tf_keras.Input(self.network.shape, name="image")
        identity = tf_keras.layers.Activation("linear", name="image>range")
        wrapper = self._wrapped(identity, None, self.network.input)
        self.tensors[self.network.input] = wrapper(image)
        self._wrappers = {}
        for layer in self.network.layers:
            kernel = None
            # The wrapper would train what is rounded; what does not train is exact in 8 bits.
            if layer.kind in WEIGHTED and layer.trainable:
                kernel = self.kernels[layer.name] = Kernel(layer)
            wrapper = self._wrapped(keras_layer(layer, tf_keras), kernel, layer.output)
            self.tensors[layer.output] = called(wrapper, layer, self.tensors)
            self._wrappers[layer.name] = wrapper
            for variable, value in zip(self._of_wrapper(layer), layer.variables, strict=True):
                variable.assign(value)
        return tf_keras.Model(image, self.tensors[self.network.output], name=self.network.name)

    def _wrapped(self, layer, kernel: Kernel | None, number: int):
        output = None
        if number in self.rounding.groups:
            output = self.observers[number] = Range(self.rounding, number)
        config = Config(kernel, output)
        return _quantization.QuantizeWrapperV2(layer, config, name_prefix="quant_")

    def _of_wrapper(self, layer: Layer) -> list:
        wrapper = self._wrappers[layer.name]
        # Where the kernel was, its layer has the rounded one.
        return [variable for variable, *_ in wrapper._weight_vars] + wrapper.layer.weights

    def _variables(self, layer: Layer) -> list[np.ndarray]:
        return [variable.numpy() for variable in self._of_wrapper(layer)]

    def _fed(self, batches, epochs):
        first = batches.epoch

        def stream():
            for epoch in range(first, first + epochs):
                batches.start_epoch(epoch)
                for index in range(len(batches)):
                    yield batches[index]

        # Images, labels, and weights of a skewed set's images.
        signature = tuple(tf.TensorSpec((None, *p.shape[1:]), p.dtype) for p in batches[0])
        options = tf.data.Options()
        options.autotune.enabled = False  # Nothing to tune, and it is slow to end (`inference`).
        dataset = tf.data.Dataset.from_generator(stream, output_signature=signature)
        dataset = dataset.prefetch(4).with_options(options)
        return {"x": dataset, "steps_per_epoch": len(batches)}, None
