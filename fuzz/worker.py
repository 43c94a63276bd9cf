"""Some files of one target, in a process of their own, told line by line.

    python -m fuzz.worker TARGET SEED FIRST COUNT FOLDER

writes `at K` before file K, and then what came of it: `opened`, `refused`, or `fault K REASON`,
whose bytes stay in FOLDER.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path

from . import MEMORY, SECONDS
from .targets import TARGETS, made


def _held(what: str) -> int:
    """Bytes that this process holds, VmRSS, or held at most, VmHWM."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(what))


def _of_children() -> int:
    """Bytes that the largest child that has ended held at most."""
    return 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def main(name: str, seed: int, first: int, count: int, folder: Path) -> None:
    faulthandler.enable()
    logging.getLogger("keras_inception").setLevel(logging.ERROR)
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as scratch:
        seeds = target.seeds(Path(scratch))
        for k in range(first, first + count):
            content = made(target, seeds, seed, k)
            kept = folder / f"{name}-{seed}-{k}"
            kept.write_bytes(content)
            print(f"at {k}", flush=True)
            Path("/proc/self/clear_refs").write_text("5", "ascii")  # forgets the peak
            before = _held("VmRSS")
            faulthandler.dump_traceback_later(10 * SECONDS, exit=True)
            began = time.monotonic()
            try:
                fault, outcome = "", target.attempt(content, Path(scratch))
            except BaseException as error:
                fault = f"{type(error).__name__}: {error}"[:300]
                fault += _where(error)
            seconds = time.monotonic() - began
            held = max(_held("VmHWM") - before, _of_children())
            if not fault and held > MEMORY:  # Said before the time: to fill memory takes long, too.
                fault = f"held {held / 2**30:.1f} GB"
            if not fault and seconds > SECONDS:
                fault = f"took {seconds:.1f} s"
            if not fault:
                kept.unlink()
                print(outcome, flush=True)
                continue
            print(f"fault {k} {json.dumps(fault)}", flush=True)
            if fault.startswith("held"):
                return  # The next files would be blamed for it.


def _where(error: BaseException) -> str:
    last, trace = "", error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if "/site-packages/" not in code.co_filename:
            last = f" at {code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return last


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5]))
