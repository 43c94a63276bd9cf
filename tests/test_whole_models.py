"""Whole models of Keras 2, `.h5` and SavedModel: opened where all is known, or told a way out."""

import json
import os
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tf_keras

import keras_inception as ki
from keras_inception import cli
from keras_inception.errors import BadInput
from keras_inception.weights import store


def classifier(kt):
    """A frozen model within a model, as transfer learning makes it, and layers of every kind whose
    config changed."""
    x = inputs = kt.Input((16, 16, 3))
    inner = kt.Sequential(name="base")
    inner.add(kt.Input((16, 16, 3)))
    inner.add(kt.layers.Conv2D(4, 3, use_bias=False))
    inner.add(kt.layers.BatchNormalization())
    inner.add(kt.layers.ReLU(6.0))
    inner.add(kt.layers.SeparableConv2D(4, 3))
    inner.trainable = False
    if kt is tf_keras:
        x = tf_keras.applications.mobilenet_v2.preprocess_input(x)
    x = kt.layers.DepthwiseConv2D(3)(inner(x, training=False))
    x = kt.layers.Concatenate()([kt.layers.LeakyReLU()(x), x])
    x = kt.layers.Dropout(0.2)(kt.layers.GlobalAveragePooling2D()(x))
    model = kt.Model(inputs, kt.layers.Dense(2, activation="softmax")(x))
    rng = np.random.default_rng(0)
    for key, variable in store.variables(model).items():
        positive = key.endswith(("variance", "gamma"))
        variable.assign(rng.uniform(0.5, 1.5, variable.shape) - (0 if positive else 1))
    return model


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of files, by name -> what the model in it says of the images."""
    folder = tmp_path_factory.mktemp("older")
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    two, three = classifier(tf_keras), classifier(keras)
    two.save(folder / "two.h5")
    two.save(folder / "two.keras")
    two.save(folder / "two", save_format="tf")
    three.save(folder / "three.h5")
    said = {name: np.array(model(images)) for name, model in (("two", two), ("three", three))}
    return folder, images, said


@pytest.mark.parametrize("name", ["two.h5", "two.keras", "two", "three.h5"])
def test_a_model_of_another_format_says_what_it_said(files, name):
    folder, images, said = files
    model = ki.load_model(folder / name, trust=name == "two")
    np.testing.assert_allclose(model(images), said[name.partition(".")[0]], atol=1e-6)


def test_a_saved_model_needs_trust_and_the_way_out_is_one_command(files, capsys):
    path = files[0] / "two"
    assert cli.main(["predict", "photo.jpg", "--weights", str(path)]) == 2
    said = capsys.readouterr().err
    assert "is a SavedModel" in said and "--trust" in said and "Traceback" not in said
    command = said[said.index('python -c "') + len('python -c "') : said.rindex('"')]
    compile(command, "command", "exec")
    assert f"load_model('{path}', compile=False).save('two.h5')" in command


def test_weights_alone_are_told_from_a_model(files, tmp_path):
    path = tmp_path / "w.h5"
    with h5py.File(files[0] / "two.h5") as whole, h5py.File(path, "w") as file:
        for name in whole["model_weights"]:
            whole.copy(f"model_weights/{name}", file)
        file.attrs.update(whole["model_weights"].attrs)
    with pytest.raises(BadInput, match=r"w\.h5 cannot be loaded: it holds weights and no model"):
        ki.load_model(path)
    with pytest.raises(BadInput, match=r"w\.h5 cannot be read into a network"):
        ki.open_classifier(path)


def rewritten(source, path, change):
    """The `.h5` file with its model's config changed."""
    path.write_bytes(source.read_bytes())
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        change(config["config"]["layers"])
        file.attrs["model_config"] = json.dumps(config)
    return path


def test_what_is_not_on_the_list_is_refused_in_these_files_too(files, tmp_path):
    def as_lambda(layers):
        layers[-1]["class_name"] = "Lambda"

    def elsewhere(layers):
        layers[-1] |= {"class_name": "run", "module": "subprocess"}

    def as_operator(layers):
        layers[1]["config"]["function"] = "io.read_file"

    for change, asked in (
        (as_lambda, r"keras\.layers\.Lambda"),
        (elsewhere, r"subprocess\.run"),
        (as_operator, r"keras\.layers\.TFOpLambda"),
    ):
        path = rewritten(files[0] / "two.h5", tmp_path / f"{change.__name__}.h5", change)
        with pytest.raises(BadInput, match=f"asks for {asked}, which is not among"):
            ki.load_model(path)


def test_more_weights_than_a_file_has_take_no_memory(files, tmp_path):
    def wide(layers):
        layers[-1]["config"]["units"] = 10**9

    path = rewritten(files[0] / "two.h5", tmp_path / "wide.h5", wide)
    with pytest.raises(BadInput, match=r"its layers need .* weights, it holds"):
        ki.load_model(path)


@pytest.mark.parametrize("name", ["x.keras", "x.h5"])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, name):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="last")])
    model.layers[0].bias.assign([np.inf])
    model.save(tmp_path / name)
    with pytest.raises(BadInput, match=r"its weight .*last/bias holds NaN or infinity"):
        ki.load_model(tmp_path / name)


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo.h5")
    for name in ("fifo.h5", "missing.h5"):
        with pytest.raises(BadInput, match="there is no such file"):
            ki.load_model(tmp_path / name)


def test_a_damaged_file_of_a_model_is_a_sentence(files, tmp_path):
    content = (files[0] / "two.h5").read_bytes()
    for name, damaged in {
        "cut.h5": content[: len(content) // 2],
        "config.h5": content.replace(
            b'{"class_name": "Functional"', b'{"class_name": "Functi!nal"'
        ),
        "json.h5": content.replace(b'{"class_name": "Functional"', b'{"class_name"; "Functional"'),
    }.items():
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(BadInput, match=rf"{name} cannot be loaded: ") as refused:
            ki.load_model(tmp_path / name)
        assert "\n" not in str(refused.value)
    with zipfile.ZipFile(files[0] / "two.keras") as whole:
        config = whole.read("config.json")
        with zipfile.ZipFile(tmp_path / "bare.keras", "w") as archive:
            archive.writestr("metadata.json", '{"keras_version": "2.15.0"}')
            archive.writestr("config.json", config)
    with pytest.raises(BadInput, match=r"bare\.keras cannot be loaded: it holds no model\.weights"):
        ki.load_model(tmp_path / "bare.keras")
