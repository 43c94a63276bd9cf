"""The folder for an Android app: Kotlin that compiles, golden vectors that are what the file gives.

The Kotlin compiler is taken from $KOTLINC or the path; it is in npm's package kotlin-compiler. What
the classes call of Android, LiteRT and MediaPipe is there by signature only (tests/kotlin/stubs).
"""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import pictures, tflite_files
from PIL import Image

from keras_inception.cli import main
from keras_inception.errors import BadInput
from keras_inception.tflite.android import kotlin, write
from keras_inception.tflite.file.interpreter import File

KOTLIN = Path(__file__).parent / "kotlin"
NAME = 'Évil "$name" */ /* \\ 🐦\n'
OUTPUTS = {
    "uint8": "ByteArray(lines.size) { lines[it].toInt().toByte() }",
    "int8": "ByteArray(lines.size) { lines[it].toInt().toByte() }",
    "float32": "FloatArray(lines.size) { lines[it].toFloat() }",
}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), np.uint8)
        Image.fromarray(noise).resize((40, 30)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(params=["uint8"])
def app(request, tmp_path, photographs):
    said = {"author": '$author "A" ${1+1}', "localized": {"de": tuple("abcd")}}
    if request.param == "int8":
        said["preprocessing"] = replace(tflite_files.EXPECTED, interpolation="bicubic")
    whole = tflite_files.labelled(request.param, NAME, **said)
    (tmp_path / "tiny.tflite").write_bytes(whole)
    write(tmp_path / "tiny.tflite", tmp_path / "app", photographs)
    return tmp_path / "app"


def test_the_golden_outputs_are_the_files(app):
    golden = app / "src/androidTest/assets/tiny"
    file = File(app / "src/main/assets/tiny.tflite")
    assert len(list(golden.glob("*.png"))) == 3
    for png in golden.glob("*.png"):
        pixels = np.asarray(Image.open(png))[None]
        values = np.array([int(v) for v in png.with_suffix(".txt").read_text().split()])
        scores = file.scores(tflite_files.EXPECTED(pixels))
        np.testing.assert_allclose(scores[0], values / 256, atol=1e-6)
        np.testing.assert_array_equal(file.encoded(tflite_files.EXPECTED(pixels)), pixels)


def test_the_folder_holds_what_an_app_needs(app):
    found = {str(p.relative_to(app)) for p in app.rglob("*") if p.is_file()}
    java = "java/com/example/classifier"
    assert found >= {
        "README.md",
        "src/main/assets/tiny.tflite",
        "src/main/assets/tiny_labels.txt",
        "src/main/assets/tiny_labels_de.txt",
        f"src/main/{java}/Tiny.kt",
        f"src/main/{java}/TinyCamera.kt",
        f"src/main/{java}/TinyLiteRt.kt",
        f"src/main/{java}/TinyMediaPipe.kt",
        f"src/main/{java}/TinyOrientation.kt",
        f"src/main/{java}/TinyPhotographs.kt",
        f"src/main/{java}/TinyPixels.kt",
        f"src/androidTest/{java}/TinyGoldenTest.kt",
    }
    assert not [p for p in app.rglob("*.kt") if re.search("@[A-Z_]{2,}@", p.read_text())]
    labels = (app / "src/main/assets/tiny_labels.txt").read_text().splitlines()
    assert tuple(labels) == tflite_files.LABELS


@pytest.mark.parametrize("app", ["int8"], indirect=True)
def test_mediapipe_is_left_out_where_it_would_refuse_the_file(app):
    text = "".join(p.read_text() for p in app.rglob("*.kt"))
    assert "mediapipe" not in text.lower()
    assert (
        "MediaPipe Tasks takes RGB in uint8 or float32, with its preprocessing in the file: not"
        in (app / "README.md").read_text()
    )


def test_nothing_that_exists_is_overwritten(app, photographs, capsys):
    (app / "README.md").write_text("mine")
    file = app.parent / "tiny.tflite"
    assert main(["android", str(file), str(app), "--images", str(photographs)]) == 2
    assert "has something in it" in capsys.readouterr().err
    assert (app / "README.md").read_text() == "mine"


@pytest.mark.parametrize("package", ["", "com.Example", "com.in.app", "com..app", "a b", "com.1a"])
def test_packages_that_kotlin_would_refuse_are_refused(package):
    with pytest.raises(BadInput, match="package must be"):
        kotlin.require_package(package)


def test_a_file_without_labels_is_told_how_to_get_them(tmp_path, photographs):
    (tmp_path / "x.tflite").write_bytes(tflite_files.content())
    with pytest.raises(BadInput, match=r"keras-inception metadata .*x\.tflite --labels"):
        write(tmp_path / "x.tflite", tmp_path / "app", photographs)
    assert [p.name for p in tmp_path.iterdir()] == ["x.tflite"]


@pytest.mark.parametrize(
    "stem, name",
    [("googlenet_int8", "GooglenetInt8"), ("8bit", "Model8bit"), ("ü-$", "Model"), ("a b", "AB")],
)
def test_class_names_are_names(stem, name):
    assert kotlin.class_name(stem) == name


@pytest.fixture(scope="module")
def kotlinc():
    found = os.environ.get("KOTLINC") or shutil.which("kotlinc")
    if not found:
        pytest.skip("needs a Kotlin compiler, $KOTLINC or on the path: npm's kotlin-compiler")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("app", ["uint8", "int8", "float32", "grey"], indirect=True)
def test_the_kotlin_compiles_and_its_plain_part_computes_as_python_does(app, kotlinc, tmp_path):
    kind = File(app / "src/main/assets/tiny.tflite").types[0]
    program = (KOTLIN / "Golden.kt").read_text().replace("@OUTPUT@", OUTPUTS[kind])
    (tmp_path / "Golden.kt").write_text(program)
    jar, stubs = tmp_path / "golden.jar", KOTLIN / "stubs"
    sources = [*app.rglob("*.kt"), tmp_path / "Golden.kt", KOTLIN / "Pictures.kt", stubs]
    compile_ = [kotlinc, "-include-runtime", "-d", jar, *sources]
    done = subprocess.run(compile_, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    golden = app / "src/androidTest/assets/tiny"
    run = ["java", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-cp", jar, "GoldenKt"]
    done = subprocess.run([*run, app / "src/main/assets", golden], capture_output=True, check=True)
    *lines, titles = done.stdout.decode().split("\n")[:-1]
    file = File(app / "src/main/assets/tiny.tflite")
    for png in sorted(golden.glob("*.png")):
        pixels = np.asarray(Image.open(png)).reshape(1, *file.input_shape)
        images = tflite_files.EXPECTED(pixels)
        assert png.with_suffix(".input").read_bytes() == file.encoded(images).tobytes()
        scores = file.scores(images)[0]
        for wanted in np.argsort(-scores, kind="stable"):
            index, score, label = lines.pop(0).split("\t")
            assert (int(index), label) == (wanted, tflite_files.LABELS[wanted])
            assert float(score) == pytest.approx(scores[wanted], abs=1e-6)
    assert not lines and titles == f'{NAME.strip()}\t$author "A" ${{1+1}}\ttiny.tflite'
    require_equal_pixels(jar, tmp_path, "bicubic" if kind == "int8" else "bilinear", file)


def require_equal_pixels(jar, folder, interpolation, file):
    """240 sizes, up and down, come in by each of the four doors, and are Python's to the bit."""
    how = replace(tflite_files.EXPECTED, interpolation=interpolation)
    found = [(each[0], each[1], 16, how) for each in pictures.pictures(240)]
    pictures.written(folder / "pictures", found)
    command = ["java", "-cp", jar, "PicturesKt", folder / "pictures", folder / "cut"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cuts = np.fromfile(folder / "cut", ">u4").reshape(240, 16, 16)
    for k, (content, stored, size, _) in enumerate(found):
        if k % 4 > 1:  # A bitmap and a camera's image say nothing: turns are said with them.
            orientation = 1 if k % 4 == 2 else (1, 6, 3, 8)[(k + 1) // 4 % 4]
            content = pictures.file_of(Image.fromarray(stored), "PNG", orientation)
        grey = file.input_shape[-1] == 1
        wanted = pictures.expected(content, size, how, "L" if grey else "RGB")
        wanted = np.stack([wanted] * 3, axis=-1) if grey else wanted
        theirs = np.stack([cuts[k] >> 16, cuts[k] >> 8, cuts[k]], axis=-1) & 255
        np.testing.assert_array_equal(theirs, wanted, f"{k}: {stored.shape}")
