"""Quantization-aware training in Keras 3 itself: no twin, and in mixed precision too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np

from keras_inception.inference import outputs_of
from keras_inception.native_output import verbosity

from ..model.fake_quant import FROZEN_AFTER, fake_quantization_off
from ..model.twin import require_equal
from .folding import WEIGHTED, folded, walked
from .keras_layers import (
    BOUNDS,
    Bounded,
    FakeQuantizedConv2D,
    FakeQuantizedDense,
    FakeQuantizedDepthwiseConv2D,
    Group,
    Range,
)

__all__ = ["KERAS", "computed_in", "fake_quantization_off", "fine_tune", "quantize"]

KERAS = keras
layers = keras.layers
_FAKE_QUANTIZED = dict(
    zip(
        WEIGHTED,
        (FakeQuantizedConv2D, FakeQuantizedDepthwiseConv2D, FakeQuantizedDense),
        strict=True,
    )
)
# Their operators give what they take, in the same range.
_SAME_RANGE = (
    layers.AveragePooling2D,
    layers.Cropping2D,
    layers.Flatten,
    layers.GlobalMaxPooling2D,
    layers.MaxPooling2D,
    layers.Permute,
    layers.Reshape,
    layers.UpSampling2D,
    layers.ZeroPadding2D,
)


def quantize(model, images: np.ndarray, input_range: tuple[float, float]):
    """A fake-quantized copy of the functional Keras 3 `model`, its ranges calibrated on `images`.

    `images` are preprocessed evaluation images, (n, height, width, channels) float32;
    `input_range` is what pixels 0 and 255 become, and fixes the input's scale and zero point.
    Batch normalization is folded into the convolutions, as it will be in the file. The copy
    computes in float32.

    Raises BadInput unless the copy, with fake quantization off, equals `model` on `images`.
    """
    quantized = _fake_quantized(folded(model), input_range)
    observers = [r for r in quantized.layers if isinstance(r, Range) and r.observes]
    for observer in observers:
        observer.calibrating = True
    with fake_quantization_off():
        outputs = [
            np.array(quantized(images[i : i + 32], training=False))
            for i in range(0, len(images), 32)
        ]
    for observer in observers:
        observer.calibrating = False
    require_equal("the quantized network", np.concatenate(outputs), outputs_of(model, images))
    return quantized


def _fake_quantized(model, input_range):
    step = _FakeQuantize(input_range)
    walk = walked(model, step)
    outputs = keras.tree.map_structure(step.rounded, walk.output)
    return keras.Model(walk.input, outputs, name=model.name)


class _FakeQuantize:
    """Applies a layer's fake-quantized form.

    A tensor is rounded when something reads it, unless that is an activation which TFLite fuses
    with what made the tensor.
    """

    def __init__(self, input_range):
        self.input_range = input_range
        # By a tensor's identity: itself, its group, whether it is observed, and it rounded.
        self.known = {}

    def __call__(self, layer, *inputs, **arguments):
        if not _is_fused(layer):
            inputs = keras.tree.map_structure(self.rounded, inputs)
        if isinstance(layer, layers.Softmax):
            layer = layers.Activation("softmax", name=layer.name)
        if type(layer) in _FAKE_QUANTIZED:
            plain = layer
            layer = _FAKE_QUANTIZED[type(plain)].from_config(plain.get_config())
            outputs = layer(*inputs, **arguments)
            layer.set_folded(*plain.get_weights(), plain.factor)
        elif _is_bounded(layer):
            outputs = Bounded.from_config(layer.get_config())(*inputs)
            self.known[id(outputs)] = (outputs, Group(BOUNDS), False, outputs)
            return outputs
        else:
            outputs = layer(*inputs, **arguments)
        group, observed = self.group_for(layer, keras.tree.flatten(inputs))
        for output in keras.tree.flatten(outputs):
            self.known[id(output)] = (output, group, observed, None)
        return outputs

    def group_for(self, layer, inputs) -> tuple[Group, bool]:
        """The group of a layer's output, and whether its range has to be observed there."""
        groups = [self.known[id(x)][1] for x in inputs if id(x) in self.known]
        if isinstance(layer, _SAME_RANGE):
            return groups[0], False
        if isinstance(layer, layers.Concatenate):
            # A given range stays as it is: what has it is rescaled where it is joined.
            free = [group for group in groups if not group.whole.fixed]
            for group in free[1:]:
                free[0].join(group)
            if free:
                return free[0], len(free) < len(groups)
        return Group(), True

    def rounded(self, x):
        """The tensor x in 8 bits."""
        _, group, observed, rounded = self.known.get(
            id(x), (x, Group(self.input_range), False, None)
        )
        if rounded is None:
            maker = x._keras_history.operation.name
            rounded = Range(group, observed, name=f"{maker}_range")(x)
            self.known[id(x)] = (x, group, observed, rounded)
            self.known[id(rounded)] = (rounded, group, observed, rounded)
        return rounded


def _is_fused(layer) -> bool:
    if isinstance(layer, layers.ReLU):
        return layer.max_value in (None, 6) and not layer.negative_slope and not layer.threshold
    return isinstance(layer, layers.Activation) and layer.activation in (
        keras.activations.relu,
        keras.activations.relu6,
    )


def _is_bounded(layer) -> bool:
    return isinstance(layer, layers.Activation) and layer.activation in (
        keras.activations.softmax,
        keras.activations.sigmoid,
    )


@contextmanager
def computed_in(model, precision: str) -> Iterator[None]:
    """The Keras 3 `model` computes in the dtype policy `precision` inside this block."""
    before = [(part, part.dtype_policy) for part in (model, *model.layers)]
    for part, _ in before:
        if not isinstance(part, layers.InputLayer):
            part.dtype_policy = precision
    try:
        yield
    finally:
        for part, policy in before:
            part.dtype_policy = policy


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
    told how many are done, from 1. `precision` is the dtype policy to train in; the model is
    float32 afterwards. Ranges follow the activations for the first half of the steps.
    """
    first, steps = batches.epoch, epochs * len(batches)

    def told(epoch, logs):
        with computed_in(quantized, "float32"):
            after_epoch(epoch + 1)

    for layer in quantized.layers:
        if isinstance(layer, Range) and layer.observes:
            layer.batches_left.assign(FROZEN_AFTER * steps)
    with computed_in(quantized, precision):
        quantized.compile(
            optimizer=keras.optimizers.SGD(
                keras.optimizers.schedules.CosineDecay(learning_rate, steps),
                momentum=0.9,
                nesterov=True,
            ),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        quantized.fit(
            batches,
            epochs=epochs,
            shuffle=False,
            verbose=verbosity(),
            callbacks=[
                keras.callbacks.LambdaCallback(
                    on_epoch_begin=lambda epoch, logs: batches.start_epoch(first + epoch),
                    on_epoch_end=told,
                ),
            ],
        )
