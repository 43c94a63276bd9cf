"""Quantization-aware training with tensorflow-model-optimization, its two defects overcome.

It reorders the inputs of some Concatenate layers without a word (tensorflow/model-optimization
#1061 and #1179), and it starts every range at -6..6 (#368). Here layers come in the order asked
for, ranges from the float model on calibration images, and `require_equal` guards the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import tensorflow as tf
import tf_keras

from keras_inception.errors import BadInput
from keras_inception.layers import attention_pooling, local_response_normalization
from keras_inception.native_output import verbosity

from ..model import fake_quant
from ..model.lrn import integer_lrn
from ..model.twin import require_equal

KERAS = tf_keras

#: Layers that tfmot refuses or leaves without a range.
_RANGED = ("Average", "ELU", "GlobalMaxPooling2D", "LayerNormalization", "Maximum")
_RANGED += ("Minimum", "Multiply", "PReLU", "Subtract")


@contextmanager
def _inputs_in_the_order_asked() -> Iterator[None]:
    from tensorflow_model_optimization.python.core.quantization.keras.graph_transformations import (
        model_transformer,
    )

    def get_layers(self, names):
        by_name = {layer["config"]["name"]: layer for layer in self._config["layers"]}
        return [by_name[name] for name in names if name in by_name]

    with mock.patch.object(model_transformer.ModelTransformer, "_get_layers", get_layers):
        yield


@contextmanager
def fake_quantization_off() -> Iterator[None]:
    """Calls and traces of a quantized model compute in plain float inside this block."""
    from tensorflow_model_optimization.python.core.quantization.keras import quant_ops

    kinds = ("LastValueQuantize", "MovingAvgQuantize", "AllValuesQuantize")
    identity = {kind: (lambda inputs, *args, **kwargs: inputs) for kind in kinds}
    with mock.patch.multiple(quant_ops, **identity), fake_quant.fake_quantization_off():
        yield


@contextmanager
def _observers_frozen_after(steps: int, optimizer) -> Iterator[None]:
    """Moving averages of ranges traced inside this block stay as they are after so many steps."""
    from tensorflow_model_optimization.python.core.quantization.keras import quant_ops

    observe = quant_ops.MovingAvgQuantize

    def frozen_late(*arguments, ema_decay, is_training, **options):
        # A file that is converted meanwhile is not to depend on the optimizer.
        if is_training is not False:
            ema_decay = tf.where(optimizer.iterations < steps, ema_decay, 1.0)
        return observe(*arguments, ema_decay=ema_decay, is_training=is_training, **options)

    with mock.patch.object(quant_ops, "MovingAvgQuantize", frozen_late):
        yield


def quantize(model, images: np.ndarray, input_range: tuple[float, float]):
    """A fake-quantized copy of the tf_keras `model`, its ranges calibrated on `images`.

    `images` are preprocessed evaluation images, (n, height, width, channels) float32;
    `input_range` is what pixels 0 and 255 become, and fixes the input's scale and zero point.
    Batch normalization is frozen: it computes as it will in the file.

    Raises BadInput unless the copy, with fake quantization off, equals `model` on `images`.
    """
    import tensorflow_model_optimization as tfmot
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_configs as configs,
    )

    ours = {
        make(tf_keras) for make in (attention_pooling, local_response_normalization, integer_lrn)
    }

    averages = [
        layer for layer in model.layers if isinstance(layer, tf_keras.layers.AveragePooling2D)
    ]
    averaged = {layer.inbound_nodes[-1].inbound_layers for layer in averages}
    # As in DenseNet. TFLite averages in the range of what is averaged; with a range of its own
    # the converter would give such a pooling that of what it is joined to, and then refuse it.
    joined = {
        layer
        for layer in averages
        for node in layer.outbound_nodes
        if isinstance(node.outbound_layer, tf_keras.layers.Concatenate)
    }

    def annotate(layer):
        # tfmot refuses layers it does not know: they stay float, and the audit will say so. It
        # leaves a max pooling without a range, and the converter then leaves the convolutions after
        # it in float, if its output is averaged too (tensorflow/model-optimization #622).
        if (
            type(layer) in ours
            or type(layer).__name__ in _RANGED
            or (isinstance(layer, tf_keras.layers.MaxPooling2D) and layer in averaged)
        ):
            return tfmot.quantization.keras.quantize_annotate_layer(
                layer, configs.Default8BitOutputQuantizeConfig()
            )
        if layer in joined:
            return tfmot.quantization.keras.quantize_annotate_layer(
                layer, configs.NoOpQuantizeConfig()
            )
        copy = layer.__class__.from_config(layer.get_config())
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            copy.trainable = False
        return copy

    annotated = tf_keras.models.clone_model(model, clone_function=annotate)
    annotated.set_weights(model.get_weights())
    scope = {
        **{layer.__name__: layer for layer in ours},
        "Default8BitOutputQuantizeConfig": configs.Default8BitOutputQuantizeConfig,
        "NoOpQuantizeConfig": configs.NoOpQuantizeConfig,
    }
    with _inputs_in_the_order_asked(), tfmot.quantization.keras.quantize_scope(scope):
        quantized = tfmot.quantization.keras.quantize_apply(
            tfmot.quantization.keras.quantize_annotate_model(annotated)
        )
    with fake_quantization_off():  # Eagerly: a trace would remember it.
        outputs, expected = (
            np.concatenate(
                [each(images[i : i + 64], training=False) for i in range(0, len(images), 64)]
            )
            for each in (quantized, model)
        )
    require_equal("the quantized network", outputs, expected)
    _calibrate(quantized, images, input_range)
    return quantized


def _calibrate(quantized, images, input_range) -> None:
    """Set every range of `quantized` to what the network shows on `images` in float."""
    wrappers = [layer for layer in quantized.layers if hasattr(layer, "quantize_config")]
    for wrapper in wrappers:
        for weight, quantizer, weight_range in wrapper._weight_vars:
            quantizer(weight, True, weights=weight_range)
    ranges = {wrapper.name: _activation_ranges(wrapper) for wrapper in wrappers}
    limits = _limits(quantized, [name for name, pairs in ranges.items() if pairs], images)
    for name, (low, high) in limits.items():
        for pair in ranges[name]:
            _set(pair, low, high)
    inputs = [layer for layer in quantized.layers if hasattr(layer, "quantizer_vars")]
    if len(inputs) != 1:
        raise BadInput(f"a network with one input is needed; got {len(inputs)} quantized inputs")
    _set(inputs[0].quantizer_vars, *input_range)


def _activation_ranges(wrapper) -> list[dict]:
    ranges = [wrapper._output_quantizer_vars] if wrapper._output_quantizers else []
    for activation in wrapper._quantize_activations:
        if activation._should_pre_quantize():
            raise BadInput(
                f"{wrapper.layer.name} ends in {activation.activation.__name__} inside the layer; "
                "give it an Activation layer of its own"
            )
        if activation._should_post_quantize():
            ranges.append(activation._post_activation_vars)
    return ranges


def _limits(quantized, names: list[str], images) -> dict[str, tuple[float, float]]:
    """The smallest and largest float output of each named layer on `images`, zero included."""
    outputs = {name: quantized.get_layer(name).output for name in names}
    probe = tf_keras.Model(quantized.inputs, outputs)
    low, high = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    with fake_quantization_off():
        for start in range(0, len(images), 32):
            for name, value in probe(images[start : start + 32], training=False).items():
                low[name] = min(low[name], float(tf.reduce_min(value)))
                high[name] = max(high[name], float(tf.reduce_max(value)))
    return {name: (low[name], high[name]) for name in names}


def _set(pair: dict, low: float, high: float) -> None:
    pair["min_var"].assign(low)
    pair["max_var"].assign(max(high, low + fake_quant.NARROWEST))


def fine_tune(
    quantized,
    batches,
    epochs: int,
    learning_rate: float,
    after_epoch: Callable[[int], None] = lambda epoch: None,
    precision: str = "float32",
) -> None:
    """Train the fake-quantized model with SGD from `learning_rate` down to 0 along a cosine.

    `batches` are TrainingBatches; their epochs count on from where they stand. `after_epoch` is
    told how many are done, from 1. Ranges follow the activations for the first half of the steps.
    `precision` is "float32": raises BadInput for another, in which tfmot cannot compute.
    """
    if precision != "float32":
        raise BadInput(f"the engine tfmot trains in float32 only, the engine keras in {precision}")
    first = batches.epoch

    def stream():
        for epoch in range(first, first + epochs):
            batches.start_epoch(epoch)
            for index in range(len(batches)):
                yield batches[index]

    # Images, labels, and weights of a skewed set's images.
    signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0])
    steps = epochs * len(batches)
    schedule = tf_keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    quantized.compile(
        optimizer=tf_keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    options = tf.data.Options()
    options.autotune.enabled = False  # Nothing to tune, and it is slow to end (`inference`).
    dataset = tf.data.Dataset.from_generator(stream, output_signature=signature)
    dataset = dataset.prefetch(4).with_options(options)
    frozen_after = round(fake_quant.FROZEN_AFTER * steps)
    with _observers_frozen_after(frozen_after, quantized.optimizer):
        quantized.fit(
            dataset,
            epochs=epochs,
            steps_per_epoch=len(batches),
            verbose=verbosity(),
            callbacks=[
                tf_keras.callbacks.LambdaCallback(
                    on_epoch_end=lambda epoch, logs: after_epoch(epoch + 1)
                )
            ],
        )
