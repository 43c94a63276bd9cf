"""`keras-inception benchmark`: latency, memory and operators, here and on a phone."""

import json
import sys

import keras
import numpy as np
import pytest
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.interpreter import Interpreter
from helpers import fake_adb, tflite_files
from helpers.networks import plain
from keras import layers

from keras_inception import cli
from keras_inception.errors import BadInput
from keras_inception.native_output import held_back
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.benchmarking import adb_benchmark, latency, operator_timing
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.graph import Graph


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A network of two branches, a pool and a classifier, in INT8 and in float."""
    folder = tmp_path_factory.mktemp("files")
    int8, float32 = folder / "int8.tflite", folder / "float32.tflite"
    int8.write_bytes(tflite_files.content("uint8"))
    float32.write_bytes(tflite_files.content("float32"))
    return int8, float32


def test_operators_cut_out_compute_what_the_file_computes(files):
    content = files[0].read_bytes()
    whole = Interpreter(model_content=content)
    whole.allocate_tensors()
    (image,), (scores,) = whole.get_input_details(), whole.get_output_details()
    pixels = np.random.default_rng(1).integers(0, 256, image["shape"], np.uint8)
    whole.set_tensor(image["index"], pixels)
    whole.invoke()
    graph = Graph.read(content)
    values = {graph.inputs[0]: pixels}
    for operator in graph.operators:
        alone = Interpreter(model_content=operator_timing.cut_out(graph, operator).content)
        alone.allocate_tensors()
        given = [i for i in operator.inputs if i in values]
        for details, number in zip(alone.get_input_details(), given, strict=True):
            alone.set_tensor(details["index"], values[number])
        alone.invoke()
        values[operator.outputs[0]] = alone.get_tensor(alone.get_output_details()[0]["index"])
    np.testing.assert_array_equal(values[graph.outputs[0]], whole.get_tensor(scores["index"]))
    assert len(np.unique(values[graph.outputs[0]])) > 1


def test_operators_by_kind(files):
    found = {
        kind.operator: kind
        for kind in operator_timing.by_time(Graph.read(files[0].read_bytes()), 3)
    }
    assert {name: kind.count for name, kind in found.items()} == {
        "QUANTIZE": 2,
        "SPACE_TO_DEPTH": 1,
        "CONV_2D": 2,
        "CONCATENATION": 1,
        "MAX_POOL_2D": 1,
        "MEAN": 1,
        "FULLY_CONNECTED": 1,
        "SOFTMAX": 1,
    }
    assert {name for name, kind in found.items() if not kind.accelerated} == {"QUANTIZE", "SOFTMAX"}
    spent = [kind.milliseconds for kind in found.values()]
    assert spent == sorted(spent, reverse=True) and spent[-1] > 0


@pytest.mark.skipif(
    not hasattr(CompiledModel, "is_fully_accelerated"), reason="needs a later ai-edge-litert"
)
def test_fully_accelerated_is_what_litert_calls_so(files):
    measured = latency.benchmark(files, runs=1)["files"]
    with held_back():
        theirs = [CompiledModel.from_file(str(path)).is_fully_accelerated() for path in files]
    assert [each["fully_accelerated"] for each in measured] == theirs == [False, True]


def test_files_take_turns_and_warming_up_does_not_count():
    calls = []

    def contender(name, seconds):
        def run(runs):
            calls.append(name * runs)
            return [1.0 if len(calls) <= 4 else seconds] * runs

        return run

    a, b = latency.in_turns([contender("a", 0.001), contender("b", 0.003)], 20)
    assert calls == ["a", "b", "aa", "bb", *["aaaaa", "bbbbb"] * 4]
    assert a == pytest.approx({"first": 1000, "median": 1, "p95": 1})
    assert b == pytest.approx({"first": 1000, "median": 3, "p95": 3})


@pytest.mark.parametrize("runs", [1, 2, 7])
def test_every_run_is_taken_by_one_turn(runs):
    (found,) = latency.in_turns([lambda count: [*range(1, count + 1)]], runs, turns=1)
    assert found["p95"] == 1000 * runs and found["median"] == 500 * (runs + 1)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_grows_with_the_file(files, tmp_path):
    image = layers.Input((1, 1, 1500))
    path = tmp_path / "large.tflite"
    large = plain(keras.Model(image, layers.Dense(1500)(layers.Flatten()(image))))
    path.write_bytes(convert(large, "float32", Preprocessing()).content)
    small, large = (
        each["peak_memory_bytes"] for each in latency.benchmark([files[0], path], runs=1)["files"]
    )
    assert 0 < small < 8e6 and path.stat().st_size < large < 60e6


def test_the_command_prints_a_table_and_writes_json(files, tmp_path, capfd):
    out = tmp_path / "out.json"
    command = ["benchmark", *map(str, files), "--threads", "1,2", "--runs", "3"]
    assert cli.main([*command, "--json", str(out)]) == 0
    printed = capfd.readouterr().out
    assert "int8.tflite: not accelerated: " in printed and "float32.tflite: fully" in printed
    written = json.loads(out.read_text())
    assert [each["bytes"] for each in written["files"]] == [path.stat().st_size for path in files]
    for each in written["files"]:
        assert [row["threads"] for row in each["latency"]] == [1, 2]
        assert all(0 < row["median"] <= row["p95"] for row in each["latency"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there is no file 'nowhere.tflite'"),
        (["--threads", "0"], "at least 1; got 200 and [0]"),
        (["--runs", "0"], "at least 1; got 0"),
        (["--adb"], "there is no adb on the PATH"),
    ],
)
def test_mistakes_get_one_sentence(arguments, words, files, capfd, monkeypatch):
    monkeypatch.setenv("PATH", "")
    path = str(files[0]) if arguments else "nowhere.tflite"
    assert cli.main(["benchmark", path, *arguments]) == 2
    assert words in capfd.readouterr().err


PROFILE = """INFO: Profiling Info for Benchmark Initialization:
\t============================== Summary by node type ==============================
\t\t\t [Node type]\t [count]\t [avg ms]\t [avg %]\t [cdf %]\t [mem KB]\t[times called]
\t\t\t AllocateTensors\t 1\t 0.102\t 0.685%\t100.000%\t 0.000\t 1

INFO: Operator-wise Profiling Info for Regular Benchmark Runs:
\t============================== Run Order ==============================
\t\t\t [node type]\t [first]\t [avg ms]\t [%]\t [cdf%]\t [mem KB]\t[times called]\t[Name]
\t\t\t QUANTIZE\t 0.267\t 0.278\t 3.783%\t 3.783%\t 0.000\t 1\t[image]:0

\t============================== Summary by node type ==============================
\t\t\t [Node type]\t [count]\t [avg ms]\t [avg %]\t [cdf %]\t [mem KB]\t[times called]
\t\t\t TfLiteXNNPackDelegate\t 1\t 5.102\t 94.1%\t94.1%\t 0.000\t 1
\t\t\t QUANTIZE\t 2\t 0.320\t 5.9%\t100.000%\t 0.000\t 2

Timings (microseconds): count=67 first=7176 curr=7505 min=6373 max=7775 avg=7454.97 std=256
Delegate internal:
\t============================== Summary by node type ==============================
\t\t\t [Node type]\t [count]\t [avg ms]\t [avg %]\t [cdf %]\t [mem KB]\t[times called]
\t\t\t Convolution (NHWC, QC8) IGEMM\t 57\t 4.900\t 96.0%\t96.0%\t 0.000\t 57
\t\t\t Max Pooling (NHWC, S8)\t 13\t 0.202\t 4.0%\t100.0%\t 0.000\t 13
"""


@pytest.fixture
def connect(tmp_path, monkeypatch):
    """Puts fake_adb.py on the PATH as adb; returns how to read what it was asked."""

    def connected(state="device", there="there", profile=PROFILE):
        for name, text in {"state": state, "there": there, "profile": profile}.items():
            (tmp_path / name).write_text(text)
        fake = fake_adb.__file__
        (tmp_path / "adb").write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n')
        (tmp_path / "adb").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("FAKE_PHONE", str(tmp_path))
        return lambda: (tmp_path / "asked").read_text().splitlines()

    return connected


def test_a_phone_is_measured_in_turns_and_left_as_it_was(files, connect):
    asked = connect()
    measured = adb_benchmark.benchmark([files[0]], [1, 4], runs=60)
    assert measured["device"].startswith("Pixel 9, 15, Android 15")
    (file,) = measured["files"]
    assert file["latency"] == [
        {"threads": threads, "first": 9.0, "median": 6.0, "p95": 6.6} for threads in (1, 4)
    ]
    assert file["peak_memory_bytes"] == 10.5 * 2**20 and not file["fully_accelerated"]
    assert [(kind["operator"], kind["accelerated"]) for kind in file["operators"]] == [
        ("Convolution (NHWC, QC8) IGEMM", True),
        ("QUANTIZE", False),
        ("Max Pooling (NHWC, S8)", True),
    ]
    assert [kind["count"] for kind in file["operators"]] == [57, 2, 13]
    runs = [line for line in asked() if "--num_threads=4" in line]
    assert len(runs) == 3 and all("--num_runs=20" in line for line in runs)
    assert asked()[-1] == "shell rm -f /data/local/tmp/keras_inception_0.tflite"
    assert "not accelerated: QUANTIZE" in latency.table(measured)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"state": "unauthorized"}, r"reaches no phone \(unauthorized\)"),
        ({"there": ""}, "there is no /data/local/tmp/benchmark_model on the phone"),
        ({"profile": "Segmentation fault"}, "did not tell .* Segmentation fault"),
    ],
)
def test_what_is_wrong_with_the_phone_is_said(answers, words, files, connect):
    connect(**answers)
    with pytest.raises(BadInput, match=words):
        adb_benchmark.benchmark([files[0]])
