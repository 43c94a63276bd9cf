"""Damaged files end in a sentence, and take no process of ours along."""

import os
import signal
from collections import Counter

import numpy as np
import pytest
from helpers import tflite_files

from keras_inception.errors import BadInput
from keras_inception.tflite import metadata
from keras_inception.tflite.file import guard
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.metadata.saving import describe, save

IMAGE = np.random.default_rng(0).normal(size=(1, 16, 16, 3)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    """A small file, without anything beside it."""
    path = tmp_path / "x.tflite"
    path.write_bytes(tflite_files.labelled())
    return path


@pytest.fixture
def shared_child(monkeypatch):
    """One child for many files, started anew only when it has died; counts the starts."""
    alive, start = [], guard.Process

    def process(name, size):
        if not alive or alive[-1]._child.poll() is not None:
            alive.append(start(name, size))
        return alive[-1]

    monkeypatch.setattr(guard, "Process", process)
    monkeypatch.setattr(guard, "ANSWER", 20)
    return alive


def outcome(path, whole, seed) -> str:
    content = tflite_files.damaged(whole, seed)
    path.write_bytes(content)
    try:
        metadata.read(content)
    except BadInput as error:
        assert len(str(error).splitlines()) == 1
    try:
        return "runs" if np.shape(File(path).scores(IMAGE)) else "nothing"
    except BadInput as error:
        assert len(str(error).splitlines()) == 1 and str(path) in str(error)
        return "crashes" if "LiteRT crashes" in str(error) else "refused"


def outcomes(tmp_path, seeds) -> Counter:
    whole = tflite_files.labelled()
    return Counter(outcome(tmp_path / "x.tflite", whole, seed) for seed in seeds)


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_damaged_files_run_or_are_refused(count, tmp_path, shared_child):
    """Some of them crash the child: it is another one afterwards, and we are still here."""
    found = outcomes(tmp_path, range(count))
    assert sum(found.values()) == count and set(found) <= {"runs", "refused", "crashes"}
    assert found["runs"] > count / 10 and found["refused"] > count / 2
    assert len(shared_child) <= 1 + found["crashes"]


def test_a_child_that_dies_is_a_sentence(path):
    file = File(path)
    file._interpreter._process._child.kill()
    with pytest.raises(BadInput, match=r"x\.tflite cannot be run: LiteRT crashes on it"):
        file.scores(IMAGE)


def test_a_child_that_never_answers_is_a_sentence(path, monkeypatch):
    file = File(path)
    process = file._interpreter._process
    monkeypatch.setattr(process, "_patience", 0.5)
    os.kill(process._child.pid, signal.SIGSTOP)
    with pytest.raises(BadInput, match="comes to no end with it"):
        file.scores(IMAGE)


def test_the_child_has_a_limit_of_memory():
    process = guard.Process("x", 1)
    content = tflite_files.content()
    guard.Guarded(process, content, 1)
    limits = f"/proc/{process._child.pid}/limits"
    if not os.path.exists(limits):
        pytest.skip("needs /proc to see another process's limits")
    with open(limits, encoding="utf-8") as file:
        (line,) = (line for line in file if line.startswith("Max address space"))
    assert 4 << 30 < int(line.split()[3]) < 16 << 30


def test_at_a_distance_a_file_computes_the_same(path):
    guarded, own = File(path), File(tflite_files.labelled())
    assert isinstance(guarded._interpreter, guard.Guarded)
    assert (guarded.input_shape, guarded.output_step) == (own.input_shape, own.output_step)
    np.testing.assert_array_equal(guarded.scores(IMAGE), own.scores(IMAGE))


def test_a_file_with_its_digest_beside_it_runs_here(path, caplog):
    save(path, tflite_files.content(), metadata.Metadata(labels=tflite_files.LABELS), {})
    assert not isinstance(File(path)._interpreter, guard.Guarded)
    assert not caplog.text
    path.write_bytes(path.read_bytes() + b"\0")
    assert isinstance(File(path)._interpreter, guard.Guarded)
    assert "is not as it was written" in caplog.text


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 100, b"PK\x03\x04" + b"\0" * 100])
def test_other_files_are_told_apart_at_once(path, content):
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"is not a \.tflite file"):
        File(path)


def test_a_damaged_file_gets_no_metadata(path, tmp_path):
    path.write_bytes(tflite_files.content()[:-400])
    with pytest.raises(BadInput, match=r"x\.tflite cannot be run"):
        describe(path, author="Ada", mean=128.0, std=128.0)
    assert [p.name for p in tmp_path.iterdir()] == ["x.tflite"]
