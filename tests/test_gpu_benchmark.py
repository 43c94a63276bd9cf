"""The script that measures on a GPU runs whole, and says what it could not do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "gpu.py"
PARTS = ["machine", "right", "fast", "fed", "quantized", "larger"]


def rehearse(out, *more, **environment):
    command = [sys.executable, SCRIPT, "--rehearse", "--out", out, *more]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert len((out / "table.md").read_text().splitlines()) == 2 + len(rows)
    return rows


@pytest.mark.slow
def test_every_part_is_rehearsed_on_a_cpu(tmp_path):
    rows = rehearse(tmp_path / "out", "--minutes", "20")
    ended = [(row["part"], row["what"]) for row in rows if "seconds" in row and len(row) == 3]
    assert ended == [(part, "done") for part in PARTS], rows
    found = {row["what"]: row for row in rows}
    assert (
        found["a run stopped and resumed beside one that was not"]["largest_difference_of_weights"]
        == 0
    )
    scale = found["googlenet at a quarter of its width, mixed_float16"]["loss_scale"]
    assert scale[0] < scale[1]


def test_a_part_that_fails_does_not_stop_the_next(tmp_path):
    """Neither does one whose limit is over: both are said, with where to look."""
    site = tmp_path / "site"
    (site / "numpy").mkdir(parents=True)
    (site / "numpy" / "__init__.py").write_text("raise ImportError('broken')")
    rows = rehearse(tmp_path / "out", "--parts", "machine,right", PYTHONPATH=os.fspath(site))
    ended = {row["part"]: row["what"] for row in rows}
    assert list(ended) == ["machine", "right"]
    assert all(what.startswith("failed: see ") for what in ended.values()), ended
    assert "broken" in (tmp_path / "out" / "machine.log").read_text()
