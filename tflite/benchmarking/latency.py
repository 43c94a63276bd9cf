"""What `.tflite` files cost to run: latency, memory, size, and which operators the time goes to."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from keras_inception.errors import BadInput

from ..file import guard
from ..file.graph import Graph
from ..file.interpreter import File, read_bytes
from .operator_timing import Operators, by_time, in_turns

#: Loads and runs a file once, and prints by how many bytes the process grew at most.
_GROWTH = """
import sys
from ai_edge_litert.interpreter import Interpreter
def size(field):
    return next(int(s.split()[1]) for s in open("/proc/self/status") if s.startswith(field))
before = size("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # forgets the peak of the imports
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
interpreter.invoke()
print(1024 * (size("VmHWM") - before))
"""


def benchmark(paths, threads=(1,), runs: int = 200) -> dict:
    """Measure files on this machine, as {"device": ..., "files": [...]}, ready for JSON.

    Of each file: `bytes`; `peak_memory_bytes`, by which a process grows that loads and runs it
    (None where there is no /proc); `latency`, for each number of threads, in milliseconds: the
    `first` run, and the `median` and `p95` of `runs` single images after a tenth of that for
    warming up, the files taking turns; `operators`, as `Operators` has them; `fully_accelerated`:
    whether a delegate computes every one. Raises BadInput for a file that cannot be run.
    """
    check(paths, threads, runs)
    contents = [read_bytes(path) for path in paths]
    for path, content in zip(paths, contents, strict=True):
        guard.require_sound(path, content)  # Then it is timed here: messages to a child take time.
    latencies = [[] for _ in paths]
    for count in threads:
        # Workers of other pools, waiting in a loop for their turn, would take a core: the files
        # are opened anew for each number of threads.
        files = [File(content, count) for content in contents]
        times = in_turns([file.invoke for file in files], runs)
        for mine, found in zip(latencies, times, strict=True):
            mine.append({"threads": count, **found})
    measured = []
    for path, content, latency in zip(paths, contents, latencies, strict=True):
        kinds = by_time(Graph.read(content), max(3, runs // 4))
        measured.append(record(path, _growth(path), latency, kinds))
    return {"device": this_machine(), "files": measured}


def record(path, growth: int | None, latency: list[dict], kinds: list[Operators]) -> dict:
    """What `benchmark` says of one file."""
    return {
        "file": str(path),
        "bytes": Path(path).stat().st_size,
        "peak_memory_bytes": growth,
        "latency": latency,
        "fully_accelerated": all(kind.accelerated for kind in kinds),
        "operators": [vars(kind) for kind in kinds],
    }


def check(paths, threads, runs: int) -> None:
    """Raises BadInput if a file is missing or is none, or a number is below 1."""
    for path in paths:
        read_bytes(path)
    if runs < 1 or not threads or min(threads) < 1:
        raise BadInput(f"runs and threads must be at least 1; got {runs} and {list(threads)}")


def this_machine() -> str:
    """System, processor and LiteRT's version."""
    info = Path("/proc/cpuinfo")
    models = [s for s in info.read_text("utf-8").splitlines() if s.startswith("model name")] or [""]
    processor = models[0].partition(": ")[2] if info.exists() else platform.processor()
    return (
        f"{platform.system()} {platform.machine()}, {processor or 'unknown processor'}, "
        f"{os.cpu_count()} cores, ai-edge-litert {version('ai-edge-litert')}"
    )


def _growth(path) -> int | None:
    if not Path("/proc/self/clear_refs").exists():
        return None
    command = [sys.executable, "-c", _GROWTH, str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise BadInput(f"{path} cannot be run by itself: {done.stderr.strip()[-300:]}")
    return int(done.stdout)


def table(measured: dict) -> str:
    """What `benchmark` measured, to be read."""
    wide = max(len(Path(each["file"]).name) for each in measured["files"])
    lines = [
        measured["device"],
        "",
        f"{'file':<{wide}}  {'kB':>9}  {'memory kB':>9}  threads  first ms  median ms   p95 ms",
    ]
    for each in measured["files"]:
        memory = each["peak_memory_bytes"]
        memory = "-" if memory is None else f"{memory / 1000:,.0f}"
        start = f"{Path(each['file']).name:<{wide}}  {each['bytes'] / 1000:9,.0f}  {memory:>9}"
        for row in each["latency"]:
            lines.append(
                f"{start}  {row['threads']:7}  {row['first']:8.2f}  {row['median']:9.2f}  "
                f"{row['p95']:7.2f}"
            )
    for each in measured["files"]:
        lines += ["", *_operators(each)]
    return "\n".join(lines)


def _operators(file: dict) -> list[str]:
    kinds = file["operators"]
    left = [kind["operator"] for kind in kinds if not kind["accelerated"]]
    whole = "fully accelerated" if not left else f"not accelerated: {', '.join(left)}"
    total = sum(kind["milliseconds"] or 0 for kind in kinds)
    lines = [f"{Path(file['file']).name}: {whole}; its operators together {total:.3f} ms"]
    for kind in kinds:
        spent = kind["milliseconds"]
        spent = "not timed" if spent is None else f"{spent:8.3f} ms  {spent / total:6.1%}"
        lines.append(f"  {kind['operator']:<32} {kind['count']:4}  {spent}")
    return lines
