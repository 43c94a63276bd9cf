"""Which tensors of a network of plain layers are rounded to 8 bits, which share a range, and how
kernels are rounded.

It is what TFLite's integer operators do, so that a model trained with these roundings computes what
the file will: an activation that an operator takes along is rounded once, pools and reshapes keep
the range they are given, and what is joined shares one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

from ..keras_graph.plain import NARROWEST, Layer, PlainNetwork

#: The lower and the upper end of tensors' ranges, by their numbers.
Ranges = Mapping[int, tuple[float, float]]
#: The width of the range of a tensor that is zero on every image.
_EMPTY = 1.0
#: The values of TFLite's integer operators whose range is fixed.
BOUNDS = {
    "softmax": (0.0, 255 / 256),
    "sigmoid": (0.0, 255 / 256),
    "tanh": (-1.0, 127 / 128),
}
#: What an operator that computes in a wider integer can end in.
_FUSING = (
    "Add", "Convolution", "Dense", "DepthwiseConvolution", "Multiply", "Scale", "Subtract",
)  # fmt: skip
#: Layers whose output is in the range of their input, as their operators need.
SAME_RANGE = (
    "AveragePooling",
    "Cropping",
    "GlobalMaxPooling",
    "MaxPooling",
    "Padding",
    "Permute",
    "Reshape",
    "Resizing",
)
#: Those of them that compute averages: their operators round halves away from the middle of the
#: range, where rounding to nearest takes them up.
_AVERAGING = ("AveragePooling", "Resizing")
_POOLING = ("AveragePooling", "MaxPooling")
#: Layers whose inputs and output are in one range.
_ONE_RANGE = ("Concatenate", "Maximum", "Minimum")


@dataclass(eq=False)
class Group:
    """Tensors of one range: `fixed`, or that of what its `observers` see, of which each has the
    lower and the upper end (`low`, `high`) of its own tensor."""

    fixed: tuple[float, float] | None = None
    observers: list = field(default_factory=list)
    _part_of: Group | None = None

    @property
    def whole(self) -> Group:
        return self._part_of.whole if self._part_of else self

    def join(self, other: Group) -> None:
        mine, theirs = self.whole, other.whole
        if mine is not theirs:
            mine.observers += theirs.observers
            theirs._part_of = mine

    def limits(self, math):
        """The lower and the upper end of its range, computed by `math`."""
        group = self.whole
        if group.fixed:
            return group.fixed
        low = reduce(math.minimum, [observer.low for observer in group.observers])
        high = reduce(math.maximum, [observer.high for observer in group.observers])
        return low, math.maximum(high, low + math.where(high > low, NARROWEST, _EMPTY))


@dataclass(frozen=True)
class Rounding:
    """The group of every tensor that is rounded, the tensors by whose values ranges go, and those
    that are averages, whose halves are rounded away from the middle of the range."""

    groups: dict[int, Group]
    observed: frozenset[int]
    averaged: frozenset[int]


def rounding(network: PlainNetwork, input_range: tuple[float, float]) -> Rounding:
    """The roundings of `network`, whose input lies in `input_range`."""
    groups, observed = {network.input: Group(input_range)}, set()
    for layer in network.layers:
        if not is_fused(network, layer):
            same = layer.kind in SAME_RANGE or _ends_a_pooling(network, layer)
            group, is_observed = _group(layer, [groups.get(n) for n in layer.inputs], same)
            groups[layer.output] = group
            if is_observed:
                observed.add(layer.output)
    averaged = {layer.output for layer in network.layers if layer.kind in _AVERAGING}
    return Rounding(groups, frozenset(observed), frozenset(averaged))


def is_fused(network: PlainNetwork, layer: Layer) -> bool:
    """Whether the operator of a layer takes the activation after it along."""
    readers = network.readers.get(layer.output, [])
    if layer.kind not in _FUSING or len(readers) != 1 or layer.output == network.output:
        return False
    return _can_be_fused(readers[0])


def _can_be_fused(layer: Layer) -> bool:
    options = layer.options
    return (
        layer.kind == "ReLU"
        and options["max_value"] in (None, 6)
        and not options["negative_slope"]
        and not options["threshold"]
    )


def _ends_a_pooling(network: PlainNetwork, layer: Layer) -> bool:
    """Whether a layer is an activation that the operator of a pooling takes along, whose input and
    output have one range."""
    before = network.maker.get(layer.inputs[0])
    return before is not None and before.kind in _POOLING and _can_be_fused(layer)


def _group(layer: Layer, inputs: list[Group | None], same: bool) -> tuple[Group, bool]:
    """The group of a layer's output, and whether its range has to be observed there."""
    fixed = layer.range or BOUNDS.get(layer.options.get("activation"))
    if fixed:
        return Group(fixed), False
    if same and inputs[0]:
        return inputs[0], False
    if layer.kind in _ONE_RANGE:
        # A given range stays as it is: what has it is rescaled where it is joined.
        free = [group for group in inputs if group and not group.whole.fixed]
        for group in free[1:]:
            free[0].join(group)
        if free:
            return free[0], len(free) < len(inputs)
    return Group(), True


def rounded_kernel(kernel, over: tuple[int, ...], math):
    """A kernel in 8 bits, each of its output channels, which the axes `over` run over, in even
    steps of its own. `math` is NumPy or keras.ops, or has TensorFlow's functions by these names."""
    within = tuple(axis for axis in range(len(kernel.shape)) if axis not in over)
    largest = math.max(math.abs(kernel), axis=within, keepdims=True)
    step = math.maximum(largest, 1e-6) / 127
    return math.round(kernel / step) * step
