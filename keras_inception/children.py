"""Processes of our own that run a module of ours."""

from __future__ import annotations

import os
import sys

_RUN = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import keras_inception
del sys.path[0]
import runpy
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


def command(module: str) -> list[str]:
    """What runs `module`, which is imported from where this process found us: a checkout that is
    not installed may be found from one working directory only.

    -P: what lies in the working directory is not to be imported.
    """
    package = os.path.dirname(os.path.abspath(__file__))
    return [sys.executable, "-P", "-c", _RUN, os.path.dirname(package), module]
