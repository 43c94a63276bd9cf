"""Whatever is written fails, or its process dies, at any point: the old state or the new one is
whole, the same command goes on, and nothing is left over."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.failing import At, changes_below, refuse

from keras_inception import cli
from keras_inception.evaluation.classifier import open_classifier
from keras_inception.tflite.metadata import beside
from keras_inception.training.data import DataRef

HERE = Path(__file__).parent
RUN = HERE / "made_before" / "run"
FILE = next(path.name for path in sorted(RUN.glob("*.tflite")))


PACK = f"tfrecord:{RUN.parent / 'pack'}"
SMALL = "--epochs 2 --batch 2 --width 0.25 --image-size 32"
TRAIN = ["train", "--run", "new", "--data", PACK, *SMALL.split()]


def sound_file(folder):
    """The file opens, says whose it is, and the record beside it is its own."""
    path = folder / "run" / FILE
    said = open_classifier(path)
    assert len(said.classes) == 10
    assert beside.record(path, path.read_bytes())["data"]["source"] == "digits"


def sound_pack(folder):
    packed = folder / "pack"
    if (packed / "pack.json").exists():
        split = DataRef(f"tfrecord:{packed}").split()
        assert split.train.image(0)


def sound_folder(name, *needed):
    def check(folder):
        made = folder / name
        if made.exists():
            assert all((made / each).is_file() for each in needed)

    return check


def sound_run(folder):
    from keras_inception.training.run import run_folder

    if run_folder.exists(folder / "new"):
        run_folder.read(folder / "new")


#: By its name: the command, and what is sound whenever it ends.
COMMANDS = {
    "metadata": (["metadata", f"run/{FILE}", "--author", "Ada"], sound_file),
    "pack": (["data", "pack", PACK, "pack"], sound_pack),
    "browser": (["browser", f"run/{FILE}", "page"], sound_folder("page", "model.json")),
    "android": (["android", f"run/{FILE}", "app"], sound_folder("app", "README.md")),
    "convert": (["convert", str(RUN.parent / "googlenet.npz"), "w.npz"], lambda folder: None),
    "export": (["export", "run", "--scheme", "int8"], sound_file),
    "quantize": (["quantize", "run", "--epochs", "1"], sound_file),
    "train": (TRAIN, sound_run),
    "resume": (["train", "--run", "new", "--resume"], sound_run),
}


def commands(*quick):
    """All commands, those that are not `quick` in the slow tests."""
    return [
        pytest.param(name, marks=[] if name in quick else pytest.mark.slow)
        for name in COMMANDS
        if name != "resume"
    ]


def state(folder):
    """The names of what is there, and of what is hidden."""
    # TensorBoard's files are called by when they were begun.
    found = [
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and "tfevents" not in path.name
    ]
    hidden = [each for each in found if any(part.startswith(".") for part in each.parts)]
    return {*found} - {*hidden}, hidden


def goes_on(name, folder, check, made):
    """The command again, as it is told when it was stopped; all is as if nothing had happened."""
    check(folder)
    argv = COMMANDS[name][0]
    if name == "train" and (folder / "new" / "run.json").exists():
        argv = COMMANDS["resume"][0]
    finished = name in ("browser", "android", "pack") and state(folder)[0] == made
    assert cli.main(argv) == (2 if finished else 0)
    check(folder)
    assert state(folder) == (made, [])


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Makes the folder in which a command is given, anew."""

    def make():
        folder = tmp_path / "work"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(RUN, folder / "run")
        monkeypatch.chdir(folder)
        return folder

    return make


@pytest.fixture
def whole(fresh, capsys):
    """What a command makes, and at how many changes."""

    def run(name):
        folder, counted = fresh(), At()
        with changes_below(folder, counted):
            assert cli.main(COMMANDS[name][0]) == 0, capsys.readouterr().err
        made, left = state(folder)
        assert not left
        return made, counted.count

    return run


@pytest.mark.parametrize("name", commands("metadata", "pack", "browser", "android", "convert"))
def test_a_disk_that_refuses_at_any_point_loses_nothing(name, fresh, whole, capsys, shared_child):
    made, changes = whole(name)
    assert changes > 3
    for number in range(1, changes + 1, 1 + changes // 12):
        folder = fresh()
        with changes_below(folder, At(number, refuse)):
            status = cli.main(COMMANDS[name][0])
        said = capsys.readouterr().err
        if status:  # What fails to be cleared away is left to the next.
            assert status == 1 and "No space left on device" in said, (status, said, number)
            begun = name == "train" and (folder / "new" / "run.json").exists()
            assert ("goes on" in said) == (begun or name == "pack")
        goes_on(name, folder, COMMANDS[name][1], made)


def killed(name, folder, number):
    """The command, killed at its N-th change below the folder."""
    argv = [sys.executable, "-m", "helpers.failing", str(number), str(folder), *COMMANDS[name][0]]
    paths = f"{HERE}{os.pathsep}{HERE.parent}"
    done = subprocess.run(
        argv, cwd=folder, env=os.environ | {"PYTHONPATH": paths}, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("name", commands("metadata", "pack"))
def test_a_command_that_is_killed_loses_nothing(name, fresh, whole):
    made, changes = whole(name)
    number = random.Random(name).randint(2, changes)
    folder = fresh()
    killed(name, folder, number)
    goes_on(name, folder, COMMANDS[name][1], made)


@pytest.mark.parametrize("name", commands())
def test_ten_kills_lose_nothing(name, fresh, whole):
    made, changes = whole(name)
    numbers = random.Random(name).sample(range(1, changes + 1), min(10, changes))
    for number in numbers:
        folder = fresh()
        killed(name, folder, number)
        goes_on(name, folder, COMMANDS[name][1], made)
