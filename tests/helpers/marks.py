"""Which cases of a test are of the quick suite."""

import pytest


def slow_but(quick, names):
    """The names as parameters of a test, all slow but those that are `quick`."""
    return [pytest.param(n, marks=() if n in quick else pytest.mark.slow) for n in names]
