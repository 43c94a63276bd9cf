"""`python -m fuzz N`: N files, shared among the targets, on all cores."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .targets import TARGETS

FOUND = Path(__file__).parent / "found"
WORKER = (sys.executable, "-m", "fuzz.worker")
#: Files of one process: what it holds is given back after them.
CHUNK = 500


def _run(name: str, seed: int, first: int, count: int) -> tuple[Counter, list[str]]:
    """What came of the files first..first + count - 1, and the faults."""
    outcomes, faults, end = Counter(), [], first + count
    while first < end:
        done = subprocess.run(
            [*WORKER, name, *map(str, (seed, first, end - first, FOUND))],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        at, told = first, set()
        for line in done.stdout.splitlines():
            what, _, rest = line.partition(" ")
            if what == "at":
                at = int(rest)
            elif what == "fault":
                number, _, reason = rest.partition(" ")
                told.add(int(number))
                faults.append(f"{name}-{seed}-{number}: {json.loads(reason)}")
            elif what == "opened" or what == "refused":
                outcomes[what] += 1
        whole = at == end - 1 and not done.returncode
        if not whole and at not in told:
            last = " ".join(done.stderr.split())[-300:]
            faults.append(f"{name}-{seed}-{at}: ended with {done.returncode}: {last}")
        first = end if whole else at + 1
    outcomes["fault"] = len(faults)
    return outcomes, faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("files", type=int, metavar="N")
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    FOUND.mkdir(exist_ok=True)
    shares = {name: TARGETS[name].share for name in asked.only}
    jobs = []
    for name, share in shares.items():
        files = round(asked.files * share / sum(shares.values()))
        jobs += [(name, k, min(CHUNK, files - k)) for k in range(0, files, CHUNK)]
    total, every, began = {name: Counter() for name in shares}, [], time.monotonic()
    with ThreadPoolExecutor(asked.jobs) as pool:
        results = pool.map(lambda job: (job[0], *_run(job[0], asked.seed, *job[1:])), jobs)
        for done, (name, outcomes, faults) in enumerate(results, 1):
            total[name] += outcomes
            every += faults
            for fault in faults:
                print(fault, flush=True)
            if done % 10 == 0:
                print(f"{done} of {len(jobs)} chunks, {time.monotonic() - began:.0f} s", flush=True)
    for name, outcomes in total.items():
        print(f"{name:<12} {sum(outcomes.values()):>7} files: {dict(outcomes)}")
    print(f"{len(every)} faults in {time.monotonic() - began:.0f} s, seed {asked.seed}")
    return bool(every)


if __name__ == "__main__":
    sys.exit(main())
