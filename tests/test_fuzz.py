"""Odd files of every format open, or are refused in a sentence: a few of those of `make fuzz`, and
those that once did something else."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fuzz import __main__ as fuzz  # noqa: E402
from fuzz.targets import CORPUS, TARGETS, made  # noqa: E402

#: Files in all, and those of one target whose files take long.
FILES, SLOW = 2000, {"keras": 1, "h5": 1, "tflite": 40}
SHARES = sum(target.share for name, target in TARGETS.items() if name not in SLOW)
KEPT = sorted(CORPUS.glob("*/*"))


def count(name):
    return SLOW.get(name) or round((FILES - sum(SLOW.values())) * TARGETS[name].share / SHARES)


@pytest.mark.parametrize("name", TARGETS)
def test_odd_files_open_or_are_refused(name, tmp_path):
    target = TARGETS[name]
    seeds = target.seeds(tmp_path)
    for content in seeds:
        assert target.attempt(content, tmp_path) == "opened"
    for number in range(count(name)):
        target.attempt(made(target, seeds, 1, number), tmp_path)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_once_was_a_fault_is_none(path, tmp_path):
    TARGETS[path.parent.name].attempt(path.read_bytes(), tmp_path)


FAULTS = """
import os, sys, time
from pathlib import Path
from keras_inception.errors import BadInput
from fuzz import worker
from fuzz.targets import TARGETS, Target

worker.SECONDS, worker.MEMORY = 1, 100 << 20

def open(content, scratch):
    kind = content[0] % 5
    if kind == 0: {}["x"]
    if kind == 1: os.abort()
    if kind == 2: time.sleep(1.2)
    if kind == 3: bytearray(os.urandom(1) * (2 * worker.MEMORY))
    raise BadInput("no file")

draw = lambda content, random: bytes([next(numbers)])
TARGETS["faults"] = Target(lambda scratch: [b""], open, draw)
first, count = int(sys.argv[3]), int(sys.argv[4])
numbers = iter(range(first, first + count))
worker.main("faults", 0, first, count, Path(sys.argv[5]))
"""


def test_a_fault_is_found_and_its_file_kept(tmp_path, monkeypatch):
    """Of files that raise, crash, take long, fill memory, and one that does none of it."""
    (tmp_path / "worker.py").write_text(FAULTS)
    monkeypatch.setattr(fuzz, "FOUND", tmp_path)
    monkeypatch.setattr(fuzz, "WORKER", (sys.executable, tmp_path / "worker.py"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    outcomes, faults = fuzz._run("faults", 0, 0, 5)
    assert outcomes == {"refused": 1, "fault": 4}
    for number, why in enumerate(("KeyError", "ended with", "took", "held")):
        assert f"faults-0-{number}" in faults[number] and why in faults[number]
        assert (tmp_path / f"faults-0-{number}").read_bytes() == bytes([number])
    assert not (tmp_path / "faults-0-4").exists()
