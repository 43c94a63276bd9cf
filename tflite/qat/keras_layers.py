"""Fake-quantized layers in Keras 3: kernels, and the ranges of activations."""

from __future__ import annotations

import keras
import numpy as np

from ..convert.rounding import Rounding
from ..keras_graph.plain import KINDS, Layer
from .observer import Observer

layers, ops = keras.layers, keras.ops
fake_quant = keras.quantizers.fake_quant_with_min_max_vars


class _FakeQuantizedKernel:
    """A layer whose kernel is rounded to 8 bits, each output channel in its own, even range."""

    #: What the variable is multiplied by: the normalization folded into it.
    factor = 1.0
    calibrating = False

    def add_weight(self, *args, name=None, **options):
        # Rounded from float32 whatever the layer computes in.
        return super().add_weight(*args, name=name, autocast=name != "kernel", **options)

    @property
    def kernel(self):
        kernel = self._kernel * self.factor
        if not self.calibrating:
            kernel = rounded(kernel, self.over)
        return ops.cast(kernel, self.compute_dtype)

    @kernel.setter
    def kernel(self, variable):
        self._kernel = variable


def rounded(kernel, over: tuple[int, ...]):
    """A kernel in 8 bits, its axes `over` running over output channels."""
    shape = kernel.shape
    if len(over) > 1:  # They are the last ones.
        kernel = ops.reshape(kernel, (*shape[: over[0]], -1))
    axis = over[0]
    limit = ops.max(ops.abs(kernel), axis=[i for i in range(len(kernel.shape)) if i != axis])
    limit = ops.stop_gradient(ops.maximum(limit, 1e-6))
    kernel = fake_quant(kernel, -limit, limit, narrow_range=True, axis=axis)
    return ops.reshape(kernel, shape)


def _fake_quantized(kind: str) -> type:
    parents = (_FakeQuantizedKernel, getattr(layers, KINDS[kind].keras))
    return type(f"FakeQuantized{kind}", parents, {"over": KINDS[kind].outputs})


FAKE_QUANTIZED = {kind: _fake_quantized(kind) for kind, of in KINDS.items() if of.outputs}


def take_variables(made, layer: Layer) -> None:
    """Give a built layer of FAKE_QUANTIZED, or a stock one, the variables of a plain one."""
    if layer.trainable and isinstance(made, _FakeQuantizedKernel):
        made.factor = np.float32(layer.factor)
    made.set_weights(layer.variables)


class Range(layers.Layer, Observer):
    """Rounds activations to 8 bits in the range of their group."""

    math, fake_quant = ops, staticmethod(fake_quant)

    def __init__(self, rounding: Rounding, number: int, **options):
        super().__init__(**options)
        self.begin(rounding, number)
        kept = {"trainable": False, "autocast": False, "dtype": "float32", "shape": ()}
        self.make_variables(lambda name: self.add_weight(name=name, initializer="zeros", **kept))

    def call(self, x, training=False):
        values = ops.cast(x, "float32")
        if self.observes and (self.calibrating or training):
            self.observe(values)
        return ops.cast(self.rounded(values), x.dtype)
