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
from keras_inception.training import fit
from keras_inception.training.recipes import recipe_for
from keras_inception.weights import store

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


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_give_the_same_outputs_and_train(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs the backend: pip install {backend}")
    model = ki.GoogLeNet(aux=True, **SMALL)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(4, 33, 33, 3)).astype("float32")
    np.savez(tmp_path / "arrays.npz", images=images, **store.read(model))
    command = [
        sys.executable,
        "-c",
        SCRIPT,
        str(tmp_path / "arrays.npz"),
        str(tmp_path / "run"),
        json.dumps(SMALL),
    ]
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout.splitlines()[-1])
    assert theirs["backend"] == theirs["run"] == backend != keras.backend.backend()
    assert "aux2_accuracy" in theirs["log"]
    assert theirs["images"] > 300
    # The averaged weights are what validation saw and what is exported.
    assert theirs["validation"] == pytest.approx(theirs["exported"], rel=1e-3)
    curves = EventAccumulator(str(tmp_path / "run" / "tensorboard" / "train")).Reload()
    (norm,) = curves.Tensors("gradient_norm/inception_3a")
    assert make_ndarray(norm.tensor_proto) > 0
    for a, b in zip(model.predict(images, verbose=0), theirs["outputs"], strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
