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

WHOLE = {"norm": "batch", "width": 0.25, "input_shape": (33, 33, 3), "classes": 5, "aux": True}
SCRIPT = """
import csv, json, sys
sys.modules["tensorflow"] = None  # any import of it fails, as where it is not installed
import keras, numpy as np
import keras_inception as ki
from helpers import tiny_run
from keras_inception.training import fit
from keras_inception.training.recipes.recipe import recipe_for
from keras_inception.weights import store

arrays, folder, whole = np.load(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
if not whole:
    fit.network_of = tiny_run.network_of
values = {"optimizer": "rmsprop", "l2": 1e-4, "clipnorm": 2.0, "ema": 0.9, "mixup": 0.2}
values["validation"] = 0.0  # one part to choose by and to report on: its losses are equal
recipe = recipe_for("digits", width=0.25, epochs=1, image_size=17, aux=bool(whole), **values)
run = fit.start(recipe, folder)
model = ki.GoogLeNet(**whole) if whole else ki.load_model(run.model)
if whole:
    store.write(model, {key: arrays[key] for key in arrays.files if "/" in key})
outputs = model.predict(arrays["images"], verbose=0)
row = dict(zip(*csv.reader(run.log.open())))
print(json.dumps({
    "backend": keras.backend.backend(),
    "outputs": [output.tolist() for output in (outputs if whole else [outputs])],
    "run": run.environment["backend"],
    "log": list(row),
    "images": run.result["images"],
    "validation": float(row["val_main_loss" if whole else "val_loss"]),
    "exported": run.result["loss"],
}))
"""


def run_on(backend, folder, whole, images, arrays):
    """What a process on the backend says of a run in `folder`, and of outputs for `images`."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs the backend: pip install {backend}")
    np.savez(folder / "arrays.npz", images=images, **arrays)
    more = {
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        # Compiling for speed would take longer than all that is computed.
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder / "arrays.npz", folder / "run", json.dumps(whole)],
        capture_output=True,
        text=True,
        env={**os.environ, **more, "PYTHONPATH": os.path.dirname(__file__)},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["backend"] == found["run"] == backend != keras.backend.backend()
    assert found["images"] > 300
    # The averaged weights are what validation saw and what is exported.
    assert found["validation"] == pytest.approx(found["exported"], rel=1e-3)
    return found


def gradient_norm(folder, row):
    curves = EventAccumulator(str(folder / "run" / "tensorboard" / "train")).Reload()
    (norm,) = curves.Tensors(f"gradient_norm/{row}")
    return make_ndarray(norm.tensor_proto)


@pytest.fixture(scope="module", params=["jax", "torch"])
def tiny(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    images = np.random.default_rng(0).normal(size=(4, 17, 17, 1)).astype("float32")
    return folder, images, run_on(request.param, folder, {}, images, {})


def test_other_backends_train_and_their_models_load_here(tiny):
    folder, images, theirs = tiny
    assert gradient_norm(folder, "conv1_7x7_s2") > 0
    model = ki.load_model(folder / "run" / "model.keras")
    np.testing.assert_allclose(model(images), theirs["outputs"][0], atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_give_the_same_outputs_and_train(backend, tmp_path):
    model = ki.GoogLeNet(**WHOLE)
    images = np.random.default_rng(0).normal(size=(4, 33, 33, 3)).astype("float32")
    theirs = run_on(backend, tmp_path, WHOLE, images, store.read(model))
    assert "aux2_accuracy" in theirs["log"]
    assert gradient_norm(tmp_path, "inception_3a") > 0
    for a, b in zip(model(images), theirs["outputs"], strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


FINE_TUNING = """
import keras, numpy as np
from helpers.colour_digits import ColourDigits
from helpers.networks import RANGE, mobile, plain
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite import checks
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.qat import engine

expected = Preprocessing()
pixels = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)
quantized = engine("keras")(plain(mobile()), expected(pixels), RANGE)
before = quantized.ranges()
quantized.fine_tune(ColourDigits(), 2, 0.01)
trained, ranges = quantized.trained(), quantized.ranges()
assert sum(ranges[number] != before[number] for number in ranges) > 5
graph = convert(trained, "int8", expected, "uint8", ranges=ranges)
checks.require(graph, trained, pixels, expected, ranges)
print(keras.backend.backend())
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_engine_keras_trains_on_other_backends(backend):
    """Only conversion needs TensorFlow, which is there."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs the backend: pip install {backend}")
    more = {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", FINE_TUNING],
        capture_output=True,
        text=True,
        env={**os.environ, **more, "PYTHONPATH": os.path.dirname(__file__)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == backend
