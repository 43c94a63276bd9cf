"""The library builds and trains on Keras' other backends, without importing TensorFlow."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

import keras_inception as ki
from keras_inception.weights import store

SMALL = {"norm": "batch", "width": 0.25, "input_shape": (33, 33, 3), "classes": 5}
SCRIPT = """
import csv, json, sys
sys.modules["tensorflow"] = None  # any import of it fails, as where it is not installed
import keras, numpy as np
import keras_inception as ki
from helpers import tiny_run
from keras_inception.training import fit
from keras_inception.training.recipes import recipe_for
from keras_inception.weights import store

fit.network_of = tiny_run.network_of
arrays, folder, small = np.load(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
model = ki.GoogLeNet(aux=True, **small)
store.write(model, {key: arrays[key] for key in arrays.files if "/" in key})
outputs = model.predict(arrays["images"], verbose=0)
values = {"optimizer": "rmsprop", "l2": 1e-4, "clipnorm": 2.0, "ema": 0.9, "mixup": 0.2}
recipe = recipe_for("digits", width=0.25, epochs=1, image_size=17, aux=True, **values)
run = fit.start(recipe, folder)
print(json.dumps({
    "backend": keras.backend.backend(),
    "outputs": [output.tolist() for output in outputs],
    "run": run.environment["backend"],
    "log": run.log.read_text().splitlines()[0],
    "images": run.result["images"],
    "validation": float(dict(zip(*csv.reader(run.log.open())))["val_main_loss"]),
    "exported": run.result["loss"],
}))
"""


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(4, 33, 33, 3)).astype("float32")


@pytest.fixture(scope="module")
def model():
    return ki.GoogLeNet(aux=True, **SMALL)


@pytest.fixture(scope="module", params=["jax", "torch"])
def theirs(request, model, images, tmp_path_factory):
    """What a process on the backend computed, and the folder of its run."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"needs the backend: pip install {request.param}")
    folder = tmp_path_factory.mktemp(request.param)
    np.savez(folder / "arrays.npz", images=images, **store.read(model))
    more = {
        "KERAS_BACKEND": request.param,
        "JAX_PLATFORMS": "cpu",
        "LAST": "aux1",
        "PYTHONPATH": os.path.dirname(__file__),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder / "arrays.npz", folder / "run", json.dumps(SMALL)],
        capture_output=True,
        text=True,
        env={**os.environ, **more},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["backend"] == found["run"] == request.param != keras.backend.backend()
    return found, folder / "run"


def test_other_backends_train(theirs):
    theirs, folder = theirs
    assert "aux1_accuracy" in theirs["log"]
    assert theirs["images"] > 300
    # The averaged weights are what validation saw and what is exported.
    assert theirs["validation"] == pytest.approx(theirs["exported"], rel=1e-3)
    curves = EventAccumulator(str(folder / "tensorboard" / "train")).Reload()
    (norm,) = curves.Tensors("gradient_norm/inception_3a")
    assert make_ndarray(norm.tensor_proto) > 0


def test_other_backends_give_the_same_outputs(theirs, model, images):
    for a, b in zip(model(images), theirs[0]["outputs"], strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
