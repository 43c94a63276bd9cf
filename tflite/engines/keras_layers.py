"""Fake-quantized layers in Keras 3: kernels, activations, and ranges that several may share."""

from __future__ import annotations

from functools import reduce

import keras
import numpy as np

from ..model.fake_quant import NARROWEST, is_on

layers, ops = keras.layers, keras.ops
fake_quant = keras.quantizers.fake_quant_with_min_max_vars

#: The values of TFLite's integer SOFTMAX and LOGISTIC.
BOUNDS = (0.0, 255 / 256)
#: How much of an observed range remains after a batch.
DECAY = 0.99


class _FakeQuantizedKernel:
    """A layer whose kernel is rounded to 8 bits, symmetric, its range the kernel's own."""

    #: The axis of the kernel that has ranges of its own; None: one range for all of it.
    axis = -1
    #: What the variable is multiplied by: the normalization folded into it. Were that part of the
    #: variable, a step of training would be as much larger as the square of it is smaller.
    factor = 1.0

    def set_folded(self, kernel, bias, factor) -> None:
        """Take over a folded layer's weights."""
        self.factor = np.float32(np.where(factor, factor, 1.0))
        self.set_weights([kernel / self.factor, bias])

    def add_weight(self, *args, name=None, **options):
        # Rounded from float32 whatever the layer computes in.
        return super().add_weight(*args, name=name, autocast=name != "kernel", **options)

    @property
    def kernel(self):
        kernel = self._kernel * self.factor
        if is_on():
            axis = self.axis
            axes = None if axis is None else [i for i in range(4) if i != axis % 4]
            limit = ops.maximum(ops.max(ops.abs(kernel), axis=axes), 1e-6)
            limit = ops.stop_gradient(limit)
            kernel = fake_quant(kernel, -limit, limit, narrow_range=True, axis=axis)
        return ops.cast(kernel, self.compute_dtype)

    @kernel.setter
    def kernel(self, variable):
        self._kernel = variable


class FakeQuantizedConv2D(_FakeQuantizedKernel, layers.Conv2D):
    """Conv2D with a kernel of 8 bits, each output channel with its own range."""


class FakeQuantizedDepthwiseConv2D(_FakeQuantizedKernel, layers.DepthwiseConv2D):
    """DepthwiseConv2D with a kernel of 8 bits, each channel with its own range, or all with one if
    there are several outputs to an input: the converter fails on more ranges of these."""

    @property
    def axis(self):
        return 2 if self.depth_multiplier == 1 else None


class FakeQuantizedDense(_FakeQuantizedKernel, layers.Dense):
    """Dense with a kernel of 8 bits and one range: the converter fails on more of them."""

    axis = None


class Bounded(layers.Activation):
    """Softmax or sigmoid, rounded to the 256 values that TFLite's operators give."""

    def call(self, inputs):
        outputs = super().call(inputs)
        return fake_quant(outputs, *BOUNDS) if is_on() else outputs


class Group:
    """Tensors of one range, as TFLite's pooling and joining need. `fixed` is a given range."""

    def __init__(self, fixed: tuple[float, float] | None = None):
        self.fixed, self.observers, self._joined = fixed, [], None

    @property
    def whole(self) -> Group:
        return self._joined.whole if self._joined else self

    def join(self, other: Group) -> None:
        mine, theirs = self.whole, other.whole
        if mine is not theirs:
            mine.observers += theirs.observers
            theirs._joined = mine


class Range(layers.Layer):
    """Rounds activations to 8 bits in the range of its group.

    Where it `observes`, that range covers its inputs: their smallest and largest in calibration,
    then a moving average of each batch's, for as many batches of training as `batches_left`.
    """

    def __init__(self, group: Group, observes: bool, **options):
        super().__init__(**options)
        self.group, self.calibrating = group, False
        self.observes = observes
        if observes:
            group.whole.observers.append(self)
            low_high = {"trainable": False, "autocast": False, "dtype": "float32"}
            self.low = self.add_weight(name="low", shape=(), initializer="zeros", **low_high)
            self.high = self.add_weight(name="high", shape=(), initializer="zeros", **low_high)
            self.batches_left = self.add_weight(
                name="batches_left", shape=(), initializer="zeros", **low_high
            )

    def call(self, x, training=False):
        if self.observes and (self.calibrating or (training and is_on())):
            self.observe(ops.cast(x, "float32"))
        if not is_on():
            return x
        return fake_quant(x, *self.limits())

    def limits(self):
        """The lower and the upper end of the group's range."""
        group = self.group.whole
        if group.fixed:
            return group.fixed
        low = reduce(ops.minimum, [observer.low for observer in group.observers])
        high = reduce(ops.maximum, [observer.high for observer in group.observers])
        return low, ops.maximum(high, low + NARROWEST)

    def observe(self, x):
        low, high = ops.minimum(ops.min(x), 0.0), ops.maximum(ops.max(x), 0.0)
        if self.calibrating:
            self.low.assign(ops.minimum(self.low, low))
            self.high.assign(ops.maximum(self.high, high))
            return
        keep = ops.where(self.batches_left > 0, DECAY, 1.0)
        self.low.assign(keep * self.low + (1 - keep) * low)
        self.high.assign(keep * self.high + (1 - keep) * high)
        self.batches_left.assign(ops.maximum(self.batches_left - 1, 0.0))
