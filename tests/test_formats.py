"""Other people's files of weights: read as their writers meant them, and never more than read."""

import random

import keras
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf
from helpers.weight_files import (
    ARRAYS,
    GOLDEN,
    KERNEL,
    LEGACY_SHAPE,
    PACKED,
    assert_same,
    caffe,
    legacy_h5,
    v1_checkpoint,
)

from keras_inception.errors import BadInput
from keras_inception.weights.formats import keras_h5, read

MUTATIONS = 250


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_numpy_archives(tmp_path, save):
    save(tmp_path / "x.npz", **ARRAYS)
    assert_same(read(tmp_path / "x.npz"), ARRAYS)


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", odd=np.array([{}], dtype=object))
    with pytest.raises(BadInput, match="Object arrays cannot be loaded when allow_pickle=False"):
        read(tmp_path / "x.npz")


def test_words_are_no_weights(tmp_path):
    np.savez(tmp_path / "x.npz", labels=np.array(["cat"]))
    with pytest.raises(BadInput, match="'labels' in it is <U3; a weight is numbers"):
        read(tmp_path / "x.npz")


def test_an_archive_that_unfolds_without_end_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(1_000_000))
    with pytest.raises(BadInput, match="unfolds to 8000128 bytes, more than 100 times"):
        read(tmp_path / "x.npz")


def test_safetensors(tmp_path):
    path = tmp_path / "x.safetensors"
    expected = ARRAYS | {"half": np.float16([1, 2]), "flag": np.array([True])}
    safetensors.numpy.save_file(expected, path)
    assert_same(read(path), expected, ordered=False)


def test_safetensors_bfloat16(tmp_path):
    path = tmp_path / "x.safetensors"
    values = np.float32([[1.5, -3], [0.25, 1024]])
    safetensors.numpy.save_file({"a": values.astype(ml_dtypes.bfloat16)}, path)
    assert_same(read(path), {"a": values})


@pytest.mark.parametrize(("version", "name"), [(1, "model.ckpt"), (2, "model.ckpt"), (2, "model")])
def test_checkpoints(tmp_path, version, name):
    expected = v1_checkpoint(tmp_path / name, version)
    assert (tmp_path / name).exists() == (version == 1)
    assert_same(read(tmp_path / name), expected)


def test_object_based_checkpoints(tmp_path):
    values = {"a": tf.Variable(KERNEL), "b": tf.Variable(tf.constant([1.5, -3], tf.bfloat16))}
    prefix = tf.train.Checkpoint(**values).write(str(tmp_path / "x.ckpt"))
    end = ".ATTRIBUTES/VARIABLE_VALUE"
    assert_same(read(prefix), {f"a/{end}": KERNEL, f"b/{end}": np.float32([1.5, -3])})


def written(folder, suffix):
    """A small file of every format, and what is its name in `read`."""
    path = folder / f"x{suffix}"
    if suffix == ".npz":
        np.savez_compressed(path, **ARRAYS)
    elif suffix == ".h5":
        legacy_h5(path, {"conv2d_3": ["conv2d_3/kernel:0", "conv2d_3/bias:0"], "fc": ["fc/b:0"]})
    elif suffix == ".weights.h5":
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save_weights(path)
    elif suffix == ".safetensors":
        safetensors.numpy.save_file(ARRAYS, path)
    elif suffix == ".pth":
        path.write_bytes((GOLDEN / "torch_zip.pth").read_bytes())
    elif suffix == ".pt":
        path.write_bytes((GOLDEN / "torch_legacy.pth").read_bytes())
    elif suffix == ".caffemodel":
        path.write_bytes(caffe(2, [("a", [LEGACY_SHAPE + PACKED]), ("b", [LEGACY_SHAPE + PACKED])]))
    elif suffix == ".ckpt":
        v1_checkpoint(path)
    else:
        v1_checkpoint(folder / "x", 2)
        path = folder / f"x{suffix}"
    return path


# Every file of these starts a process, and one of HDF5's library that hangs takes PATIENCE.
SLOW, PATIENCE = {".h5", ".weights.h5"}, 3


#: Suffixes that a file of the first may have as well.
SAME = {(".weights.h5", ".h5"), (".pt", ".pth"), (".pth", ".ckpt"), (".pt", ".ckpt")}


V2 = [".index", ".data-00000-of-00001"]


SUFFIXES = [".npz", ".h5", ".weights.h5", ".safetensors", ".pth", ".pt", ".caffemodel", ".ckpt"]


def mutated(content, rng):
    content = bytearray(content)
    kind = rng.choice(["cut", "flip", "flips", "pad", "zero", "splice"])
    at = rng.randrange(len(content))
    if kind == "cut":
        del content[at:]
    elif kind in ("flip", "flips"):
        for _ in range(1 if kind == "flip" else 20):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == "pad":
        content += rng.randbytes(rng.randrange(1, 99))
    elif kind == "zero":
        content[at : at + 16] = bytes(len(content[at : at + 16]))
    else:
        content[at:at] = content[rng.randrange(len(content)) :][:64]
    return bytes(content)


@pytest.mark.parametrize("suffix", SUFFIXES + V2)
def test_damage_ends_in_bad_input_or_in_arrays(tmp_path, suffix, monkeypatch):
    damage_ends_in_bad_input_or_in_arrays(
        tmp_path, suffix, 4 if suffix in SLOW else MUTATIONS, monkeypatch
    )


@pytest.mark.slow
@pytest.mark.parametrize("suffix", sorted(SLOW))
def test_more_damage_to_what_is_slow_to_damage(tmp_path, suffix, monkeypatch):
    damage_ends_in_bad_input_or_in_arrays(tmp_path, suffix, MUTATIONS, monkeypatch)


def damage_ends_in_bad_input_or_in_arrays(tmp_path, suffix, mutations, monkeypatch):
    rng = random.Random(suffix)
    path = written(tmp_path, suffix)
    subject = tmp_path / "x" if suffix in V2 else path
    content = path.read_bytes()
    assert read(subject)
    monkeypatch.setattr(keras_h5, "START", PATIENCE)
    refused = 0
    for _ in range(mutations):
        path.write_bytes(mutated(content, rng))
        try:
            found = read(subject)
        except BadInput as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            assert all(isinstance(array, np.ndarray) for array in found.values())
    # A few mutations may all have fallen where nothing is read.
    assert mutations < MUTATIONS or refused > mutations / 10


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_wrong_suffix_is_told(tmp_path, suffix):
    content = written(tmp_path, suffix).read_bytes()
    for other in {".npz", ".h5", ".safetensors", ".pth", ".caffemodel", ".ckpt"} - {suffix}:
        if (suffix, other) in {
            (".weights.h5", ".h5"),
            (".pt", ".pth"),
            (".pth", ".ckpt"),
            (".pt", ".ckpt"),
        }:
            continue
        path = tmp_path / f"other{other}"
        path.write_bytes(content)
        with pytest.raises(BadInput, match=r"does not begin as|cannot be read as"):
            read(path)


def test_what_it_is_instead_is_told(tmp_path):
    (tmp_path / "x.h5").write_bytes((GOLDEN / "torch_zip.pth").read_bytes())
    with pytest.raises(BadInput, match=r"NumPy archive or a \.keras file or a PyTorch file does"):
        read(tmp_path / "x.h5")


@pytest.mark.parametrize("name", ["x.onnx", "x", "x.tflite"])
def test_other_formats_are_refused_and_ours_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"hello")
    with pytest.raises(BadInput, match=r"give \.npz, \.h5.* prefix of a TensorFlow checkpoint"):
        read(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="there is no file"):
        read(tmp_path / "x.npz")
    with pytest.raises(BadInput, match="there is no file"):
        read(tmp_path)
