"""Quantization-aware training in Keras 3 itself: on any of its backends, in mixed precision too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np

from ..keras_graph.plain import Layer
from ..keras_graph.to_keras import called, keras_layer
from .fake_quantized import FakeQuantized
from .keras_layers import FAKE_QUANTIZED, Range, take_variables


class KerasFakeQuantized(FakeQuantized):
    """A fake-quantized copy in Keras 3."""

    KERAS, MIXED = keras, True

    def _build(self):
        image = keras.Input(self.network.shape, name="image")
        self._round(self.network.input, "image", image)
        for layer in self.network.layers:
            made = keras_layer(layer, keras, FAKE_QUANTIZED.get(layer.kind))
            if layer.kind in FAKE_QUANTIZED:
                self.kernels[layer.name] = made
            self._round(layer.output, layer.name, called(made, layer, self.tensors))
            if layer.weights:
                take_variables(made, layer)
        return keras.Model(image, self.tensors[self.network.output], name=self.network.name)

    def _round(self, number: int, maker: str, tensor) -> None:
        if number in self.rounding.groups:
            self.observers[number] = Range(self.rounding, number, name=f"{maker}>range")
            tensor = self.observers[number](tensor)
        self.tensors[number] = tensor

    def _variables(self, layer: Layer) -> list[np.ndarray]:
        return self.model.get_layer(layer.name).get_weights()

    def _fed(self, batches, epochs):
        first, fed = batches.epoch, {"x": batches, "shuffle": False}
        return fed, lambda epoch, logs: batches.start_epoch(first + epoch)

    @contextmanager
    def _computed_in(self, precision: str) -> Iterator[None]:
        before = [(part, part.dtype_policy) for part in (self.model, *self.model.layers)]
        for part, _ in before:
            if not isinstance(part, keras.layers.InputLayer):
                part.dtype_policy = precision
        try:
            yield
        finally:
            for part, policy in before:
                part.dtype_policy = policy
