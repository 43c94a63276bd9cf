"""Nothing is lost: whatever ends a training, it goes on to the same end."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import tiny_run
from helpers.runs import assert_same, temporaries
from helpers.tiny_run import TRAIN

from keras_inception import cli
from keras_inception.errors import BadInput
from keras_inception.training import fit
from keras_inception.training.recipes.recipe import recipe_for
from keras_inception.training.run import run_folder
from keras_inception.training.run.checkpoints import Progress, path_of
from keras_inception.training.run.stopping import StopAfterStep

pytestmark = pytest.mark.usefixtures("tiny_network")


def train(folder):
    """The exit status of starting the run in `folder`, or of going on with it."""
    rest = ["--resume"] if run_folder.exists(folder) else TRAIN
    return cli.main(["train", "--run", str(folder), *rest])


def test_the_newest_and_the_best_are_kept(tmp_path, monkeypatch):
    accuracy = iter([0.8, 0.6, 0.8, 0.7])
    on_epoch_end = fit.Checkpoint.on_epoch_end

    def scripted(self, epoch, logs=None):
        on_epoch_end(self, epoch, {**logs, "val_accuracy": next(accuracy)})

    monkeypatch.setattr(fit.Checkpoint, "on_epoch_end", scripted)
    recipe = recipe_for("digits", **{**tiny_run.OPTIONS, "epochs": 4})
    run = fit.start(recipe, tmp_path / "run")
    names = [path.name for path in sorted(run.checkpoints.iterdir())]
    assert names == ["epoch-0001.npz", "epoch-0003.npz", "epoch-0004.npz"]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "damage", ["flipped", pytest.param("truncated", marks=SLOW), pytest.param("empty", marks=SLOW)]
)
def test_a_damaged_checkpoint_is_named_and_the_one_before_used(damage, whole, stopped, caplog):
    newest = path_of(stopped / "checkpoints", 2)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    spoilt = {"truncated": content[:-1000], "flipped": content, "empty": b""}
    newest.write_bytes(spoilt[damage])
    fit.resume(stopped)
    assert f"{newest} is damaged" in caplog.text
    assert_same(stopped, whole)


def test_without_a_whole_checkpoint_a_person_decides(stopped):
    for checkpoint in (stopped / "checkpoints").iterdir():
        checkpoint.write_bytes(b"")
    with pytest.raises(BadInput, match=r"none of the checkpoints in .* is whole; restore one"):
        fit.resume(stopped)


@pytest.fixture
def heeded():
    """Ctrl-C as in a terminal: processes in the background start with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", ["SIGINT", pytest.param("SIGTERM", marks=SLOW)])
def test_signals_wait_for_the_step_and_say_where_it_goes_on(
    name, whole, stopped, monkeypatch, capfd, heeded
):
    number, step = getattr(signal, name), fit.Divergence.on_train_batch_end

    def ask(self, batch, logs=None):
        step(self, batch, logs)
        if self.progress.epochs == 2 and batch == 3:
            os.kill(os.getpid(), number)

    with monkeypatch.context() as patch:
        patch.setattr(fit.Divergence, "on_train_batch_end", ask)
        assert train(stopped) == 128 + number
    printed = capfd.readouterr().err
    assert "--resume` goes on after epoch 2 of 3, the last complete one" in printed
    assert "Traceback" not in printed
    assert train(stopped) == 0
    assert_same(stopped, whole)


def test_a_second_ctrl_c_stops_at_once(whole, heeded):
    before = signal.getsignal(signal.SIGINT)
    reached = []
    with pytest.raises(KeyboardInterrupt) as raised, StopAfterStep(whole, None):
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the first")
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the second")
    assert reached == ["after the first"] and raised.type is KeyboardInterrupt
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
def test_training_works_in_a_thread(tmp_path):
    recipe = recipe_for("digits", **{**tiny_run.OPTIONS, "epochs": 1})
    with ThreadPoolExecutor() as pool:
        assert pool.submit(fit.start, recipe, tmp_path / "run").result().model.is_file()


EVERY = ["run.json", "epoch-0001", "log.csv", "epoch-0002", "events", "model.keras", "run.json"]
FEW = ["model.keras"]


@SLOW
@pytest.mark.parametrize("writes", [FEW, EVERY], ids=["few", "every"])
def test_a_full_disk_at_any_write_loses_nothing(writes, whole, tmp_path, monkeypatch, capfd):
    folder, move = tmp_path / "run", os.replace
    for name in writes:

        def full(source, target, name=name):
            if target.name.startswith(name):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            move(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", full)
            assert train(folder) == 1
        printed = capfd.readouterr().err
        assert "No space left on device" in printed and "--resume` goes on" in printed
        assert "Traceback" not in printed
        assert temporaries(folder) == []
    assert train(folder) == 0
    assert_same(folder, whole)


@pytest.mark.parametrize(
    "kilobytes", [pytest.param(kilobytes, marks=SLOW) for kilobytes in (64, 8, 130)]
)
def test_a_disk_that_is_full_in_earnest(kilobytes, whole, tmp_path, capfd):
    def mount(*options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(tmp_path)]
        return subprocess.run(command, capture_output=True).returncode

    if mount(f"size={kilobytes}k"):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        assert train(tmp_path / "run") == 1
        printed = capfd.readouterr().err
        assert "No space left on device" in printed and "Traceback" not in printed
        assert temporaries(tmp_path) == []
        mount("remount", "size=16m")
        assert train(tmp_path / "run") == 0
        assert_same(tmp_path / "run", whole)
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_an_absurd_learning_rate_is_diagnosed(tmp_path, capfd):
    folder = tmp_path / "run"
    status = cli.main(["train", "--run", str(folder), *TRAIN, "--learning-rate=1e30"])
    printed = capfd.readouterr().err
    assert status == 2
    assert "training diverged: the loss is nan in step " in printed
    assert "a peak learning rate of 1e+30; try a lower --learning-rate" in printed
    assert not (folder / "model.keras").exists()


def test_a_loss_far_above_the_first_ends_at_the_last_good_epoch(tmp_path, monkeypatch):
    finish = fit.Divergence.on_epoch_end

    def worse(self, epoch, logs=None):
        for row in self.progress.rows:
            row["loss"] = 2.0
        finish(self, epoch, {**logs, "loss": [2.0, 6.9, 7.0][epoch]})

    monkeypatch.setattr(fit.Divergence, "on_epoch_end", worse)
    with pytest.raises(BadInput, match=r"the loss is 7 in epoch 3.*last good state is in ") as e:
        fit.start(recipe_for("digits", **tiny_run.OPTIONS), tmp_path / "run")
    assert str(path_of(tmp_path / "run" / "checkpoints", 2)) in str(e.value)
    assert path_of(tmp_path / "run" / "checkpoints", 2).is_file()
    assert not (tmp_path / "run" / "model.keras").exists()


def test_weights_ruined_by_the_last_step_are_not_kept(tmp_path, monkeypatch):
    finish = fit.Divergence.on_epoch_end
    monkeypatch.setattr(
        fit.Divergence,
        "on_epoch_end",
        lambda self, epoch, logs=None: finish(self, epoch, {**logs, "val_loss": float("nan")}),
    )
    with pytest.raises(BadInput, match=r"nan in evaluation after epoch 1.*no epoch was finished"):
        fit.start(recipe_for("digits", **tiny_run.OPTIONS), tmp_path / "run")
    assert not list((tmp_path / "run").rglob("*.npz"))


def test_seconds_are_those_of_all_sittings(stopped, monkeypatch):
    with np.load(path_of(stopped / "checkpoints", 2)) as arrays:
        before = json.loads(str(arrays["progress"]))["before"]
    monkeypatch.setattr(Progress, "seconds", property(lambda progress: progress.before + 1000))
    assert before > 0
    assert fit.resume(stopped).result["seconds"] == round(before + 1000)


def test_a_finished_run_is_given_as_it_is(whole, caplog):
    def content():
        return {path: path.read_bytes() for path in whole.folder.rglob("*") if path.is_file()}

    before = content()
    caplog.set_level(logging.INFO)
    assert fit.resume(whole.folder).result == whole.result
    assert content() == before and "is finished: there is nothing to resume" in caplog.text


def test_a_run_says_where_it_goes_on_and_where_it_began(stopped, monkeypatch, caplog):
    record = json.loads((stopped / "run.json").read_text())
    here = record["environment"]["backend"]
    record["environment"]["backend"] = "another"
    (stopped / "run.json").write_text(json.dumps(record))
    monkeypatch.setattr(fit, "_fit", lambda run, *_: run)  # All but the training itself.
    assert fit.resume(stopped).environment["backend"] == here
    assert f"begun on another, goes on on {here}" in caplog.text
    kept = json.loads((stopped / "run.json").read_text())["environment"]
    assert (kept["backend"], kept["begun"]["backend"]) == (here, "another")


def test_a_folder_is_trained_in_once_at_a_time(whole, capsys):
    with whole.alone():
        assert cli.main(["train", "--run", str(whole.folder), "--resume"]) == 2
    assert f"{whole.folder} is being trained by another process" in capsys.readouterr().err


@pytest.mark.slow
def test_one_process_trains_in_a_folder(whole):
    with whole.alone():
        code = "import sys; from keras_inception import cli; sys.exit(cli.main(sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", code, "train", "--run", whole.folder, "--resume"],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 2
    assert f"{whole.folder} is being trained by another process" in done.stderr


def test_the_record_of_the_checkpoint_is_the_log(whole):
    with np.load(path_of(whole.checkpoints, 3)) as arrays:
        rows = json.loads(str(arrays["progress"]))["rows"]
    lines = whole.log.read_text().splitlines()
    assert [",".join(map(str, row.values())) for row in rows] == lines[1:]
