"""Several devices or processes train what one would."""

import importlib.util
import os
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from helpers import tiny_run

from keras_inception import cli
from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.training import data, distribution
from keras_inception.training.data.batches import EvaluationBatches, TrainingBatches
from keras_inception.training.data.evaluation_pixels import EvaluationPixels
from keras_inception.training.distribution import Distribution
from keras_inception.training.recipes.recipe import recipe_for
from keras_inception.training.run.checkpoints import path_of

OPTIONS = {**tiny_run.OPTIONS, "epochs": 4, "ema": 0.9, "mixup": 0.2, "clipnorm": 1.0}
TRAIN = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]
needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")


def begin(folder, *rest, **environment):
    """A process of the smallest network that has batch norm and dropout, on the JAX backend.

    In float64, as training makes much of the last bits of a sum; the classifier stays float32.
    """
    jax = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}
    network = {"LAST": "pool1_3x3_s2", "PRECISION": "float64"}
    return subprocess.Popen(
        [sys.executable, tiny_run.__file__, "train", "--run", folder, *rest],
        env={**os.environ, **jax, **network, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"127.0.0.1:{listening.getsockname()[1]}"


def begin_two(folders, *rest):
    address = free_address()
    return [
        begin(folder, "--distribute", f"{address},{address}", "--process-id", str(k), *rest)
        for k, folder in enumerate(folders)
    ]


def ends(processes):
    """Exit statuses and outputs."""
    outputs = [process.communicate(timeout=280)[0] for process in processes]
    return [process.returncode for process in processes], outputs


def state(folder):
    """Weights, statistics, averages, momenta, generators and counters after the last epoch."""
    with np.load(path_of(folder / "checkpoints", OPTIONS["epochs"])) as arrays:
        return [arrays[name] for name in arrays.files if name != "progress"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Those of the two processes of a run, and of the same run by one process."""
    root = tmp_path_factory.mktemp("runs")
    folders = root / "0", root / "1", root / "one"
    statuses, outputs = ends([*begin_two(folders[:2], *TRAIN), begin(folders[2], *TRAIN)])
    assert statuses == [0, 0, 0], outputs
    assert "process 1 is done; process 0 wrote" in outputs[1]
    return folders


@pytest.fixture(scope="module")
def two(folders):
    return folders[0]


@needs_jax
@pytest.mark.slow
def test_two_processes_train_what_one_does(folders):
    first, second, one = folders
    for mine, theirs in zip(state(first), state(one), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-4)
    assert (first / "model.keras").is_file()
    assert not second.exists()


@needs_jax
@pytest.mark.slow
def test_two_devices_train_what_one_does(two, tmp_path):
    flags = "--xla_force_host_platform_device_count=2"
    statuses, outputs = ends([begin(tmp_path / "run", "--distribute", *TRAIN, XLA_FLAGS=flags)])
    assert statuses == [0], outputs
    for mine, theirs in zip(state(tmp_path / "run"), state(two), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_process_ends_the_others_and_the_run_goes_on(killed, two, tmp_path):
    folders = tmp_path / "0", tmp_path / "1"
    processes = begin_two(folders, *TRAIN)
    while not path_of(folders[0] / "checkpoints", 1).exists():
        assert all(process.poll() is None for process in processes)
        time.sleep(0.02)
    processes[killed].kill()
    statuses, outputs = ends(processes)
    assert statuses[killed] == -9 and statuses[1 - killed] == 1
    last = outputs[1 - killed].strip().splitlines()[-1]
    assert last.startswith("keras-inception: another process of this run has ended")
    assert not (folders[0] / "model.keras").exists()
    assert ends(begin_two(folders, "--resume"))[0] == [0, 0]
    for mine, theirs in zip(state(folders[0]), state(two), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@needs_jax
@pytest.mark.slow
def test_sigterm_to_one_process_stops_all_after_the_same_step(two, tmp_path):
    folders = tmp_path / "0", tmp_path / "1"
    processes = begin_two(folders, *TRAIN, "--epochs=200")
    while not path_of(folders[0] / "checkpoints", 1).exists():
        assert all(process.poll() is None for process in processes)
        time.sleep(0.02)
    processes[1].terminate()
    statuses, outputs = ends(processes)
    assert statuses == [143, 143]
    assert all("--resume` goes on after epoch" in output for output in outputs)


@needs_jax
@pytest.mark.slow
def test_processes_that_do_not_train_the_same_say_so(tmp_path):
    address = free_address()
    rest = ["--distribute", f"{address},{address}", *TRAIN]
    processes = [
        begin(tmp_path / "run", *rest, "--process-id", str(k), "--seed", str(k)) for k in (0, 1)
    ]
    statuses, outputs = ends(processes)
    assert statuses == [2, 2]
    assert all("process 1 has not the same recipe as process 0" in output for output in outputs)
    assert not (tmp_path / "run").exists()


MIRRORED = """
import sys
import keras, numpy as np, tensorflow as tf
from helpers import tiny_run
from keras_inception.training import distribution, fit
from keras_inception.training.recipes.recipe import recipe_for

two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
fit.network_of = tiny_run.network_of
# Draws of dropout are the replicas' own.
options = {**tiny_run.OPTIONS, "epochs": 2, "dropout": 0.0}
recipe = recipe_for("digits", ema=0.9, mixup=0.2, clipnorm=0.2, **options)
ways = {"one": distribution.ALONE, "two": distribution.of_this_machine()}
assert ways["two"].replicas == 2
one, two = (fit.start(recipe, f"{sys.argv[1]}/{n}", distribution=d) for n, d in ways.items())
(one.checkpoints / "epoch-0002.npz").unlink()
one.model.unlink()  # It is not finished then.
resumed = fit.resume(one.folder, distribution=ways["two"])
weights = [keras.saving.load_model(run.model).get_weights() for run in (one, two, resumed)]
for mine, theirs, continued in zip(*weights, strict=True):
    np.testing.assert_allclose(mine, theirs, atol=1e-4)
    np.testing.assert_allclose(mine, continued, atol=1e-4)
"""


@pytest.mark.slow
def test_mirrored_replicas_train_what_one_device_does(tmp_path):
    environment = {**os.environ, "LAST": "pool1_3x3_s2", "PYTHONPATH": os.path.dirname(__file__)}
    command = [sys.executable, "-c", MIRRORED, tmp_path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("more", [{}, {"mixup": 0.2}, {"cutmix": 1.0, "class_weights": True}])
def test_processes_share_every_batch(more):
    train = data.DataRef("digits").split().train
    recipe = recipe_for("digits", image_size=12, batch_size=12, **more)
    whole = TrainingBatches(train, recipe, Preprocessing(), 3)
    parts = [
        TrainingBatches(train, recipe, Preprocessing(), 3, Distribution(k, 3, 6)) for k in range(3)
    ]
    assert {len(part) for part in parts} == {len(whole)}
    for joint, *shares in zip(whole[5], *(part[5] for part in parts), strict=True):
        assert all(len(share) == 4 for share in shares)
        np.testing.assert_array_equal(joint, np.concatenate(shares))


def test_processes_share_what_is_evaluated():
    test = data.DataRef("digits").split().test  # 359: one of them is too many for two, or six
    shown = EvaluationPixels(test, 12, Preprocessing())
    whole = EvaluationBatches(shown)
    labels = np.concatenate([whole[i][1] for i in range(len(whole))])
    parts = [EvaluationBatches(shown, distribution=Distribution(k, 2, 6)) for k in range(2)]
    pairs = [parts[k][i][1] for i in range(len(parts[0])) for k in range(2)]
    np.testing.assert_array_equal(labels[: 359 // 6 * 6], np.concatenate(pairs))
    assert {len(pair) % 3 for pair in pairs} == {0}


def test_what_cannot_be_distributed_is_said(tmp_path, capsys, monkeypatch):
    with pytest.raises(BadInput, match="is 64, which 3 devices cannot share evenly"):
        Distribution(replicas=3).require_even("the batch size", 64)
    with pytest.raises(BadInput, match=r"MultiWorkerMirroredStrategy.*set KERAS_BACKEND=jax"):
        distribution.joined("a:1,b:1", 0).__enter__()
    start = ["train", "--run", str(tmp_path / "run")]
    assert cli.main([*start, "--process-id", "1"]) == 2
    assert "give their addresses to --distribute" in capsys.readouterr().err
    assert cli.main([*start, "--distribute", "--batch", "auto"]) == 2
    assert "--batch auto tries one device" in capsys.readouterr().err
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(BadInput, match=r"2 addresses need a --process-id of 0 to 1.*; got 2"):
        distribution.joined("a:1,b:1", 2).__enter__()
    with pytest.raises(BadInput, match="a,b is not HOST:PORT"):
        distribution.joined("a,b", 0).__enter__()
