"""SIGKILL at any moment of writing: the run goes on and ends as if nothing had happened."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import tiny_run
from helpers.runs import assert_same
from helpers.tiny_run import TRAIN

from keras_inception.training import fit
from keras_inception.training.run import run_folder

NAMES = ["run.json", *(f"epoch-000{n}.npz" for n in (1, 2, 3)), "log.csv", "model.keras"]
EVERY = [(when, name) for name in [*NAMES, "run.json"] for when in ("KILL_BEFORE", "KILL_AFTER")]


def train(folder, **deaths):
    """The exit status of a process that starts the run in `folder`, or goes on with it."""
    rest = ["--resume"] if run_folder.exists(folder) else TRAIN
    command = [sys.executable, Path(tiny_run.__file__), "train", "--run", folder, *rest]
    done = subprocess.run(command, env={**os.environ, **deaths}, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done.returncode


@pytest.fixture
def killed(tmp_path):
    """The folder of a run whose process was killed once its second checkpoint was there."""
    assert train(tmp_path / "run", KILL_AFTER="epoch-0002.npz") == -9
    return tmp_path / "run"


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_network")
def test_a_killed_run_ends_as_one_that_lived(killed, whole):
    fit.resume(killed)
    assert_same(killed, whole)


@pytest.mark.slow
def test_a_run_killed_at_every_write_ends_as_one_that_lived(whole, tmp_path):
    folder = tmp_path / "run"
    for when, name in EVERY:
        assert train(folder, **{when: name}) == -9
    assert train(folder) == 0
    assert_same(folder, whole)
