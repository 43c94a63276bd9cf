"""The range of a tensor: found in calibration, followed while training begins, then at rest."""

from __future__ import annotations

from functools import reduce

from ..convert.calibration import EMPTY
from ..convert.rounding import Rounding
from ..keras_graph.plain import NARROWEST

#: How much of an observed range remains after a batch.
DECAY = 0.99
#: The part of the steps after which ranges stay as they are while the weights settle in them.
FROZEN_AFTER = 0.5
#: What takes a half up or down, in steps: more than float32 errs by, and less than any other value
#: of an average is from a half.
_NUDGE = 1e-3
_VARIABLES = ("low", "high", "batches_left")


class Observer:
    """Rounds a tensor in the range of its group, which follows it if it is observed.

    That range covers its inputs: their smallest and largest while `calibrating`, when nothing is
    rounded; then a moving average of each batch's, for as many batches as `batches_left` says.
    `math` has add, minimum, maximum, where, min and max of whatever computes, and `fake_quant`
    rounds in 8 bits there.
    """

    calibrating = False
    math = fake_quant = None

    def begin(self, rounding: Rounding, number: int) -> None:
        self.group = rounding.groups[number]
        self.observes, self.averages = number in rounding.observed, number in rounding.averaged
        if self.observes:
            self.group.whole.observers.append(self)

    def make_variables(self, add_weight) -> None:
        """Make what is remembered; `add_weight` takes a name."""
        for name in _VARIABLES if self.observes else ():
            setattr(self, name, add_weight(name))

    def limits(self):
        """The lower and the upper end of the group's range."""
        group = self.group.whole
        if group.fixed:
            return group.fixed
        low = reduce(self.math.minimum, [observer.low for observer in group.observers])
        high = reduce(self.math.maximum, [observer.high for observer in group.observers])
        narrowest = self.math.where(high > low, NARROWEST, EMPTY)
        return low, self.math.maximum(high, low + narrowest)

    def rounded(self, x):
        """`x` in 8 bits, unless `calibrating`."""
        if self.calibrating:
            return x
        low, high = self.limits()
        if self.averages:
            x = self.math.add(x, self._nudges(x, low, (high - low) / 255))
        return self.fake_quant(x, low, high)

    def _nudges(self, x, low, step):
        # What lies below the range has no gradient: its lower end stays in it.
        down = self.math.where(x > low + step / 4, -_NUDGE * step, 0.0)
        return self.math.where(x < low + 128 * step, down, _NUDGE * step)

    def observe(self, x) -> None:
        """Take the values of a batch into account."""
        math = self.math
        low, high = math.minimum(math.min(x), 0.0), math.maximum(math.max(x), 0.0)
        if self.calibrating:
            self.low.assign(math.minimum(self.low, low))
            self.high.assign(math.maximum(self.high, high))
            return
        keep = math.where(self.batches_left > 0, DECAY, 1.0)
        self.low.assign(keep * self.low + (1 - keep) * low)
        self.high.assign(keep * self.high + (1 - keep) * high)
        self.batches_left.assign(math.maximum(self.batches_left - 1, 0.0))
