"""The command line: every mistake gets one sentence and a non-zero exit."""

import errno

import pytest

from keras_inception import cli
from keras_inception.tflite.metadata import saving
from keras_inception.training import fit


def sentence(capfd, *argv):
    """The exit status and what was printed to stderr."""
    try:
        status = cli.main(list(argv))
    except SystemExit as leaving:
        status = leaving.code
    return status, capfd.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["quantize", "nowhere"], "nowhere is neither a run folder nor a .keras"),
        (["export", "nowhere", "--scheme", "int8"], "nowhere is neither a run folder"),
        (["export", "nowhere", "--scheme", "int4"], "scheme must be one of float32"),
        (["export", "nowhere", "--scheme", "int8", "--io", "int32"], "the io of int8 files is"),
        (["evaluate", "nowhere.tflite"], "there is no file 'nowhere.tflite'"),
        (["evaluate", "nowhere.h5"], "neither a run folder nor"),
        (["report", "nowhere"], "not a run folder"),
        (["train", "--run", "r", "--data", "imagenet"], "data must be digits"),
        (["train", "--run", "r", "--epochs", "0"], "epochs must be at least 1"),
        (["train", "--run", "r", "--epochs", "many"], "invalid int value"),
        (["train", "--run", "r", "--image-size", "16"], "inputs of at least 17x17"),
        (["train", "--run", "r", "--color", "1"], "unrecognized arguments: --color"),
        (["train", "--run", "nowhere", "--resume"], "nowhere is not a run folder"),
        (["train", "--run", "r", "--resume", "--epochs", "9"], "leave out --epochs"),
        (["train"], "required: --run"),
    ],
)
def test_mistakes_get_one_sentence(argv, words, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, printed = sentence(capfd, *argv)
    assert status == 2
    assert words in printed
    assert "Traceback" not in printed
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_run_is_named(run, capfd, tmp_path):
    (tmp_path / "run.json").write_text((run.folder / "run.json").read_text()[:200])
    status, printed = sentence(capfd, "report", str(tmp_path))
    assert status == 2 and "run.json is damaged" in printed


@pytest.mark.slow
def test_a_full_disk_ends_the_command_in_a_sentence(whole, capfd, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device", "model.tflite")

    monkeypatch.setattr(saving, "write_bytes", full)
    before = sorted(whole.folder.iterdir())
    status, printed = sentence(capfd, "export", str(whole.folder), "--scheme", "dynamic")
    assert status == 1
    assert "No space left on device: 'model.tflite'; nothing that existed was changed" in printed
    assert sorted(whole.folder.iterdir()) == before


def test_programming_errors_are_not_dressed_up(monkeypatch):
    def broken(*arguments):
        raise ValueError("a bug")

    monkeypatch.setattr(fit, "start", broken)
    with pytest.raises(ValueError, match="a bug"):
        cli.main(["train", "--run", "r"])


def test_evaluate_prints_the_scores(run, int8, capfd):
    assert cli.main(["evaluate", str(int8)]) == 0
    printed = capfd.readouterr().out
    assert "top-1 0.9" in printed and "top-5" in printed and "on 359 test images" in printed
