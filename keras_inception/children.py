"""Processes of our own that run a module of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import BinaryIO

#: For the environment of a child that closes itself in: one thread until it has, and one heap, for
#: each reserves address space.
ALONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
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


class Late(Exception):
    """A process did not come to an end in its time, and was killed."""


def answer(command: list[str], given: BinaryIO, out: BinaryIO, seconds: float, most: int):
    """Write what a process makes of the file `given` to `out`; its exit status, and its last words.

    A process that writes more than `most` bytes is killed. Raises Late after `seconds`.
    """
    late = threading.Event()
    with subprocess.Popen(
        command,
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **ALONE},
    ) as child:
        clock = threading.Timer(seconds, lambda: (late.set(), child.kill()))
        clock.start()
        try:
            while data := child.stdout.read1(1 << 20):
                most -= len(data)
                if most < 0:
                    child.kill()
                    break
                out.write(data)
            words = child.stderr.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
            status = child.wait()
        finally:
            child.kill()
            clock.cancel()
    if late.is_set():
        raise Late
    return status, words[-1] if words else ""
