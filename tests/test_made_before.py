"""What earlier releases wrote still opens: `made_before/` is of the last one without a validation
part, whose held-out images chose the best epoch and the best file, and reported on them too."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from helpers.photos import encoded, photo

import keras_inception
from keras_inception import cli
from keras_inception.errors import BadInput
from keras_inception.evaluation.run_report import report
from keras_inception.training.data import DataRef
from keras_inception.training.run import run_folder
from keras_inception.weights import pretrained

HERE = Path(__file__).parent / "made_before"
FILES = ("googlenet_int8.tflite", "googlenet_int8_qat.tflite")


def of_its_keras():
    """Keras opens what older ones saved, and not what newer ones did."""
    theirs = run_folder.read(HERE / "run").environment["versions"]["keras"]
    numbers = [tuple(map(int, version.split("."))) for version in (keras.__version__, theirs)]
    return pytest.mark.skipif(
        numbers[0] < numbers[1], reason=f"the run was saved by Keras {theirs}"
    )


@pytest.fixture
def old(tmp_path):
    return Path(shutil.copytree(HERE / "run", tmp_path / "run"))


def test_a_run_has_its_images_and_says_that_they_served_as_both():
    run = run_folder.read(HERE / "run")
    split = run.split()
    assert split.train.fingerprint == run.data["fingerprint"]
    assert (len(split.train), len(split.test)) == (run.data["train"], run.data["test"])
    assert split.validation is split.test and split.test.part == "held-out"
    assert str(run.scores).endswith("on 359 held-out images")


@pytest.mark.parametrize(
    "name", [*(pytest.param(n, marks=of_its_keras()) for n in ("", "model.keras")), *FILES]
)
def test_accuracy_is_what_was_said_then(name):
    """Of the fine-tuned file; the other one is the fine-tuning's before its first step."""
    scores = keras_inception.evaluate(HERE / "run" / name)
    assert (scores.images, scores.part) == (359, "held-out")
    said = json.loads((HERE / "run" / FILES[1]).with_suffix(".json").read_text())
    epoch = said["kept_epoch"] if name == FILES[1] else 0
    expected = said["int8_by_epoch"][epoch] if name in FILES else said["float"]
    assert scores.top1 == pytest.approx(expected["top1"], abs=0.006)


@pytest.mark.slow
def test_an_interrupted_run_goes_on(tmp_path, capsys):
    shutil.copytree(HERE / "stopped", tmp_path / "run")
    assert cli.main(["train", "--run", str(tmp_path / "run"), "--resume"]) == 0
    assert "on 359 held-out images" in capsys.readouterr().out
    ended, then = run_folder.read(tmp_path / "run"), run_folder.read(HERE / "run")
    assert ended.result["top1"] == pytest.approx(then.result["top1"], abs=0.02)
    first = (tmp_path / "run" / "log.csv").read_text().splitlines()[:5]
    assert first == (HERE / "run" / "log.csv").read_text().splitlines()[:5]


@of_its_keras()
def test_a_run_is_exported_and_reported(old, capsys):
    assert cli.main(["export", str(old), "--scheme", "int8"]) == 0
    record = json.loads((old / "googlenet_int8.json").read_text())
    ref = {"source": "digits", "holdout": 0.2, "seed": 0, "validation": 0.0, "group_by": ""}
    assert record["data"] == ref
    compared = report(old)
    assert [row.path.name for row in compared.rows][1:] == [*FILES]
    assert "on 359 held-out images" in str(compared)


@of_its_keras()
def test_a_report_names_the_file_that_crashes(old, crashing):
    (old / FILES[0]).write_bytes(crashing)
    with pytest.raises(BadInput, match=f"{FILES[0]} cannot be run: LiteRT crashes on it"):
        report(old)


@of_its_keras()
@pytest.mark.slow
@pytest.mark.parametrize("engine", ["tfmot", "keras"])
def test_a_run_is_fine_tuned(old, engine):
    assert cli.main(["quantize", str(old), "--epochs", "1", "--engine", engine]) == 0
    record = json.loads((old / FILES[1]).with_suffix(".json").read_text())
    assert record["int8"]["part"] == record["validation"]["float"]["part"] == "held-out"


def test_a_file_is_taken_by_every_command(old, tmp_path, capsys):
    path = str(old / FILES[1])
    photograph = tmp_path / "photo.png"
    photograph.write_bytes(encoded(photo()))
    for command in (
        ["predict", str(photograph), "--weights", path],
        ["metadata", path, "--author", "somebody"],
        ["android", path, str(tmp_path / "android")],
        ["browser", path, str(tmp_path / "page")],
        ["benchmark", path, "--runs", "3"],
        ["evaluate", path],
    ):
        assert cli.main(command) == 0, capsys.readouterr().err
    golden = tmp_path / "android" / "src" / "androidTest" / "assets" / "googlenet_int8_qat"
    assert len([*golden.glob("*.png")]) == 4


def test_a_pack_of_two_parts_keeps_the_second_whole():
    record = json.loads((HERE / "pack" / "pack.json").read_text())
    split = DataRef(f"tfrecord:{HERE / 'pack'}").split()
    assert len(split.test) == record["images"]["validation"] and split.test.part == "test"
    assert len(split.train) + len(split.validation) == record["images"]["train"]
    assert cli.main(["data", "check", f"tfrecord:{HERE / 'pack'}"]) == 0


@of_its_keras()
def test_weights_fill_the_network_they_name(tmp_path):
    found = pretrained.load(HERE / "googlenet.npz")
    run = run_folder.read(HERE / "run")
    assert found.net == keras_inception.without_aux(run.network)
    assert found.model().count_params() == keras_inception.load_model(run.model).count_params()
    assert cli.main(["convert", str(HERE / "googlenet.npz"), str(tmp_path / "again.npz")]) == 0


@pytest.mark.parametrize("command", [["evaluate"], ["predict", "photo.png", "--weights"]])
def test_a_file_is_opened_by_litert_alone(command, tmp_path):
    """As in a process where neither TensorFlow nor Keras can be imported."""
    (tmp_path / "photo.png").write_bytes(encoded(photo()))
    command = [*command, str(HERE / "run" / FILES[0])]
    code = (
        "import sys; sys.modules |= dict.fromkeys(('tensorflow', 'keras', 'tf_keras', 'jax'))\n"
        f"from keras_inception import cli; sys.exit(cli.main({command}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "held-out images" in done.stdout or "photo.png" in done.stdout
