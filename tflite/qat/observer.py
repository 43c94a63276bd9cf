"""The range of a tensor: found in calibration, followed while training begins, then at rest."""

from __future__ import annotations

from ..convert.rounding import Rounding

#: How much of an observed range remains after a batch.
DECAY = 0.99
#: The part of the steps after which ranges stay as they are while the weights settle in them.
FROZEN_AFTER = 0.5
#: What takes a half up or down, in steps: more than float32 errs by, and less than any other value
#: of an average is from a half.
_NUDGE = 1e-3


class Observer:
    """Rounds a tensor in the range of its group, which follows it if it is observed.

    That range covers its inputs: their smallest and largest while `calibrating`, when nothing is
    rounded; then a moving average of each batch's, for as many batches as `batches_left` says.
    `math` has the functions, by NumPy's names, of whatever computes, and `fake_quant` rounds in 8
    bits there.
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
        for name in ("low", "high", "batches_left") if self.observes else ():
            setattr(self, name, add_weight(name))

    def limits(self):
        """The lower and the upper end of the group's range."""
        return self.group.limits(self.math)

    def rounded(self, x, training: bool):
        """A batch of values in 8 bits, taken into account first."""
        values = self.math.cast(x, "float32")
        if self.observes and (self.calibrating or training):
            self._observe(values)
        if self.calibrating:
            return x
        low, high = self.limits()
        if self.averages:
            values = self.math.add(values, self._nudges(values, low, (high - low) / 255))
        return self.math.cast(self.fake_quant(values, low, high), x.dtype)

    def _nudges(self, x, low, step):
        # What lies below the range has no gradient: its lower end stays in it.
        down = self.math.where(x > low + step / 4, -_NUDGE * step, 0.0)
        return self.math.where(x < low + 128 * step, down, _NUDGE * step)

    def _observe(self, x) -> None:
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
