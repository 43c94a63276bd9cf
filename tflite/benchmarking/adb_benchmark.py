"""`.tflite` files measured on an Android phone, by TensorFlow's benchmark_model through adb."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
from pathlib import PurePosixPath

from keras_inception.errors import BadInput

from .latency import check, record
from .operator_timing import Operators

FOLDER = PurePosixPath("/data/local/tmp")
TOOL = FOLDER / "benchmark_model"
TURNS = 3

_TIMES = re.compile(r"count=\d+ .*\bmedian=(\S+) p95=(\S+)")
_FIRST = re.compile(r"First inference: ([\d.e+]+)")
_GROWTH = re.compile(r"Memory footprint delta .*overall=([\d.]+)")
_PROFILE = "Operator-wise Profiling Info for Regular Benchmark Runs"
#: [Node type] [count] [avg ms] [avg %] [cdf %]
_KIND = re.compile(r"^\s*(\S.*?)\s+(\d+)\s+([\d.]+)\s+[\d.]+%\s+[\d.]+%")


def benchmark(paths, threads=(1,), runs: int = 200) -> dict:
    """Measure files on the phone that adb reaches; the result is that of `benchmark.benchmark`.

    The files take `TURNS` turns of `runs / TURNS` images; first, median and p95 are medians over
    the turns. Operators have XNNPACK's names, and TFLite's where XNNPACK does not compute them.
    Raises BadInput without adb, a phone or the tool on it, and for output it cannot read.
    """
    check(paths, threads, runs)
    if shutil.which("adb") is None:
        raise BadInput("there is no adb on the PATH; install Android's platform-tools")
    state = _adb("get-state")
    if state.strip() != "device":
        raise BadInput(
            f"adb reaches no phone ({state.strip() or 'no answer'}); connect one, allow USB "
            "debugging on it, and see that `adb devices` lists it once"
        )
    if _adb("shell", f"test -f {TOOL} && echo there").strip() != "there":
        raise BadInput(
            f"there is no {TOOL} on the phone; push Android's benchmark_model there, which "
            "TensorFlow publishes ready-made, and make it executable"
        )
    # Files of one name from several folders must not overwrite each other.
    there = [FOLDER / f"keras_inception_{i}.tflite" for i in range(len(paths))]
    try:
        for path, target in zip(paths, there, strict=True):
            _adb("push", str(path), str(target))
        return {"device": _device(), "files": _measure(paths, there, threads, runs)}
    finally:
        _adb("shell", "rm -f " + " ".join(map(str, there)))


def _measure(paths, there, threads, runs: int) -> list[dict]:
    turns = {}
    for count in threads:
        for _ in range(TURNS):
            for target in there:
                output = _run(target, count, -(-runs // TURNS))
                turns.setdefault((target, count), []).append(output)
    found = []
    for path, target in zip(paths, there, strict=True):
        profile = _run(target, 1, max(1, runs // 4), "--enable_op_profiling=true")
        grown = [float(_search(_GROWTH, output)[1]) for output in turns[target, threads[0]]]
        latencies = [_latency(count, turns[target, count]) for count in threads]
        found.append(record(path, round(max(grown) * 2**20), latencies, _kinds(profile)))
    return found


def _latency(threads: int, outputs: list[str]) -> dict:
    """Milliseconds; the tool's last line of times is that of the measured runs, after warm-up."""
    _search(_TIMES, outputs[0])
    medians, p95s = zip(*(_TIMES.findall(output)[-1] for output in outputs), strict=True)
    firsts = [_search(_FIRST, output)[1] for output in outputs]
    rows = {"first": firsts, "median": medians, "p95": p95s}
    milliseconds = {
        name: statistics.median(float(each) / 1000 for each in row) for name, row in rows.items()
    }
    return {"threads": threads, **milliseconds}


def _kinds(profile: str) -> list[Operators]:
    """The rows of the summaries by node type: TFLite's own, and that inside the delegate."""
    kinds, reading = [], False
    for line in profile.partition(_PROFILE)[2].splitlines():
        if "=====" in line:
            reading = "Summary by node type" in line
        elif reading and (row := _KIND.match(line)):
            name, count, spent = row.groups()
            # The delegate as a whole, whose inside is listed too.
            if not name.endswith("Delegate"):
                # XNNPACK writes "Convolution (NHWC, QC8)", TFLite CONV_2D.
                kinds.append(Operators(name, int(count), float(spent), not name.isupper()))
    if not kinds:
        raise BadInput(f"benchmark_model did not tell the times of operators: {profile[-500:]}")
    return sorted(kinds, key=lambda kind: -kind.milliseconds)


def _device() -> str:
    names = "product.model", "soc.model", "build.version.release", "product.cpu.abi"
    model, soc, release, abi = (_adb("shell", f"getprop ro.{name}").strip() for name in names)
    return f"{model}, {soc or 'unknown chip'}, Android {release}, {abi}, benchmark_model"


def _run(target, threads: int, runs: int, *options: str) -> str:
    measured = f"--graph={target} --num_threads={threads} --use_xnnpack=true"
    times = f"--warmup_runs={max(1, runs // 10)} --num_runs={runs}"
    # It would go on for these many seconds at least.
    at_once = "--warmup_min_secs=0 --min_secs=0"
    return _adb("shell", " ".join((str(TOOL), measured, times, at_once, *options)))


def _search(pattern: re.Pattern, output: str) -> re.Match:
    found = pattern.search(output)
    if found is None:
        raise BadInput(
            f"benchmark_model did not print what {pattern.pattern!r} matches; a current one does. "
            f"It printed: {output[-500:]}"
        )
    return found


def _adb(*arguments: str) -> str:
    # The tool writes to both streams.
    done = subprocess.run(
        ["adb", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode and arguments[0] == "push":
        raise BadInput(f"adb {' '.join(arguments)} failed: {done.stdout.strip()}")
    return done.stdout
