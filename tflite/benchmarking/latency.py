"""What `.tflite` files cost to run: latency, memory, size, and which operators the time goes to."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from keras_inception.errors import BadInput

from ..file import guard
from ..file.content import read_bytes
from ..file.interpreter import File
from . import operator_timing
from .operator_timing import Operators, in_turns


def benchmark(paths, threads=(1,), runs: int = 200) -> dict:
    """Measure files on this machine, as {"device": ..., "files": [...]}, ready for JSON.

    Of each file: `bytes`; `peak_memory_bytes`, by which a process that has LiteRT grows as it loads
    and runs it (None where there is no /proc); `latency`, for each number of threads, in
    milliseconds: the `first` run, and the `median` and `p95` of `runs` single images after a tenth
    of that for warming up, the files taking turns; `operators`, as `Operators` has them;
    `fully_accelerated`: whether a delegate computes every one. Raises BadInput for a file that
    cannot be run.
    """
    check(paths, threads, runs)
    latencies = [[] for _ in paths]
    for count in threads:
        # Workers of other pools, waiting in a loop for their turn, would take a core: the files
        # are opened anew for each number of threads.
        files = [File(path, count) for path in paths]
        times = in_turns([file.seconds for file in files], runs)
        for mine, found in zip(latencies, times, strict=True):
            mine.append({"threads": count, **found})
    measured = []
    for path, latency in zip(paths, latencies, strict=True):
        growth, kinds = _taken_apart(path, latency[0]["first"], max(3, runs // 4))
        measured.append(record(path, growth, latency, kinds))
    return {"device": this_machine(), "files": measured}


@dataclass(frozen=True)
class _Found:
    kinds: list[Operators]


def _taken_apart(path, milliseconds: float, rounds: int) -> tuple[int | None, list[Operators]]:
    """By how many bytes a process grows that runs the file once, which takes so long; and its
    operators."""
    content = read_bytes(path)
    process = guard.Process(str(path), len(content), operator_timing.__name__)
    guard.Guarded(process, content).seconds(1)
    _, growth = process.call("growth", sizes=range(8, 9))
    # All of them are cut out first, and alone they take longer than in the file.
    extra = guard.ANSWER + rounds * milliseconds / 100
    found, _ = process.call("by_time", content, _Found, extra=extra, rounds=rounds)
    return int.from_bytes(growth, sys.byteorder, signed=True) or None, found.kinds


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
