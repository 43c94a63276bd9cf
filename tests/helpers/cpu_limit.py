"""A plugin of pytest: a test of the quick suite that computes for long fails, and is to be marked.

Shared fixtures do not count, nor does waiting; processes that the test started and waited for do.
"""

import os

import pytest

SECONDS = 10


def _spent() -> float:
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    began = _spent()
    result = yield
    spent = _spent() - began
    if spent > SECONDS and not item.get_closest_marker("slow"):
        pytest.fail(
            f"computed for {spent:.1f} s, and a test that is not marked slow may for {SECONDS}: "
            "make it smaller, or mark it and keep a smaller case",
            pytrace=False,
        )
    return result
