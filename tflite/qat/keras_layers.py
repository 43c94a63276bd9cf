"""Fake-quantized layers in Keras 3: kernels, and the ranges of activations."""

from __future__ import annotations

import keras
import numpy as np

from ..convert.rounding import Rounding, rounded_kernel
from ..keras_graph.plain import KINDS, Layer
from .observer import Observer

layers, ops = keras.layers, keras.ops


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
            rounded = rounded_kernel(kernel, self.over, ops)
            kernel = kernel + ops.stop_gradient(rounded - kernel)
        return ops.cast(kernel, self.compute_dtype)

    @kernel.setter
    def kernel(self, variable):
        self._kernel = variable


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

    math = ops
    fake_quant = staticmethod(keras.quantizers.fake_quant_with_min_max_vars)

    def __init__(self, rounding: Rounding, number: int, **options):
        super().__init__(**options)
        self.begin(rounding, number)
        kept = {"trainable": False, "autocast": False, "dtype": "float32", "shape": ()}
        self.make_variables(lambda name: self.add_weight(name=name, initializer="zeros", **kept))

    def call(self, x, training=False):
        return self.rounded(x, training)
