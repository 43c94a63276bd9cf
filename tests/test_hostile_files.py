"""Files of strangers end in a sentence, take no process of ours along, and decide nothing."""

import ast
import json
import logging
import os
import signal
import sys
from collections import Counter
from hashlib import sha256

import numpy as np
import pytest
from helpers import tflite_files
from helpers.photos import encoded, photo
from test_architecture import ROOT, sources

from keras_inception import cli, sandbox
from keras_inception.errors import BadInput
from keras_inception.evaluation.accuracy import evaluate
from keras_inception.evaluation.classifier import open_classifier
from keras_inception.evaluation.prediction import predict
from keras_inception.tflite import android, browser, metadata
from keras_inception.tflite.benchmarking import latency
from keras_inception.tflite.file import guard
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.file.opened import Opened
from keras_inception.tflite.metadata.saving import describe, save
from keras_inception.training.data import DataRef

IMAGE = np.random.default_rng(0).normal(size=(1, 16, 16, 3)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    """A small file, without anything beside it."""
    path = tmp_path / "x.tflite"
    path.write_bytes(tflite_files.labelled())
    return path


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A folder with one photograph of each class."""
    folder = tmp_path_factory.mktemp("photographs")
    for number, name in enumerate(tflite_files.LABELS):
        (folder / name).mkdir()
        (folder / name / "0.png").write_bytes(encoded(photo(number)))
    return folder


def commands(path, out, photographs):
    """Whatever is done with a `.tflite` file, by name."""
    return {
        "predict": lambda: predict(path, photographs=photographs / "cat" / "0.png"),
        "evaluate": lambda: evaluate(path, images=photographs),
        "metadata": lambda: describe(path),
        "metadata --author": lambda: describe(path, author="Ada"),
        "browser": lambda: browser.write(path, out / "page"),
        "android": lambda: android.write(path, out / f"app{len(os.listdir(out))}", photographs),
        "benchmark": lambda: latency.benchmark([path], runs=1),
    }


@pytest.mark.parametrize("count", [50, pytest.param(2000, marks=pytest.mark.slow)])
def test_damaged_files_run_or_are_refused_by_every_command(
    count, path, tmp_path, photographs, shared_child
):
    """In the metadata alone, half of them. Some crash the child: it is another one afterwards, and
    we are still here."""
    whole, found = path.read_bytes(), Counter()
    of_metadata = whole.index(b"M001")
    for seed in range(count):
        out = tmp_path / str(seed)
        out.mkdir()
        content = tflite_files.damaged(whole, seed, 8 if seed // 10 % 2 else of_metadata)
        for name, command in commands(path, out, photographs).items():
            path.write_bytes(content)
            path.with_suffix(".json").unlink(missing_ok=True)
            try:
                command()
                found["runs"] += 1
            except BadInput as error:
                assert len(str(error).splitlines()) == 1, name
                assert str(path) in str(error) or str(error).startswith("the file has "), name
                found["crashes" if "LiteRT crashes" in str(error) else "refused"] += 1
    assert found["runs"] > count and found["refused"] > count
    assert len(shared_child) <= 1 + found["crashes"]


COMMANDS = {
    "predict": ["predict", "PHOTO", "--weights", "FILE"],
    "evaluate": ["evaluate", "FILE", "--images", "PHOTOS"],
    "metadata": ["metadata", "FILE", "--author", "Ada"],
    "browser": ["browser", "FILE", "OUT"],
    "android": ["android", "FILE", "OUT", "--images", "PHOTOS"],
    "benchmark": ["benchmark", "FILE"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_what_crashes_litert_is_a_sentence(command, crashing, path, photographs, capfd):
    path.write_bytes(crashing)
    words = {
        "FILE": str(path),
        "PHOTO": str(photographs / "cat" / "0.png"),
        "PHOTOS": str(photographs),
        "OUT": str(path.parent / "out"),
    }
    assert cli.main([words.get(word, word) for word in command]) == 2
    assert "x.tflite cannot be run: LiteRT crashes on it" in capfd.readouterr().err
    assert [each.name for each in path.parent.iterdir()] == ["x.tflite"]


def test_no_path_to_litert_or_to_the_schema_goes_around_the_child():
    """Who opens a file by LiteRT, or takes one apart, is the child, or has a Graph in its hands."""
    found = {}
    for source in sources():
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                for name in ("Interpreter", "CompiledModel", "Opened", "Graph.read", "GetRootAs"):
                    if called == name or called.endswith(f".{name}"):
                        found.setdefault(name, set()).add(str(source.relative_to(ROOT)))
    assert found == {
        "Interpreter": {"tflite/file/opened.py", "tflite/benchmarking/operator_timing.py"},
        "GetRootAs": {"tflite/file/graph.py"},
        # The child, and the door to it.
        "Opened": {"tflite/file/guarded.py", "tflite/file/guard.py"},
        # In the child; and what was converted here.
        "Graph.read": {
            "tflite/file/opened.py",
            "tflite/benchmarking/operator_timing.py",
            "tflite/metadata/writing.py",
            "tflite/convert/to_tflite.py",
            "tflite/upstream_fixes.py",
        },
    }


def test_a_file_runs_here_only_if_it_was_made_here_or_is_trusted(path):
    content = path.read_bytes()
    save(path, content, metadata.read(content), {})  # with its digest beside it
    assert isinstance(File(path)._opened, guard.Guarded)
    assert isinstance(File(content)._opened, Opened)
    assert isinstance(File(path, trust=True)._opened, Opened)


def test_at_a_distance_a_file_computes_the_same(path):
    guarded, own = File(path), File(path.read_bytes())
    assert (guarded.input_shape, guarded.output_step) == (own.input_shape, own.output_step)
    images = np.random.default_rng(1).normal(size=(70, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(guarded.probabilities(images), own.probabilities(images))


def test_the_child_computes_as_fast_as_this_process(path):
    """It must know its processor before it closes itself in; else it takes ten times as long."""
    guarded, own = File(path), File(path.read_bytes())
    fastest = [min(file.seconds(200)) for file in (guarded, own)]
    assert fastest[0] < 4 * fastest[1]


def test_many_images_or_runs_are_few_messages(path, monkeypatch):
    file, asked = File(path), []
    call = guard.Process.call
    monkeypatch.setattr(
        guard.Process,
        "call",
        lambda self, what, *a, **k: asked.append(what) or call(self, what, *a, **k),
    )
    file.raw(np.zeros((200, 16, 16, 3), np.float32))
    assert len(file.seconds(50)) == 50
    assert Counter(asked) == {"run": 8, "seconds": 2}


def of_the_child(path, name):
    """The child's lines of `name` in /proc, by their first words."""
    process = File(path)._opened._process
    try:
        with open(f"/proc/{process._child.pid}/{name}", encoding="utf-8") as file:
            return file.read()
    except OSError:
        pytest.skip("needs /proc to see another process's limits")


def test_the_child_has_closed_itself_in(path):
    limits = {
        line[:26].strip(): line[26:].split()[0]
        for line in of_the_child(path, "limits").splitlines()
    }
    assert int(limits["Max address space"]) < 2 << 30
    assert limits["Max file size"] == limits["Max core file size"] == "0"
    assert int(limits["Max open files"]) < 10
    if sandbox.landlock_version():
        status = of_the_child(path, "status").split()
        assert status[status.index("NoNewPrivs:") + 1] == "1"


def test_a_child_that_dies_is_a_sentence(path):
    file = File(path)
    file._opened._process._child.kill()
    with pytest.raises(BadInput, match=r"x\.tflite cannot be run: LiteRT crashes on it"):
        file.scores(IMAGE)


def test_a_child_that_never_answers_is_a_sentence(path, monkeypatch):
    file = File(path)
    process = file._opened._process
    monkeypatch.setattr(process, "_patience", 0.5)
    os.kill(process._child.pid, signal.SIGSTOP)
    with pytest.raises(BadInput, match="comes to no end with it"):
        file.scores(IMAGE)


LIAR = """
import sys, struct
sys.stdout.buffer.write(b"\\0" + struct.pack("<QQ", {words}, {size}) + {answer!r})
sys.stdout.buffer.flush()
try:
    while sys.stdout.buffer.write(bytes(1 << 20)):
        pass
except BrokenPipeError:
    pass
"""


@pytest.mark.parametrize(
    ("words", "size", "answer"),
    [
        (1 << 60, 0, b""),
        (2, 1 << 60, b"{}"),
        (2, 0, b"5 "),
        (2, 0, b"{}"),
        (12, 0, b'{"inputs":5}'),
        (len(deep := b"[" * 10**5), 0, deep),
        (2, 0, b"\xff\xff"),
    ],
)
def test_no_more_of_an_answer_is_read_than_was_asked_for(words, size, answer, path, monkeypatch):
    code = LIAR.format(words=words, size=size, answer=answer)
    monkeypatch.setattr(guard, "command", lambda _: [sys.executable, "-c", code])
    with pytest.raises(BadInput, match=r"x\.tflite cannot be run: LiteRT crashes on it"):
        File(path)


def test_a_child_that_does_not_start_is_no_fault_of_the_file(path, monkeypatch):
    monkeypatch.setattr(guard, "command", lambda _: [sys.executable, "-c", ""])
    with pytest.raises(BadInput, match=r"LiteRT does not start; `python -m .* says why"):
        File(path)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 100, b"PK\x03\x04" + b"\0" * 100])
def test_other_files_are_told_apart_at_once(path, content):
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"is not a \.tflite file"):
        File(path)


def test_a_file_larger_than_any_is_not_read(path):
    os.truncate(path, 3 << 30)
    with pytest.raises(BadInput, match="has more than 2,147,483,647 bytes"):
        File(path)


def test_a_damaged_file_gets_no_metadata(path, tmp_path):
    path.write_bytes(tflite_files.content()[:-400])
    with pytest.raises(BadInput, match=r"x\.tflite cannot be run"):
        describe(path, author="Ada", mean=128.0, std=128.0)
    assert [p.name for p in tmp_path.iterdir()] == ["x.tflite"]


# What stands beside a file.

DAMAGED = {
    "list": "[]",
    "number": "5",
    "null": "null",
    "text": '"x"',
    "no digest": "{}",
    "digest of another type": '{"sha256": [1]}',
    "deep": "[" * 100_000,
    "long integer": '{"sha256": ' + "1" * 5000 + "}",
    "not UTF-8": b"\xff\xfe{",
    "another file's": json.dumps({"sha256": "0" * 64, "classes": ["a", "b", "c", "d"]}),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_record_beside_a_file_is_not_used_and_that_is_said_once(
    text, path, shared_child, caplog
):
    beside = path.with_suffix(".json")
    beside.write_bytes(text if isinstance(text, bytes) else text.encode())
    classifier = open_classifier(path)
    assert (classifier.classes, classifier.preprocessing, classifier.data) == (
        tflite_files.LABELS,
        tflite_files.EXPECTED,
        None,
    )
    (warned,) = (each for each in caplog.records if each.levelno >= logging.WARNING)
    assert "x.json" in warned.message and len(warned.message) < 400
    describe(path, author="Ada")
    record = json.loads(beside.read_text("utf-8"))
    assert record["classes"] == list(tflite_files.LABELS)
    assert record["sha256"] == sha256(path.read_bytes()).hexdigest()


LIES = {
    "holdout": {"data": {"source": "digits", "holdout": "x"}},
    "seed": {"data": {"source": "digits", "seed": -1}},
    "source": {"data": {"source": []}},
    "mean": {"preprocessing": {"mean": "x"}},
    "means": {"preprocessing": {"mean": [1, 2, 3, 4, 5]}},
    "large": {"preprocessing": {"mean": 10**400}},
    "many": {"preprocessing": {"mean": [0.0] * 10**5}},
    "NaN": {"preprocessing": {"mean": float("nan")}},
    "std": {"preprocessing": {"std": float("inf")}},
    "crop": {"preprocessing": {"crop": 1e-9}},
    "classes": {"classes": ["a", "b", "c"]},
    "more classes": {"classes": [str(n) for n in range(10**5)]},
}


@pytest.mark.parametrize("said", LIES.values(), ids=LIES)
def test_a_record_with_the_right_digest_decides_nothing_either(
    said, path, shared_child, tmp_path, photographs
):
    """Whoever writes a file may write the record too: what the file says itself is what counts."""
    expected = predict(path, photographs=photographs / "cat" / "0.png")
    record = {"sha256": sha256(path.read_bytes()).hexdigest(), **said}
    path.with_suffix(".json").write_text(json.dumps(record))
    assert predict(path, photographs=photographs / "cat" / "0.png") == expected
    description = browser.write(path, tmp_path / "page").with_name("model.json")
    assert json.loads(description.read_text("utf-8"))["classes"] == list(tflite_files.LABELS)


def test_a_file_from_elsewhere_chooses_no_data(path, photographs, tmp_path):
    """Its author would have the user's pictures put into an app, or any folder read."""
    record = {
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "data": {"source": f"folder:{photographs}", "holdout": 0.2, "seed": 0, "validation": 0.0},
    }
    path.with_suffix(".json").write_text(json.dumps(record))
    with pytest.raises(BadInput, match="name images with --data or --images"):
        evaluate(path)
    with pytest.raises(BadInput, match="name photographs by --images"):
        android.write(path, tmp_path / "app")
    assert not (tmp_path / "app").exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"holdout": "x"}, "holdout and validation must be in"),
        ({"holdout": float("nan")}, "holdout and validation must be in"),
        ({"validation": 1.0}, "holdout and validation must be in"),
        ({"seed": -1}, "seed must be a whole number below"),
        ({"seed": 1.5}, "seed must be a whole number below"),
        ({"seed": "x"}, "seed must be a whole number below"),
        ({"source": []}, "images must be named by a text"),
    ],
)
def test_images_are_named_and_split_by_what_can_be_meant(said, words):
    with pytest.raises(BadInput, match=words):
        DataRef(**{"source": "digits", **said})
