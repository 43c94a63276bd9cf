"""The scripts in examples/ do what they say, with less to do."""

import os
import shutil
import subprocess
import sys

import pytest
from helpers.pages import ROOT
from helpers.photos import coloured

EXAMPLES = ROOT / "examples"
#: What a script says -> what is run in its place.
SMALLER = {
    "image_size=96, epochs=40": "image_size=32, width=0.25, epochs=1",
    "epochs=10)": "epochs=3)",
    "SIZE = (128, 128)": "SIZE = (96, 96)",
}


def run(name, folder, *arguments):
    """What the script prints, in a folder with photographs of three classes."""
    code = (EXAMPLES / name).read_text()
    for said, instead in SMALLER.items():
        code = code.replace(said, instead)
    (folder / name).write_text(code)
    command = [sys.executable, name, *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def test_there_is_a_test_for_every_example():
    names = {path.name for path in EXAMPLES.glob("*.py")}
    text = (ROOT / "tests" / "test_examples.py").read_text()
    assert names == {name for name in names if f'"{name}"' in text}


@pytest.mark.slow
def test_training_on_one_s_photographs_and_using_the_file(tmp_path):
    photograph = coloured(tmp_path / "photos") / "rock" / "00.png"
    out = run("train_on_your_photos.py", tmp_path, "photos", "runs/mine")
    assert "googlenet_int8_qat.tflite" in out and "top-1 on the photographs held out" in out
    file = tmp_path / "runs" / "mine" / "googlenet_int8_qat.tflite"
    told = run("use_a_tflite.py", tmp_path, file, photograph).splitlines()[-3:]
    from keras_inception import predict

    (expected,) = predict(file, photographs=photograph)
    assert told == [f"{score:.4f}  {name}" for name, score in expected]


@pytest.mark.slow
def test_fine_tuning_published_weights(tmp_path, shared):
    for sign in ("0", "1", "2"):
        (tmp_path / "photos" / sign).mkdir(parents=True)
        for photograph in sorted((shared / "data/sign_language_digits" / sign).iterdir())[:60]:
            shutil.copy(photograph, tmp_path / "photos" / sign)
    weights = shared / "weights" / "googlenet_bvlc_hwio.npz"
    out = run("fine_tune_and_quantize.py", tmp_path, weights, "photos", "files")
    assert "files/fine_tuned_int8_qat.tflite: top-1" in out
