"""Keras' HDF5 files: two layouts, many ways of naming, and a library that crashes."""

import h5py
import keras
import numpy as np
import pytest
import tf_keras
from helpers.weight_files import assert_same, legacy_h5

from keras_inception.errors import BadInput
from keras_inception.weights import store
from keras_inception.weights.formats import keras_h5, read
from keras_inception.weights.formats.keras_h5_layouts import Nameless


def model(kt):
    """A model whose layers Keras numbers from wherever its session stands, one of them named."""
    x = inputs = kt.Input((8, 8, 3))
    for _ in range(11):
        x = kt.layers.Conv2D(2, 1, kernel_initializer="random_normal")(x)
    x = kt.layers.BatchNormalization()(x)
    x = kt.layers.Flatten()(x)
    return kt.Model(inputs, kt.layers.Dense(2, name="top")(x))


def by_order(net):
    """The weights of `model` under the names they have here: the layers in order of creation."""
    weights, names, convs = store.read(net), {}, iter(range(11))
    for layer in net.layers:
        if layer.name.startswith("conv2d"):
            names[layer.name] = f"conv2d:{next(convs)}"
        elif layer.name.startswith("batch_normalization"):
            names[layer.name] = "batch_normalization:0"
    keys = (key.split("/") for key in weights)
    named = [f"{names.get(layer, layer)}/{variable}" for layer, variable in keys]
    return dict(zip(named, weights.values(), strict=True))


@pytest.mark.parametrize(("kt", "whole"), [(keras, True), (tf_keras, True), (tf_keras, False)])
def test_keras_legacy_files(tmp_path, kt, whole):
    """Which Keras 3 writes for whole models only."""
    path = tmp_path / "x.h5"
    net = model(kt)
    (net.save if whole else net.save_weights)(path)
    assert_same(read(path), by_order(net))


def test_keras_3_weights(tmp_path):
    net = model(keras)
    net.save_weights(tmp_path / "x.weights.h5")
    found, expected = read(tmp_path / "x.weights.h5"), by_order(net)
    assert found.keys() >= {"conv2d:10/0", "batch_normalization:0/3", "top/1"}
    assert len(found) == len(expected)
    for i in range(11):
        np.testing.assert_array_equal(found[f"conv2d:{i}/0"], expected[f"conv2d:{i}/kernel"])


def test_keras_3_bfloat16(tmp_path):
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="d", dtype="bfloat16")])
    net.save_weights(tmp_path / "x.weights.h5")
    expected = np.asarray(net.layers[0].kernel.numpy()).astype(np.float32)
    assert_same({"d/0": read(tmp_path / "x.weights.h5")["d/0"]}, {"d/0": expected})


@pytest.mark.parametrize("name", ["x.weights.h5", "x.keras"])
def test_layers_of_a_model_within_the_model_are_called_after_both(tmp_path, name):
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="d")], name="in")
    outer = keras.Sequential([keras.Input((2,)), inner, keras.layers.Dense(1, name="d")])
    (outer.save_weights if "weights" in name else outer.save)(tmp_path / name)
    assert sorted(read(tmp_path / name)) == ["d/0", "d/1", "in/d/0", "in/d/1"]


def test_weights_that_do_not_name_their_layers_are_left_to_keras(tmp_path):
    """Keras 2 leaves the names out; our builders fill their networks from such a file by Keras."""
    net = tf_keras.Sequential([tf_keras.Input((2,)), tf_keras.layers.Dense(3)])
    net.save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(Nameless, match=r"does not say its name.*Keras' own load_weights"):
        read(tmp_path / "x.weights.h5")


@pytest.mark.parametrize(
    ("layer", "written", "key"),
    [
        ("conv1", "conv1/kernel:0", "conv1/kernel"),
        ("conv1", "conv1/conv1/kernel:0", "conv1/kernel"),
        ("conv1", "conv1_2/kernel:0", "conv1/kernel"),
        ("mixed0", "mixed0/branch/kernel:0", "mixed0/branch/kernel"),
        ("fc", "fc_W_1:0", "fc/fc_W_1"),
        ("conv2d", "conv2d/bias:0", "conv2d:0/bias"),
        ("conv2d_94", "conv2d_94/kernel", "conv2d:0/kernel"),
        ("conv2d_1_bn", "conv2d_1_bn/beta:0", "conv2d_1_bn/beta"),
    ],
)
def test_weight_names_over_the_years(tmp_path, layer, written, key):
    arrays = legacy_h5(tmp_path / "x.h5", {layer: [written]})
    assert_same(read(tmp_path / "x.h5"), {key: arrays[0]})


def test_numbers_of_layers_are_an_order_and_not_a_place(tmp_path):
    layers = ["conv2d_10", "conv2d_9", "conv2d", "batch_normalization_3"]
    arrays = legacy_h5(tmp_path / "x.h5", {layer: [f"{layer}/w:0"] for layer in layers})
    expected = ["conv2d:2/w", "conv2d:1/w", "conv2d:0/w", "batch_normalization:0/w"]
    assert_same(read(tmp_path / "x.h5"), dict(zip(expected, arrays, strict=True)))


def test_long_lists_of_names_come_in_parts(tmp_path):
    arrays = legacy_h5(tmp_path / "x.h5", {"b": ["b/k:0"], "a": ["a/k:0"]})
    with h5py.File(tmp_path / "x.h5", "a") as file:
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"b"], [b"a"]
    assert_same(read(tmp_path / "x.h5"), {"b/k": arrays[0], "a/k": arrays[1]})


def test_h5_files_do_not_reach_into_others(tmp_path):
    legacy_h5(tmp_path / "other.h5", {"a": ["k"]})
    (tmp_path / "secret").write_bytes(b"secrets!")
    makers = {
        "link": lambda group: group.__setitem__("k", h5py.ExternalLink("other.h5", "/a/k")),
        "raw": lambda group: group.create_dataset(
            "k", (2,), "<f4", external=[(str(tmp_path / "secret"), 0, 8)]
        ),
    }
    for name, make in makers.items():
        legacy_h5(tmp_path / f"{name}.h5", {"a": ["k"]})
        with h5py.File(tmp_path / f"{name}.h5", "a") as file:
            del file["a/k"]
            make(file["a"])
        with pytest.raises(BadInput, match=r"its weight a/k .*lies in another file"):
            read(tmp_path / f"{name}.h5")


def test_an_h5_file_of_unwritten_zeros_is_refused(tmp_path):
    legacy_h5(tmp_path / "x.h5", {"a": ["k"]})
    with h5py.File(tmp_path / "x.h5", "a") as file:
        del file["a/k"]
        file["a"].create_dataset("k", (10**12,), "<f4")
    with pytest.raises(BadInput, match="unfolds to 4000000000000 bytes"):
        read(tmp_path / "x.h5")


def test_a_heap_that_hdf5_never_leaves_is_left(tmp_path, monkeypatch):
    """An object of no size in the heap of names: HDF5 1.14 stays at it for ever."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["a"]
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL") + 16
    content[heap : heap + 16] = bytes(16)
    path.write_bytes(content)
    monkeypatch.setattr(keras_h5, "START", 3)
    with pytest.raises(BadInput, match="cannot be read as a Keras HDF5 file"):
        read(path)


def test_a_crash_of_hdf5_is_survived(tmp_path, monkeypatch):
    legacy_h5(tmp_path / "x.h5", {"a": ["k"]})
    monkeypatch.setattr(keras_h5.children, "answer", lambda *a, **k: (-11, ""))
    with pytest.raises(BadInput, match="HDF5 crashes on it"):
        read(tmp_path / "x.h5")


def test_other_h5_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(BadInput, match="no layers are named in it"):
        read(tmp_path / "x.h5")
