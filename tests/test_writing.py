"""What is written is there whole, or what was there before; nobody leaves anything behind."""

import errno
import json
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import tflite_files
from PIL import Image

from keras_inception import cli, files, locks
from keras_inception.errors import BadInput
from keras_inception.tflite.metadata import beside
from keras_inception.tflite.metadata.saving import describe
from keras_inception.training.data import DataRef, packing

KILLED = """
import sys, time
from pathlib import Path
from keras_inception import files
with files.replacing(sys.argv[1]) as path:
    path.write_bytes(b"half")
    print("there", flush=True)
    time.sleep(60)
"""


MADE_BEFORE = Path(__file__).parent / "made_before"


def left(folder):
    return [path.name for path in folder.rglob(f"{files.MARK}*")]


@pytest.fixture
def half(tmp_path):
    """A folder in which a process has written a half, and does not go on."""
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "file.bin")], stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"there\n"
    yield tmp_path, child
    child.kill()
    child.communicate()


def test_what_a_killed_process_left_is_swept_by_the_next(half):
    folder, child = half
    files.write_bytes(folder / "other.bin", b"")
    assert len(left(folder)) == 1  # It is at work.
    child.kill()
    child.wait()
    files.write_bytes(folder / "other.bin", b"")
    assert not left(folder) and not (folder / "file.bin").exists()


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    with pytest.raises(KeyError), files.new_folder(tmp_path / "new") as whole:
        (whole / "a").write_text("x")
        raise KeyError
    assert not [*tmp_path.iterdir()]
    with files.new_folder(tmp_path / "new") as whole:
        (whole / "a").write_text("x")
        assert not (tmp_path / "new").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]
    with pytest.raises(BadInput, match="has something in it"), files.new_folder(tmp_path / "new"):
        pass


def test_of_two_that_write_a_folder_one_is_told(tmp_path):
    new = tmp_path / "new"
    with pytest.raises(BadInput, match="has something in it"), files.new_folder(new) as whole:
        (whole / "a").write_text("mine")
        with files.new_folder(new) as other:
            (other / "a").write_text("theirs")
    assert (tmp_path / "new" / "a").read_text() == "theirs" and not left(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "x" * 255,
        "x" * 247 + ".tflite",
        "ß" * 120 + ".npz",
    ],
)
def test_a_name_may_be_as_long_as_the_file_system_has_them(name, tmp_path):
    files.write_bytes(tmp_path / name, b"content")
    assert (tmp_path / name).read_bytes() == b"content" and not left(tmp_path)


def test_the_second_waits_and_says_so(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    inside, order = threading.Event(), []

    def first():
        with locks.alone(tmp_path / ".lock"):
            inside.set()
            time.sleep(0.3)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait()
    with locks.alone(tmp_path / ".lock"):
        order.append("second")
    thread.join()
    assert order == ["first", "second"] and "waiting for another process" in caplog.text
    assert not (tmp_path / ".lock").exists()


def test_many_at_once_are_one_after_the_other(tmp_path):
    count = tmp_path / "count"
    count.write_text("0")

    def add():
        for _ in range(20):
            with locks.alone(tmp_path / ".lock"):
                value = int(count.read_text())
                count.write_text(str(value + 1))

    locks_of_threads = [threading.Thread(target=add) for _ in range(4)]
    [thread.start() for thread in locks_of_threads]
    [thread.join() for thread in locks_of_threads]
    assert count.read_text() == "80"


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("cats", "dogs")):
        for k in range(4):
            pixels = np.random.default_rng((seed, k)).integers(0, 256, (8, 8, 3)).astype(np.uint8)
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{name}{k}.png")
    return tmp_path / "set"


def test_a_packing_that_was_killed_at_its_first_file_goes_on(folder, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / ".unfinished.1.json").touch()  # as earlier releases left it
    (tmp_path / "p" / f"{files.MARK}0123.json").touch()
    packing.pack(DataRef(f"folder:{folder}"), tmp_path / "p")
    assert not left(tmp_path / "p")


def test_two_packings_of_one_folder_are_told_apart(folder, tmp_path, capsys):
    with locks.alone(tmp_path / "p" / ".lock"):
        assert cli.main(["data", "pack", f"folder:{folder}", str(tmp_path / "p")]) == 2
    assert "is being packed by another process" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "goes_on"),
    [
        (["data", "pack", "digits", "{tmp}/p"], "the same command goes on with it"),
        (["train", "--run", "{run}", "--resume"], "--resume` goes on"),
        (["train", "--run", "{tmp}/r"], ""),
        (["train", "--run", "{run}", "--dry-run"], ""),
        (["report", "{run}"], ""),
    ],
)
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=repr
)
def test_what_is_said_of_a_full_disk_fits_the_command(
    command, goes_on, error, tmp_path, monkeypatch, capsys
):
    argv = [word.format(tmp=tmp_path, run=MADE_BEFORE / "run") for word in command]
    real = cli.parser

    def parser():
        found = real()
        parse = found.parse_args

        def parse_args(argv):
            arguments = parse(argv)

            def fails(arguments):
                raise error

            arguments.command = fails
            return arguments

        found.parse_args = parse_args
        return found

    monkeypatch.setattr(cli, "parser", parser)
    assert cli.main(argv) == (1 if isinstance(error, OSError) else 130)
    said = capsys.readouterr().err.strip()
    assert said.endswith(goes_on or ("changed" if isinstance(error, OSError) else "stopped"))


def test_a_locale_without_utf_8_changes_nothing(tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(tflite_files.content())
    (tmp_path / "labels.txt").write_text("Zoë\n猫\nc\nd\n", "utf-8")
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    def run(*argv):
        code = "import sys; from keras_inception.cli import main; sys.exit(main())"
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, argv)],
            env=environment,
            capture_output=True,
            cwd=Path(__file__).resolve().parents[1],
        )

    said = ["--author", "Zoë", "--labels", tmp_path / "labels.txt", "--mean", "0", "--std", "1"]
    done = run("metadata", path, *said)
    assert done.returncode == 0, done.stderr
    assert rb"Zo\xeb" in done.stdout
    assert json.loads(path.with_suffix(".json").read_text("utf-8"))["metadata"]["author"] == "Zoë"


def test_of_two_changes_at_once_none_is_lost(tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(tflite_files.labelled())
    changes = [{"author": "Ada"}, {"license": "MIT"}, {"version": "2"}, {"description": "x"}]
    threads = [threading.Thread(target=describe, args=[path], kwargs=said) for said in changes]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    said = describe(path)
    assert (said.author, said.license, said.version, said.description) == ("Ada", "MIT", "2", "x")
    assert beside.record(path, path.read_bytes())["metadata"]["author"] == "Ada"
    assert {p.name for p in tmp_path.iterdir()} == {"m.tflite", "m.json", "m.labels.txt"}
