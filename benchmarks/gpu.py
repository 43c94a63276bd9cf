"""What a GPU makes of all this, in eight minutes: is it right, fast, fed, and quantized?

    python benchmarks/gpu.py --out DIR [--wheels DIR] [--photos DIR] [--rehearse]

For a machine with one NVIDIA GPU, Python 3.12, PyTorch, torchvision, timm and JAX with CUDA, with
neither TensorFlow nor a network: what it lacks comes from --wheels, which `make wheels` collects.
--backend tensorflow is for machines that have that instead of JAX. --photos is a folder with a
sub-folder of photographs per class; without it the digits of scikit-learn serve.

Parts, each in a process and under a limit of its own; one that fails does not stop the next:

    machine    the card, versions, peak of a matrix product, bandwidths
    right      losses and accuracy on the CPU and the GPU in every precision; stopping and resuming
    fast       training steps and inference of GoogLeNet and Inception v3, beside torchvision's
    fed        `train` from packed JPEGs: does the pipeline keep up; the batch that fits
    quantized  quantization-aware training beside float; the rounded values beside the CPU's
    larger     Inception v4 and Inception-ResNet-v2 beside timm's; other batches, the torch backend

Every result is printed as it comes and written to results.jsonl, table.md has them all, and
PART.log what else a part said. --rehearse does all of it on a CPU with tiny sizes.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PARTS = Path(__file__).parent / "gpu_parts"
#: Part -> the seconds that it has.
LIMITS = {"machine": 30, "right": 120, "fast": 200, "fed": 80, "quantized": 60, "larger": 180}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--backend", default="jax", choices=("jax", "tensorflow"))
    parser.add_argument("--parts", default=",".join(LIMITS), help="those of them to run")
    parser.add_argument("--minutes", type=float, default=8.0, help="at most, in all (default: 8)")
    parser.add_argument("--rehearse", action="store_true")
    given = parser.parse_args()
    ends = time.monotonic() + 60 * given.minutes
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        environment = _environment(given, scratch)
        if given.wheels:
            _install(given.wheels, scratch)
        results = Results(given.out / "results.jsonl")
        for name in given.parts.split(","):
            left = ends - time.monotonic()
            if left > 1:
                results.take(name, min(LIMITS[name], left), environment)
    (given.out / "table.md").write_text(_table(results.rows), "utf-8")


def _environment(given, scratch: str) -> dict[str, str]:
    """That of every part; which GPU-wide switches are set, and why."""
    said = {
        "rehearse": given.rehearse,
        "photos": str(given.photos.resolve()) if given.photos else "",
        "out": str(given.out.resolve()),
        "scratch": scratch,
        "backend": given.backend,
    }
    found = os.environ | {
        "GPU_BENCHMARK": json.dumps(said),
        "KERAS_BACKEND": given.backend,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # Several contenders share the card.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        # What one process has compiled the next one need not.
        "JAX_COMPILATION_CACHE_DIR": str(Path(scratch, "compiled")),
        "TORCHINDUCTOR_CACHE_DIR": str(Path(scratch, "inductor")),
        "PYTHONPATH": os.pathsep.join([f"{scratch}/site", os.environ.get("PYTHONPATH", "")]),
    }
    if given.rehearse:
        found |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
        found["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # tiny sizes are soon computed
    return found


def _install(wheels: Path, scratch: str) -> None:
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--target", f"{scratch}/site"]
    command = [sys.executable, "-m", "pip", "install", *options, *sorted(wheels.glob("*.whl"))]
    subprocess.run(command, check=True)


class Results:
    """What the parts find: printed, written line by line, and kept."""

    def __init__(self, path: Path):
        self.path, self.rows = path, []
        path.write_text("", "utf-8")

    def add(self, part: str, row: dict) -> None:
        self.rows.append({"part": part, **row})
        print(f"{part:<10}", *(f"{k}={v}" for k, v in row.items()), flush=True)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(self.rows[-1]) + "\n")

    def take(self, name: str, seconds: float, environment: dict[str, str]) -> None:
        """Those of a part, which has so many seconds."""
        began, log = time.monotonic(), self.path.with_name(f"{name}.log")
        with open(log, "w", encoding="utf-8") as errors:
            part = subprocess.Popen(
                [sys.executable, "-m", f"gpu_parts.{name}"],
                cwd=PARTS.parent,
                env=environment | {"GPU_BENCHMARK_ENDS": str(time.time() + seconds)},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,  # so that all that it started ends with it
            )
        clock = threading.Timer(seconds, os.killpg, (part.pid, signal.SIGKILL))
        clock.start()
        for line in part.stdout:
            if line.startswith("{"):
                self.add(name, json.loads(line))
        status = part.wait()
        clock.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(part.pid, signal.SIGKILL)
        late = status == -signal.SIGKILL
        ended = "done" if not status else "stopped at its limit" if late else f"failed: see {log}"
        self.add(name, {"what": ended, "seconds": round(time.monotonic() - began, 1)})


def _table(results: list[dict]) -> str:
    rows = ["| part | what | result |", "|---|---|---|"]
    for result in results:
        rest = ", ".join(f"{k} {v}" for k, v in result.items() if k not in ("part", "what"))
        rows.append(f"| {result['part']} | {result['what']} | {rest} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()
