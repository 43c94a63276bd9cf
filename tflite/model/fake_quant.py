"""The switch of fake quantization, and the step that leaves room for an observer to be frozen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

#: The part of the steps after which ranges stay as they are while the weights settle in them.
FROZEN_AFTER = 0.5
#: The width of a range that is zero on every image: something to divide by.
NARROWEST = 1e-3

_on = True


def is_on() -> bool:
    return _on


@contextmanager
def fake_quantization_off() -> Iterator[None]:
    """Calls and traces of a quantized model compute in plain float inside this block."""
    global _on
    before, _on = _on, False
    try:
        yield
    finally:
        _on = before
