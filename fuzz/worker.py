"""Some files of one target, in a process of their own, told line by line.

    python -m fuzz.worker TARGET SEED FIRST COUNT FOLDER

writes `at K` before file K, and then what came of it: `opened`, `refused`, or `fault K REASON`,
whose bytes stay in FOLDER.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from . import MEMORY, SECONDS
from .targets import TARGETS, made


def _peak() -> int:
    """Bytes that this process, or any child of it that has ended, held at most since `_forget`."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return 1024 * max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def main(name: str, seed: int, first: int, count: int, folder: Path) -> None:
    faulthandler.enable()
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as scratch:
        seeds = target.seeds(Path(scratch))
        for k in range(first, first + count):
            content = made(target, seeds, seed, k)
            print(f"at {k}", flush=True)
            faulthandler.dump_traceback_later(10 * SECONDS, exit=True)
            began = time.monotonic()
            try:
                fault, outcome = "", target.attempt(content, Path(scratch))
            except BaseException as error:
                fault = f"{type(error).__name__}: {error}"[:300]
                fault += _where(error)
            seconds = time.monotonic() - began
            if not fault and seconds > SECONDS:
                fault = f"took {seconds:.1f} s"
            if not fault and _peak() > MEMORY:
                fault = f"held {_peak() / 2**30:.1f} GB"
            if fault:
                (folder / f"{name}-{seed}-{k}").write_bytes(content)
                print(f"fault {k} {json.dumps(fault)}", flush=True)
                if fault.startswith("held"):
                    return  # The next files would be blamed for it.
            else:
                print(outcome, flush=True)


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
