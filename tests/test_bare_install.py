"""What works where only Keras, and JAX, are installed; and what is said of the rest."""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_inception.errors import EXTRAS, MissingPackage, missing_package, needed_by
from keras_inception.weights.formats.checkpoint import MAGIC

ROOT = Path(__file__).resolve().parents[1]
#: Runs commands, and lines of Python, in one process that can import no package of an extra.
BARE = f"""
import shlex, sys
for name in {tuple(EXTRAS)}:
    sys.modules[name] = None
from keras_inception.cli import main
for line in sys.argv[1:]:
    if line.startswith("python:"):
        exec(line.removeprefix("python:"))
    else:
        print(f"{{line}} -> {{main(shlex.split(line))}}")
"""


def bare(*lines, backend="jax", folder=None):
    """What the commands say to stdout, and what is to be installed, by their stderr."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    # A network is built in a tenth of the time: XLA compiles a program for every shape of weights.
    environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
    done = subprocess.run(
        [sys.executable, "-c", BARE, *lines],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "pip install" in line]
    return done.stdout, [line.removeprefix("keras-inception: ") for line in said]


@pytest.fixture
def images(tmp_path):
    """A folder that has a folder of images for each of two classes."""
    rng = np.random.default_rng(0)
    for k, name in enumerate(("dark", "light")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(150 * k, 150 * k + 100, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{i}.png")
    return tmp_path


def test_without_a_backend_the_tables_are_read_and_the_rest_says_what_to_install(images):
    out, said = bare(
        "table googlenet",
        "weights",
        "recipes modern",
        "data check folder:images",
        "data pack folder:images packed",
        "data check digits",
        "benchmark a.tflite",
        "train --data folder:images --run r",
        backend="tensorflow",
        folder=images,
    )
    assert re.findall(r"-> (\d)", out) == ["0", "0", "0", "0", "0", "2", "2", "2"]
    assert said == [
        "the data set digits needs scikit-learn, which is not installed: "
        'pip install "keras-inception[demo]"',
        "benchmark needs ai-edge-litert, which is not installed: "
        'pip install "keras-inception[tflite]"',
        'keras has no backend here: pip install "keras-inception[train]" for '
        "TensorFlow, or jax or torch with KERAS_BACKEND=jax|torch",
    ]


def test_on_jax_alone_networks_are_built_and_the_phone_says_what_to_install(images):
    pytest.importorskip("jax", reason="needs the backend: pip install jax")
    (images / "old.ckpt").write_bytes(b"\0" + MAGIC)
    out, (tflite, curves, checkpoint) = bare(
        "python:import keras_inception as ki, numpy as np",
        "python:import keras",
        "python:y = ki.blocks.inception(keras.Input((8, 8, 16)), 4, 4, 8, 4, 8, 4)",
        "python:pixels = ki.preprocess_input(np.zeros((1, 8, 8, 3)), 'inception_v3.keras_in1k')",
        "python:print(y.shape, pixels.shape)",
        "export r --scheme int8",
        "train --data folder:images --run r --histograms",
        "convert old.ckpt new.npz",
        folder=images,
    )
    assert "(None, 8, 8, 24) (1, 8, 8, 3)" in out and re.findall(r"-> (\d)", out) == ["2", "2", "2"]
    assert re.search(r"export needs \S+, which is not installed: .*\[tflite\]", tflite)
    assert 'profile needs tensorboard, which is not installed: pip install "keras' in curves
    assert 'checkpoint needs tensorflow, which is not installed: pip install "keras' in checkpoint


@pytest.mark.slow
def test_on_jax_alone_a_run_trains_resumes_and_classifies(images):
    pytest.importorskip("jax", reason="needs the backend: pip install jax")
    small = "--width 0.25 --image-size 17 --small-stem --batch-size 8 --epochs 1"
    out, said = bare(
        f"train --data folder:images --run r {small}",
        "python:import os; os.remove('r/model.keras')",  # Not finished, then.
        "train --run r --resume",
        "evaluate r",
        "predict images/dark/0.png --weights r/model.keras",
        folder=images,
    )
    assert re.findall(r"-> (\d)", out) == ["0"] * 4
    assert (
        said
        == ['the curves are in r/log.csv; TensorBoard: pip install "keras-inception[train]"'] * 2
    )
    for name in ("run.json", "log.csv", "model.keras"):
        assert (images / "r" / name).is_file()


def test_a_module_of_no_extra_stays_a_trace():
    with pytest.raises(ModuleNotFoundError), needed_by("this"):
        import no_such_module  # noqa: F401
    assert missing_package(ModuleNotFoundError(name=None)) is None


def test_a_missing_package_is_bad_input_and_an_import_error():
    found = missing_package(ModuleNotFoundError(name="tf_keras.layers"), "quantize")
    assert isinstance(found, MissingPackage) and isinstance(found, ImportError)
    assert str(found) == (
        'quantize needs tf_keras, which is not installed: pip install "keras-inception[tflite]"'
    )


def test_setup_names_every_package_folder_and_every_extra():
    """A folder that is left out is missing in every installed copy, and in no checkout."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    found = {
        (folder if folder.parts[0] == "keras_inception" else Path("keras_inception", folder))
        for room in ("keras_inception", "training", "tflite")
        for folder in (p.parent.relative_to(ROOT) for p in (ROOT / room).rglob("__init__.py"))
    }
    listed = setup["options"]["packages"].split()
    assert sorted(listed) == sorted(".".join(folder.parts) for folder in found)
    extras = setup["options.extras_require"]
    for package, extra in EXTRAS.values():
        assert re.search(rf"^{package} >= ", extras[extra], re.M), package
