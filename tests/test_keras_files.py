"""`.keras` files that are damaged, or made to harm, end in a sentence, and take little to it."""

import io
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from helpers.keras_files import config_of, layer, member, rewritten, small
from keras.src.backend.common import global_state
from PIL import Image

import keras_inception as ki
from keras_inception import children, cli
from keras_inception.errors import BadInput
from keras_inception.weights.formats import keras_file, keras_h5

RUN = Path(__file__).parent / "made_before" / "run"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return small(tmp_path_factory.mktemp("saved") / "small.keras")


@pytest.fixture
def in_memory(file, tmp_path_factory, monkeypatch):
    """The weights of `file` in place of whatever a file has: the child is another test's matter."""
    weights = tmp_path_factory.mktemp("copied") / "model.weights.h5"
    weights.write_bytes(member(file, weights.name))
    monkeypatch.setattr(keras_file, "copy_weights", lambda *_: (weights, 10_000))


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def changed(file, path, **fields):
    """A file whose layers have other fields: layer=(field, value)."""
    config = config_of(file)
    for name, (field, value) in fields.items():
        layer(config, name)["config"][field] = value
    return rewritten(file, path, config)


def refusal(path) -> str:
    with pytest.raises(BadInput) as caught:
        ki.load_model(path, compile=False)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("units", [10**15, 5 * 10**7])
def test_no_memory_is_taken_for_weights_that_a_file_does_not_have(file, tmp_path, units):
    config = config_of(file)
    layer(config, "head")["config"]["layers"][-1]["config"]["units"] = units
    ki.load_model(file)
    before = peak()
    assert "weights, it holds" in refusal(rewritten(file, tmp_path / "large.keras", config))
    # Otherwise Keras would make the weights of a refused model at the next chance.
    assert not global_state.get_global_attribute("uninitialized_variables")
    assert peak() - before < 100_000


def test_a_model_of_larger_images_than_any_memory_is_refused(file, tmp_path):
    shape = ("batch_shape", [None, 10**6, 10**6, 3])
    assert "'image' gives" in refusal(changed(file, tmp_path / "large.keras", image=shape))


def test_a_layer_that_computes_while_it_is_built_is_measured_first(tmp_path):
    x = keras.Input((64, 64, 1))
    y = keras.layers.UpSampling2D(1, name="wider")(x)
    y = keras.layers.Reshape((-1,), name="flat")(y)
    y = keras.layers.Normalization(mean=0.0, variance=1.0)(y)
    keras.Model(x, keras.layers.Dense(1, name="one")(y)).save(tmp_path / "n.keras")
    assert ki.load_model(tmp_path / "n.keras")(np.ones((1, 64, 64, 1))).shape == (1, 1)
    before = peak()
    bad = changed(tmp_path / "n.keras", tmp_path / "large.keras", wider=("size", [200, 200]))
    assert "weights, it holds" in refusal(bad)
    assert peak() - before < 200_000


def nested(depth):
    """A config of models in models, each of which calls the one in it four times."""
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["a", 0, 0]}}
    model = {"class_name": "Identity", "module": "keras.layers", "config": {"name": "b"}}
    for _ in range(depth):
        model["inbound_nodes"] = [{"args": [tensor], "kwargs": {}}] * 4
        model = {
            "class_name": "Functional",
            "module": "keras",
            "config": {"name": "b", "layers": [model]},
        }
    return model


def test_what_would_take_hours_to_build_is_not_begun(file, tmp_path, in_memory):
    assert "are called" in refusal(rewritten(file, tmp_path / "n.keras", nested(12)))
    config = config_of(file)
    layer(config, "Multiply")["inbound_nodes"][0]["args"][0] = {
        "class_name": "__tensor__",
        "config": {"value": 1.0, "dtype": "float32"},
    }
    assert "called with constants alone" in refusal(rewritten(file, tmp_path / "n.keras", config))
    config = config_of(file)
    layer(config, "conv").update(
        module=None,
        class_name="LocalResponseNormalization",
        registered_name="keras_inception>LocalResponseNormalization",
        config={"name": "lrn", "depth_radius": 10**9},
    )
    assert "depth_radius" in refusal(rewritten(file, tmp_path / "n.keras", config))


ODD = (None, True, -1, 0, 2**40, 1e300, "", "x" * 1000, "../x", [], [[]], {}, {"class_name": "x"})


def places(value):
    """Every (container, key) inside a value of JSON."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def test_configs_with_other_values_load_or_are_a_sentence(file, tmp_path, in_memory):
    outcomes = set()
    for seed in range(60):
        rng = random.Random(seed)
        config = config_of(file)
        container, key = rng.choice([*places(config["config"])])
        container[key] = rng.choice(ODD)
        path = rewritten(file, tmp_path / "odd.keras", config)
        try:
            outcomes.add(type(ki.load_model(path, compile=False)).__name__)
        except BadInput as error:
            assert "odd.keras cannot be loaded: " in str(error) and "\n" not in str(error)
            outcomes.add("sentence")
    assert outcomes >= {"sentence", "Functional"}


@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 60), marks=pytest.mark.slow)])
def test_weights_damaged_inside_a_right_checksum_load_or_are_a_sentence(file, tmp_path, seeds):
    said = set()
    for seed in seeds:
        rng = random.Random(seed)
        content = bytearray(member(file, "model.weights.h5"))
        for _ in range(20):
            content[rng.randrange(3000)] = rng.randrange(256)
        path = rewritten(file, tmp_path / "odd.keras", weights=bytes(content))
        try:
            ki.load_model(path, compile=False)
        except BadInput as error:
            assert "odd.keras cannot be loaded: " in str(error) and "\n" not in str(error)
            said.add(str(error))
    assert said


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "5", "{}", '{"class_name": []}', "\xff", "[1e999]", "9" * 5000]
)
def test_a_config_that_is_none_is_a_sentence(file, tmp_path, content):
    refusal(rewritten(file, tmp_path / "odd.keras", content))


def test_a_config_that_unfolds_without_end_is_not_read(file, tmp_path):
    bomb = rewritten(file, tmp_path / "bomb.keras", " " * 10_000_000, packed=zipfile.ZIP_DEFLATED)
    assert "unfolds more than 100-fold" in refusal(bomb)
    large = rewritten(file, tmp_path / "large.keras", " " * (17 << 20))
    assert "more than 16,777,216" in refusal(large)


def test_an_archive_is_as_keras_packs_it(file, tmp_path):
    for packed in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        odd = rewritten(file, tmp_path / "odd.keras", packed=packed)
        assert "packed in a way" in refusal(odd)
    shutil.copy(file, tmp_path / "twice.keras")
    with zipfile.ZipFile(tmp_path / "twice.keras", "a") as archive, pytest.warns(UserWarning):
        archive.writestr("config.json", "{}")
    assert "two files of one name" in refusal(tmp_path / "twice.keras")
    with zipfile.ZipFile(tmp_path / "none.keras", "w") as archive:
        archive.writestr("metadata.json", "{}")
    assert "holds no config.json" in refusal(tmp_path / "none.keras")


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo.keras")
    (tmp_path / "zero.keras").symlink_to("/dev/zero")
    (tmp_path / "folder.keras").mkdir()
    for name in ("fifo", "zero", "folder", "missing"):
        path = tmp_path / f"{name}.keras"
        assert "there is no such file" in refusal(path)
        with pytest.raises(BadInput, match="there is no such file"):
            ki.load_model(path, trust=True)


def test_a_model_in_the_old_format_under_the_new_ones_name_is_a_sentence(tmp_path):
    (tmp_path / "old.keras").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert "is not a .keras file" in refusal(tmp_path / "old.keras")


def h5(path, make):
    with h5py.File(path, "w") as weights:
        weights["layers/conv/vars/1"] = np.zeros(4, np.float32)
        make(weights)
    return path.read_bytes()


def looping(weights):
    weights["layers/conv/again"] = weights["layers"]


def shaped(weights):
    weights.create_dataset("layers/conv/vars/0", (10**6, 10**6), "f4", chunks=(10, 10))


def texts(weights):
    weights["layers/conv/vars/0"] = ["a", "b"]


def linked(weights):
    weights["layers/conv/vars/0"] = h5py.SoftLink("/layers/conv/vars/1")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (looping, "again twice"),
        (shaped, "unfolds to"),
        (texts, "a weight is numbers"),
        (linked, "has a link at"),
    ],
)
def test_weights_are_numbers_and_nothing_else(file, tmp_path, make, reason):
    odd = rewritten(file, tmp_path / "odd.keras", weights=h5(tmp_path / "w.h5", make))
    assert reason in refusal(odd)


def test_hdf5_of_others_is_opened_in_a_child_alone(file, tmp_path, monkeypatch):
    """Its crash there is a sentence here, wherever weights of Keras' own are taken."""
    weights = tmp_path / "x.weights.h5"
    weights.write_bytes(member(file, "model.weights.h5"))
    monkeypatch.setattr(keras_h5.children, "answer", lambda *a, **k: (-11, ""))
    opened = []
    monkeypatch.setattr(keras_h5.h5py, "File", lambda *a, **k: opened.append(a))
    assert "HDF5 crashes on it" in refusal(file)
    for path in (file, weights):
        with pytest.raises(BadInput, match="HDF5 crashes on it"):
            ki.GoogLeNet(weights=path, width=0.25)
    assert not opened


def test_weights_of_another_model_are_a_sentence(file):
    with pytest.raises(BadInput, match=r"small\.keras cannot be read into a network: "):
        ki.GoogLeNet(weights=file, width=0.25)


def test_a_child_that_says_too_much_or_nothing_is_ended():
    def answered(code, seconds=20.0):
        command = [sys.executable, "-c", f"import sys, time; {code}"]
        out = io.BytesIO()
        return *children.answer(command, subprocess.DEVNULL, out, seconds, 1000), out.getvalue()

    assert answered("print(1); sys.exit('why')") == (1, "why", b"1\n")
    status, _, said = answered("[sys.stdout.write('x' * 10_000) for _ in range(10**6)]")
    assert status == -9 and len(said) <= 1000
    with pytest.raises(children.Late):
        answered("time.sleep(60)", seconds=0.5)


@pytest.fixture
def damaged_run(tmp_path):
    """A run of an earlier release whose model is cut off in the middle."""
    shutil.copytree(RUN, tmp_path / "run")
    model = tmp_path / "run" / "model.keras"
    content = model.read_bytes()
    model.write_bytes(content[: len(content) // 2])
    return tmp_path / "run"


COMMANDS = (
    "evaluate {}",
    "predict photo.png --weights {}",
    "report {}",
    "export {} --scheme float32",
    "quantize {} --epochs 0",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_whose_model_is_damaged_is_a_sentence(damaged_run, command, capsys):
    assert cli.main(command.format(damaged_run).split()) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "model.keras cannot be loaded: it is not a .keras file" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_trust_is_given_on_the_command_line_and_says_what_it_means(command, monkeypatch, caplog):
    """Without it a file is never Keras' own to open."""
    taken = []

    def load(path, **how):
        taken.append(path)
        raise BadInput("Keras was asked")

    monkeypatch.setattr(keras.saving, "load_model", load)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", load)
    for extra, expected in ("", dict), (" --trust", Path):
        assert cli.main((command.format(RUN) + extra).split()) == 2
        assert isinstance(taken.pop(), expected) and not taken
    assert "model.keras is opened by Keras, which may run what its" in caplog.text


def test_classes_that_weights_do_not_name_are_numbered(tmp_path, capsys):
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.png")
    weights = RUN.parent / "googlenet.npz"
    command = ["predict", str(tmp_path / "photo.png"), "--weights", str(weights), "--top", "2"]
    assert cli.main(command) == 0
    assert len(re.findall(r"^  \d\.\d{4}  class \d$", capsys.readouterr().out, re.M)) == 2
