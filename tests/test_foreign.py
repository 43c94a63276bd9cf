"""Anybody's Keras model goes through `export` and `quantize`, from the command line and Python."""

import json

import keras
import numpy as np
import pytest
from helpers.photos import two_classes
from helpers.tflite_files import graph_of
from keras import layers

from keras_inception import cli, load_model
from keras_inception.crops import views
from keras_inception.errors import BadInput
from keras_inception.evaluation.accuracy import evaluate
from keras_inception.evaluation.prediction import predict
from keras_inception.images import decode
from keras_inception.preprocess import NAMED
from keras_inception.tflite import exporting, metadata
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.source import open_source


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return two_classes(tmp_path_factory.mktemp("photographs"))


def small(channels=3, classes=2):
    """What MobileNetV2 is made of: inverted residuals, one with a stride, in a Sequential base."""
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, channels))
    stem = [layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)]
    stem += [layers.BatchNormalization(), layers.ReLU(6.0)]
    x = keras.Sequential(stem)(image)
    x = layers.Add()([x, inverted(x, 1)])
    x = layers.GlobalAveragePooling2D(keepdims=True)(inverted(x, 2))
    x = layers.Dropout(0.2)(layers.Reshape((8,))(x))
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="their_model")


def inverted(x, stride):
    x = layers.Conv2D(16, 1, activation="relu6")(x)
    if stride == 2:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.DepthwiseConv2D(3, stride, "same" if stride == 1 else "valid", use_bias=False)(x)
    x = layers.Activation("relu6")(layers.BatchNormalization()(x))
    return layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False)(x))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Their file, and the names of its classes in labels.txt beside it."""
    path = tmp_path_factory.mktemp("theirs") / "mine.keras"
    small().save(path)
    path.with_name("labels.txt").write_text("cats\ndogs\n")
    return path


def of_file(saved, photographs, tmp_path, **changes):
    given = {
        "images": photographs,
        "out": tmp_path,
        "classes": saved.with_name("labels.txt"),
        "preprocessing": "torch",
    }
    given |= changes
    return open_source(given.pop("subject", saved), **given)


def test_export_from_the_command_line(saved, photographs, tmp_path, capsys):
    command = f"export {saved} --scheme int8 --images {photographs} --preprocessing torch"
    command += f" --classes {saved.parent}/labels.txt --out {tmp_path}"
    assert cli.main(command.split()) == 0
    path = tmp_path / "mine_int8.tflite"
    assert capsys.readouterr().out.strip() == str(path)
    assert audit(graph_of(path)).integer
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["classes"] == ["cats", "dogs"] and record["calibration"]["images"] == 96
    assert record["closeness"]["images"] == record["closeness"]["same"] == 96
    pixels = of_file(saved, photographs, tmp_path).calibration[:8]
    model = keras.Sequential([keras.saving.load_model(saved), layers.Softmax()])
    expected = np.array(model(NAMED["torch"](pixels)))
    np.testing.assert_allclose(File(path).scores(pixels), expected, atol=0.05)


def test_a_file_fed_with_pixels_holds_each_of_them_exactly(tmp_path):
    """Of pixel / 127.5 - 1 all lie half-way between two integers; what is fed with floats keeps
    it."""
    pixels = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), (2, 16, 16, 3))
    source = open_source(
        small(), preprocessing="tf", classes=("a", "b"), out=tmp_path, images=pixels
    )
    path = exporting.export(source, scheme="int8").path
    expected = metadata.read(path.read_bytes()).preprocessing
    file = File(path)
    scale, zero_point = file.input_quantization
    np.testing.assert_allclose(file.rounded(expected(pixels)), expected(pixels), atol=scale / 100)
    np.testing.assert_allclose(expected(pixels) / scale + zero_point, pixels, atol=0.01)
    path = exporting.export(source, scheme="int8", io="float32").path
    assert metadata.read(path.read_bytes()).preprocessing == NAMED["tf"]


@pytest.mark.parametrize(("engine", "epochs"), [("keras", 0), ("tfmot", 1)])
@pytest.mark.slow
def test_quantize_from_the_command_line(engine, epochs, saved, photographs, tmp_path, capsys):
    command = f"quantize {saved} --data folder:{photographs} --preprocessing tf --out {tmp_path}"
    command += f" --classes-map position --accept --engine={engine} --epochs={epochs}"
    assert cli.main(command.split()) == 0
    path = tmp_path / "mine_int8_qat.tflite"
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["classes"] == ["cats", "dogs"] and record["agreement"]["same"] == 1
    assert record["data"]["source"] == f"folder:{photographs}"
    assert evaluate(path, data=f"folder:{photographs}").images == 2


def test_any_model_is_evaluated_and_asked(saved, photographs, tmp_path, capsys):
    """By the preprocessing that is named: with another one its answers are others."""
    photo = sorted(photographs.rglob("*.png"))[0]
    model = keras.Sequential([keras.saving.load_model(saved), layers.Softmax()])
    losses = set()
    for name in ("torch", "raw"):
        scores = evaluate(
            saved, data=f"folder:{photographs}", classes=("cats", "dogs"), preprocessing=name
        )
        losses.add(scores.loss)
        ((first, second),) = predict(
            saved,
            photographs=photo,
            classes=saved.with_name("labels.txt"),
            preprocessing=name,
            top=2,
        )
        found = dict([first, second])
        assert found.keys() == {"cats", "dogs"} and first[1] >= second[1]
        ours = views(decode(photo.read_bytes(), "RGB"), 16, NAMED[name], 1)
        expected = np.array(model(NAMED[name](np.stack([np.asarray(v) for v in ours]))))
        np.testing.assert_allclose([found["cats"], found["dogs"]], expected[0], atol=1e-5)
    assert len(losses) == 2
    for arguments, fault in [
        ([], "say with --preprocessing"),
        (["--preprocessing", "tf", "--classes", "imagenet"], "has 2 classes; 1000 are named"),
    ]:
        assert cli.main(["predict", str(photo), "--weights", str(saved), *arguments]) == 2
        assert fault in capsys.readouterr().err


def test_an_open_size_is_said_on_the_command_line(photographs, tmp_path, run, capsys):
    image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(image)))
    keras.Model(image, layers.Dense(2, activation="softmax")(x)).save(tmp_path / "open.keras")
    photo = str(sorted(photographs.rglob("*.png"))[0])
    command = ["predict", photo, "--weights", str(tmp_path / "open.keras")]
    assert cli.main(command) == 2
    assert "any size, (None, None, 3); a file needs one: give it with --image-size" in (
        capsys.readouterr().err
    )
    assert cli.main([*command, "--image-size", "16"]) == 0
    assert "class 0" in capsys.readouterr().out
    assert cli.main(["predict", photo, "--weights", str(run.folder), "--image-size", "16"]) == 2
    assert "has a size of its own; leave out --image-size" in capsys.readouterr().err


def test_what_a_file_says_of_itself_is_given_with_the_export(saved, tmp_path, capsys, monkeypatch):
    (tmp_path / "labels_de.txt").write_text("Katzen\nHunde\n")
    command = f"export {saved} --scheme float32 --preprocessing torch --out {tmp_path} --author Ada"
    command += f" --classes {saved.parent}/labels.txt --threshold 0.2 --license CC0-1.0"
    command = [*command.split(), "--labels", str(tmp_path / "labels_de.txt")]
    assert cli.main(command) == 0
    said = metadata.read((tmp_path / "mine_float32.tflite").read_bytes())
    assert (said.author, said.license, said.threshold) == ("Ada", "CC0-1.0", 0.2)
    assert said.labels == ("cats", "dogs") and said.localized == {"de": ("Katzen", "Hunde")}
    before = (tmp_path / "mine_float32.tflite").read_bytes()
    (tmp_path / "three.txt").write_text("cats\ndogs\nowls\n")
    for wrong, fault in (
        ({"labels": [tmp_path / "three.txt"]}, "2 outputs and labels has 3 names"),
        ({"threshold": 2.0}, "threshold must be in"),
    ):
        with monkeypatch.context() as patch, pytest.raises(BadInput, match=fault):
            patch.setattr(exporting, "convert", None)  # It is said before any work.
            exporting.export(
                saved,
                scheme="float32",
                preprocessing="torch",
                classes=["cats", "dogs"],
                out=tmp_path,
                **wrong,
            )
    assert cli.main([*command[:-1], str(tmp_path / "none.txt")]) == 2
    assert "there is no file of labels" in capsys.readouterr().err
    assert (tmp_path / "mine_float32.tflite").read_bytes() == before


def test_a_model_in_memory_calibrated_on_pixels_in_memory(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 1), np.uint8)
    source = open_source(
        small(channels=1),
        preprocessing="keras_inception",
        classes=("a", "b"),
        out=tmp_path,
        images=pixels,
    )
    path = exporting.export(source, scheme="int8", io="int8").path
    assert path.name == "their_model_int8.tflite" and audit(graph_of(path)).integer
    assert File(path).input_quantization == (1 / 128, 0)


def test_what_does_not_fit_is_said(saved, photographs, tmp_path):
    model = load_model(saved)
    with pytest.raises(BadInput, match=r"theirs?.*\.keras does not begin with preprocessing"):
        of_file(saved, photographs, tmp_path, preprocessing=None)
    for changes, fault in [
        ({"preprocessing": None}, "their_model does not begin with preprocessing"),
        ({"preprocessing": "vgg"}, "preprocessing must be one of"),
        ({"classes": None}, "does not name its 2 classes; give --classes"),
        ({"classes": "imagenet"}, "has 2 classes; 1000 are named"),
        ({"classes": tmp_path / "none.txt"}, "there is no file of labels"),
        ({"out": None}, "say with --out"),
        ({"data": f"folder:{photographs}"}, "leave out others"),
    ]:
        with pytest.raises(BadInput, match=fault):
            of_file(saved, photographs, tmp_path, subject=model, **changes)
    with pytest.raises(BadInput, match="takes 3 channels, digits has 1"):
        position = {"data": "digits", "classes_map": "position", "out": tmp_path}
        open_source(small(classes=10), preprocessing="tf", **position)
    with pytest.raises(BadInput, match="images must be uint8"):
        open_source(
            small(),
            preprocessing="tf",
            classes=("a", "b"),
            images=np.zeros((4, 8, 8, 3), np.uint8),
            out=tmp_path,
        )
    with pytest.raises(BadInput, match="say with --data"):
        exporting.quantize(of_file(saved, photographs, tmp_path, subject=model))
    with pytest.raises(BadInput, match="name a folder of them with --images"):
        source = of_file(saved, photographs, tmp_path, subject=model, images=None)
        exporting.export(source, scheme="int8")


def test_files_that_hold_no_model_are_refused(tmp_path):
    (tmp_path / "damaged.keras").write_bytes(b"PK not a zip")
    keras.Sequential([keras.Input((16, 16, 3)), layers.Lambda(lambda x: x), layers.Dense(2)]).save(
        tmp_path / "lambda.keras"
    )
    for name, fault in [
        ("none", "there is no such file"),
        ("damaged", "is not a .keras file"),
        ("lambda", "asks for keras.layers.Lambda"),
    ]:
        with pytest.raises(BadInput, match=fault):
            open_source(tmp_path / f"{name}.keras", out=tmp_path, preprocessing="tf")


def test_the_model_of_a_run_is_the_run(run):
    assert open_source(run.model).recipe == run.recipe
    with pytest.raises(BadInput, match="says itself which"):
        open_source(run.model, preprocessing="tf")
