"""The files that ship: integer throughout, the network that was trained, measured as they are."""

import errno
import json
import os
from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.files import kept
from helpers.networks import plain
from helpers.tflite_files import graph_of
from PIL import Image

from keras_inception import cli, load_model
from keras_inception.builder import build
from keras_inception.errors import BadInput
from keras_inception.evaluation.accuracy import evaluate
from keras_inception.evaluation.run_report import report
from keras_inception.files import replacing
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite import checks, exporting, metadata
from keras_inception.tflite.checks.agreement import agreement
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.metadata.saving import save
from keras_inception.tflite.qat import engine
from keras_inception.tflite.schemes import scheme_named
from keras_inception.tflite.source import open_source
from keras_inception.training import fit
from keras_inception.training.data import DataRef
from keras_inception.training.data.evaluation_pixels import pixels
from keras_inception.training.recipes.recipe import recipe_for
from keras_inception.transform import widen, without_aux


@pytest.fixture(scope="module")
def test_set(run):
    test = DataRef("digits").split().test
    return pixels(test, run.recipe.image_size, run.preprocessing), test.labels


def test_the_float32_file_computes_what_the_keras_model_does(run, float32, test_set):
    images = Preprocessing()(test_set[0][:64])
    expected = np.array(load_model(run.model)(images))
    np.testing.assert_allclose(File(float32).scores(images), expected, atol=1e-5)


@pytest.fixture(params=["int8", "int8_qat"])
def integer(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["float32", "int8", "int8_qat"])
def each(request):
    return request.getfixturevalue(request.param)


def test_int8_files_are_integer_throughout_and_keep_the_accuracy(run, integer):
    found = audit(graph_of(integer))
    # 15 convolutions, and what joins them.
    assert found.integer and found.operators == () and found.operator_count > 25
    assert evaluate(integer).top1 >= run.result["top1"] - 0.01


@pytest.mark.slow
def test_so_does_a_whole_network(tmp_path):
    run = fit.start(recipe_for("digits", width=0.25, aux=True, epochs=6), tmp_path / "run")
    assert run.result["top1"] > 0.9
    for path in (
        exporting.export(run.folder, scheme="int8").path,
        exporting.quantize(run.folder).path,
    ):
        found = audit(graph_of(path))
        assert found.integer and found.operators == () and found.operator_count > 80
        assert evaluate(path).top1 >= run.result["top1"] - 0.01
    layers = json.loads(path.with_suffix(".json").read_text())["layers"]
    assert len(layers) > 50
    # tfmot's own ends, had none been measured.
    assert not {-6.0, 6.0} & {layer[end] for layer in layers for end in ("low", "high")}


def test_the_quantized_file_agrees_with_the_model_it_came_from(int8_qat):
    agreement = json.loads(int8_qat.with_suffix(".json").read_text())["agreement"]
    assert agreement["logits"] >= 0.99
    assert agreement["same"] >= 0.99
    assert agreement["probabilities"] > 0.9
    assert agreement["images"] > 300


def test_agreement_sees_another_models_file(int8, test_set):
    """The post-training file is close to the network, but not what this model computes."""
    images = test_set[0][:50]
    layers = [keras.layers.Flatten(), keras.layers.Dense(10), keras.layers.Softmax()]
    model = plain(keras.Sequential([keras.Input(images.shape[1:]), *layers]))
    other = engine("keras")(model, Preprocessing()(images), (-1.0, 1.0))
    found = agreement(graph_of(int8), other, images, Preprocessing())
    assert not found.holds and found.logits < 0.9 and found.images == 50


def test_without_its_softmax_a_file_gives_logits(int8, test_set):
    images = Preprocessing()(test_set[0][:20])
    logits = File(graph_of(int8).without_softmax()).scores(images)
    odds = np.exp(logits)
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(File(int8).scores(images), probabilities, atol=1.001 / 256)


def test_raw_pixels_are_the_input(integer, test_set):
    """The input's scale and zero point are the declared preprocessing: pixel 0..255 as it is."""
    file = File(integer)
    scale, zero_point = file.input_quantization
    assert (scale, zero_point) == (1 / 128, 128)
    encoded = file.encoded(Preprocessing()(test_set[0]))
    np.testing.assert_array_equal(encoded, test_set[0])


def test_the_batch_is_fixed_to_one_and_names_are_kept(each):
    interpreter = File(each.read_bytes())._opened.interpreter
    assert interpreter.get_input_details()[0]["shape_signature"].tolist() == [1, 32, 32, 1]
    signature = interpreter.get_signature_list()["serving_default"]
    assert signature == {"inputs": ["image"], "outputs": ["scores"]}


def test_a_file_of_a_run_goes_to_android_with_held_out_images(run, int8, tmp_path, capsys):
    app = tmp_path / "app"
    assert cli.main(["android", str(int8), str(app)]) == 0
    golden = app / "src/androidTest/assets/googlenet_int8"
    shown = [Image.open(path) for path in sorted(golden.glob("*.png"))]
    assert [image.mode for image in shown] == ["L"] * 4
    scores = File(int8).scores(Preprocessing()(np.stack(shown))[..., None])
    for number, row in enumerate(scores):
        values = np.loadtxt(golden / f"{number}.txt")
        np.testing.assert_allclose(values / 256, row, atol=1e-6)
    before = int8.read_bytes()
    again = ["export", str(run.folder), "--scheme", "int8", "--android", str(app)]
    assert cli.main(again) == 2 and "has something in it" in capsys.readouterr().err
    assert int8.read_bytes() == before


def test_files_carry_labels_and_preprocessing(run, int8, float32):
    for path in (int8, float32):
        said = metadata.read(path.read_bytes())
        assert said.labels == run.classes and said.preprocessing == run.preprocessing
        assert path.with_suffix(".labels.txt").read_text().split("\n")[:-1] == list(run.classes)


@pytest.fixture(scope="module")
def model(run):
    """The run's network as it is converted."""
    return open_source(run.folder).network


@pytest.fixture
def converted(model, run, test_set, tmp_path):
    """A function that makes a file as `export` does, with the first test images to calibrate on."""

    def converted(scheme, io_type="float32", logits=False):
        images = test_set[0][:32] if scheme_named(scheme).calibrated else None
        path = tmp_path / f"{scheme}.tflite"
        graph = convert(model, scheme, run.preprocessing, io_type, images, logits)
        said = metadata.Metadata(labels=run.classes)
        save(path, metadata.embed(graph, said).content, said, {})
        return path

    return converted


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["int8", "float32"])
def test_other_inputs_and_outputs_by_choice(run, io_type, test_set, converted):
    path = converted("int8", io_type)
    file = File(path)
    assert file.types == (io_type, io_type)
    assert audit(graph_of(path)).integer
    images = Preprocessing()(test_set[0][:32])
    expected = np.array(load_model(run.model)(images))
    assert (file.scores(images).argmax(1) == expected.argmax(1)).mean() > 0.95


@pytest.mark.slow
def test_a_file_may_end_in_logits(converted):
    with_softmax = evaluate(converted("int8", "uint8"), data="digits")
    path = converted("int8", "uint8", logits=True)
    assert graph_of(path).ending == "linear"
    signature = File(path.read_bytes())._opened.interpreter.get_signature_list()["serving_default"]
    assert signature == {"inputs": ["image"], "outputs": ["logits"]}
    found = evaluate(path, data="digits")
    assert found.top1 == with_softmax.top1
    assert found.loss == pytest.approx(with_softmax.loss, abs=0.01)


def test_sixteen_bit_activations_are_integers_too(run, converted):
    path = converted("int16x8")
    found = audit(graph_of(path))
    assert found.integer and found.operator_count > 30
    assert File(path).types == ("float32", "float32")
    assert evaluate(path, data="digits").top1 == pytest.approx(run.result["top1"], abs=0.003)


@pytest.mark.parametrize("scheme", ["int16x8", "float16"])
def test_a_type_that_a_scheme_has_not_is_refused(run, scheme):
    with pytest.raises(BadInput, match=f"the io of {scheme} files is float32; got 'uint8'"):
        exporting.export(run.folder, scheme=scheme, io="uint8")


@pytest.mark.parametrize(("scheme", "share"), [("float16", 0.55), ("dynamic", 0.35)])
def test_smaller_schemes_without_retraining(run, float32, scheme, share, converted):
    path = converted(scheme)
    assert path.stat().st_size < share * float32.stat().st_size
    assert evaluate(path, data="digits").top1 == pytest.approx(run.result["top1"], abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "io_type", "logits"),
    [
        ("int8", "int8", False),
        ("int8", "float32", False),
        ("int8", None, True),
        ("int16x8", None, False),
        ("float16", None, False),
        ("dynamic", None, False),
    ],
)
def test_every_scheme_is_exported_and_keeps_the_accuracy(run, int8, scheme, io_type, logits):
    with kept(int8):
        path = exporting.export(run.folder, scheme=scheme, io=io_type, logits=logits).path
        assert path == run.folder / f"googlenet_{scheme}.tflite"
        assert File(path).types[0] == (io_type or ("uint8" if scheme == "int8" else "float32"))
        assert (graph_of(path).ending == "linear") == logits
        assert evaluate(path).top1 == pytest.approx(run.result["top1"], abs=0.01)


def test_a_float_island_is_found_and_refused(test_set):
    """LRN has no integer kernel: the converter leaves it in float between int8 neighbours."""
    net = replace(widen(without_aux(GOOGLENET), 0.25), input_shape=(32, 32, 1), classes=3)
    network = plain(build(net, keras))
    content = convert(network, "int8", Preprocessing(), "uint8", test_set[0][:8])
    found = audit(content)
    islands = [op for op in found.operators if op.startswith("LOCAL_RESPONSE_NORMALIZATION")]
    assert len(islands) == 2
    with pytest.raises(BadInput, match=r"not integer throughout.*LOCAL_RESPONSE_NORMALIZATION"):
        checks.require_integer(content, allow_float=False)
    checks.require_integer(content, allow_float=True)


def test_evaluation_is_the_same_for_a_run_a_model_and_a_file(run, float32):
    scores = [evaluate(subject) for subject in (run.folder, run.model, float32)]
    assert {s.top1 for s in scores} == {run.result["top1"]}
    assert {s.images for s in scores} == {359}
    assert [s.loss for s in scores] == pytest.approx([run.result["loss"]] * 3, abs=1e-4)


def test_the_report_lists_every_file(run, float32, int8, int8_qat):
    text = str(report(run.folder))
    for name in (run.model.name, float32.name, int8.name, int8_qat.name, str(run.tensorboard)):
        assert name in text


def test_a_file_carries_its_labels_and_preprocessing(int8_qat):
    record = json.loads(int8_qat.with_suffix(".json").read_text())
    assert record["classes"] == list("0123456789")
    assert Preprocessing(**record["preprocessing"]) == Preprocessing(128, 128)
    assert record["calibration"]["images"] == 200
    assert record["io_type"] == "uint8"


def test_a_file_outside_of_its_run_has_no_data_whatever_stands_beside_it(int8, tmp_path):
    copy = tmp_path / int8.name
    copy.write_bytes(int8.read_bytes())
    for record in (None, "{", int8.with_suffix(".json").read_text()):
        if record:
            copy.with_suffix(".json").write_text(record)
        with pytest.raises(BadInput, match="name images with --data"):
            evaluate(copy)
    assert evaluate(copy, data="digits") == evaluate(int8)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("aabb", r"2 classes that .*, which has 10, does not know: a, b; it knows 0, 1"),
        ("0011", "takes 1 channels; the images have 3"),
    ],
)
def test_images_that_do_not_fit_are_refused(int8, tmp_path, names, words):
    for k, name in enumerate(names):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (k, 0, 0)).save(tmp_path / name / f"{k}.png")
    with pytest.raises(BadInput, match=words):
        evaluate(int8, data=f"folder:{tmp_path}")


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "kept.tflite"
    path.write_bytes(b"the old one")

    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left.*kept\.tflite"), replacing(path) as temporary:
        temporary.write_bytes(b"half of the new")
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]
