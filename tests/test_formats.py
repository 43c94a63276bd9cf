"""Other people's files of weights: read as their writers meant them, and never more than read."""

import pickle
import random
import struct
import subprocess
import zipfile
from pathlib import Path

import h5py
import keras
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf
import tf_keras

from keras_inception.errors import BadInput
from keras_inception.weights import store
from keras_inception.weights.formats import keras_h5, read

GOLDEN = Path(__file__).parent / "golden"
MUTATIONS = 250


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


def assert_same(found, expected, ordered=True):
    assert (list if ordered else sorted)(found) == (list if ordered else sorted)(expected)
    for name, array in expected.items():
        assert found[name].dtype == np.asarray(array).dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


# NumPy

ARRAYS = {"b/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array(7)}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_numpy_archives(tmp_path, save):
    save(tmp_path / "x.npz", **ARRAYS)
    assert_same(read(tmp_path / "x.npz"), ARRAYS)


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", odd=np.array([{}], dtype=object))
    with pytest.raises(BadInput, match="its member odd is no plain array"):
        read(tmp_path / "x.npz")


def test_words_are_no_weights(tmp_path):
    np.savez(tmp_path / "x.npz", labels=np.array(["cat"]))
    with pytest.raises(BadInput, match="'labels' in it is <U3; a weight is numbers"):
        read(tmp_path / "x.npz")


def test_an_archive_that_unfolds_without_end_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(1_000_000))
    with pytest.raises(BadInput, match="unfolds to 8000128 bytes, more than 100 times"):
        read(tmp_path / "x.npz")


# Keras


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


def test_keras_3_nested_models_are_left_to_keras(tmp_path):
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    keras.Sequential([keras.Input((2,)), inner]).save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(BadInput, match=r"nested.*Keras' own load_weights"):
        read(tmp_path / "x.weights.h5")


def legacy_h5(path, weights):
    """`layer -> names of its weights`, as Keras wrote them over the years; returns the arrays."""
    arrays = []
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in weights]
        for layer, names in weights.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name in names:
                arrays.append(np.float32([len(arrays)]))
                group[name] = arrays[-1]
    return arrays


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
        with pytest.raises(BadInput, match="its weight a/k lies in another file"):
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
    monkeypatch.setattr(keras_h5, "START", PATIENCE)
    with pytest.raises(BadInput, match="cannot be read as a Keras HDF5 file"):
        read(path)


def test_a_crash_of_hdf5_is_survived(tmp_path, monkeypatch):
    legacy_h5(tmp_path / "x.h5", {"a": ["k"]})
    crash = subprocess.CompletedProcess([], -11, "", "")
    monkeypatch.setattr(keras_h5.subprocess, "run", lambda *a, **k: crash)
    with pytest.raises(BadInput, match="HDF5 crashes on it"):
        read(tmp_path / "x.h5")


def test_other_h5_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(BadInput, match="no layers are named in it"):
        read(tmp_path / "x.h5")


# PyTorch

STATE = {
    "transposed": np.float32([[0, 3], [1, 4], [2, 5]]),
    "first": np.float32([0, 1, 2, 3]),
    "rest": np.float32([[4, 5, 6, 7], [8, 9, 10, 11]]),
    "half": np.float16([0.5, -2]),
    "brain": np.float32([[1.5, -3]]),
    "double": np.float64([0.1]),
    "empty": np.zeros((0, 3), np.float32),
    "steps": np.int64(7),
}


@pytest.mark.parametrize("name", ["torch_zip.pth", "torch_legacy.pth"])
def test_torch_state_dicts(name):
    assert_same(read(GOLDEN / name), STATE)


def test_the_state_dict_of_a_training_checkpoint():
    assert_same(read(GOLDEN / "torch_training.pt"), {"weight": np.float32([[0, 1], [2, 3]])})


def torch_zip(path, content, byteorder=b"little", compression=zipfile.ZIP_STORED, numbers=b""):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x/data.pkl", content)
        archive.writestr("x/byteorder", byteorder)
        archive.writestr("x/data/0", numbers)
    return path


def torch_legacy(path, content):
    head = (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True})
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in head) + content)
    return path


class Evil:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("container", [torch_zip, torch_legacy])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_executes_nothing(tmp_path, monkeypatch, container, protocol):
    import os

    monkeypatch.chdir(tmp_path)
    evil = pickle.dumps({"weight": Evil(os.system, "touch sentinel")}, protocol)
    pickle.loads(evil)
    assert Path("sentinel").exists()
    Path("sentinel").unlink()
    refusal = "instruction" if protocol == 0 else rf"asks for {os.name}\.system"
    with pytest.raises(BadInput, match=refusal):
        read(container(tmp_path / "x.pth", evil))
    assert not Path("sentinel").exists()


@pytest.mark.parametrize(
    "name", ["builtins eval", "torch.nn.Linear", "torch.hub load", "os system"]
)
def test_globals_are_words(tmp_path, name):
    module, _, function = name.partition(" ")
    content = b"\x80\x02c" + f"{module}\n{function}\n".encode() + b"(tR."
    with pytest.raises(BadInput, match=f"asks for {module}"):
        read(torch_zip(tmp_path / "x.pth", content))


def tensor(numel=4, offset=0, size=b"K\x04", stride=b"K\x01", key=b"0"):
    """A pickled state dict of one float32 tensor, `a`, of one dimension."""
    return (
        b"\x80\x02}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n"
        b"((X\x07\0\0\0storagectorch\nFloatStorage\n"
        + (b"X" + struct.pack("<i", len(key)) + key)
        + (b"X\x03\0\0\0cpuK%ctQK%c%s\x85%s\x85\x89}tRs." % (numel, offset, size, stride))
    )


def test_the_hand_made_tensor_is_one(tmp_path):
    numbers = np.float32([1, 2, 3, 4])
    path = torch_zip(tmp_path / "x.pth", tensor(), numbers=numbers.tobytes())
    assert_same(read(path), {"a": numbers})


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"numel": 5}, "beyond its storage"),
        ({"offset": 1}, "beyond its storage"),
        ({"size": b"K\x05"}, "beyond its storage"),
        ({"stride": b"K\x02"}, "beyond its storage"),
        ({"stride": b"\x8a\x08\0\0\0\0\0\0\0\x40"}, "beyond its storage"),
        ({"stride": b"J\xff\xff\xff\xff"}, "calls what state dicts do not"),
        ({"size": b"J\xff\xff\xff\xff"}, "calls what state dicts do not"),
        ({"size": b"J\xff\xff\xff\x7f", "stride": b"K\0"}, "unfolds to 8589934588 bytes"),
        ({"key": b"../1"}, "KeyError"),
    ],
)
def test_tensors_lie_within_their_storage(tmp_path, changes, refusal):
    with pytest.raises(BadInput, match=refusal):
        read(torch_zip(tmp_path / "x.pth", tensor(**changes), numbers=bytes(16)))


def test_torch_containers_of_another_make_are_refused(tmp_path):
    path = tmp_path / "x.pth"
    with pytest.raises(BadInput, match="big-endian"):
        read(torch_zip(path, tensor(), byteorder=b"big", numbers=bytes(16)))
    with pytest.raises(BadInput, match="compressed"):
        read(torch_zip(path, tensor(), compression=zipfile.ZIP_DEFLATED, numbers=bytes(10**6)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("classes.dex", b"")
    with pytest.raises(BadInput, match=r"no data\.pkl"):
        read(path)
    with pytest.raises(BadInput, match="holds no state dict"):
        read(torch_zip(path, pickle.dumps([1, 2], 2)))
    with pytest.raises(BadInput, match="entry 'epoch' is no tensor"):
        read(torch_zip(path, pickle.dumps({"epoch": 1}, 2)))
    path.write_bytes(pickle.dumps({"a": 1}, 2) * 3)
    with pytest.raises(BadInput, match=r"not of torch\.save's"):
        read(path)


def test_a_tuple_of_tuples_is_not_hashed(tmp_path):
    """Its hash would take 2 ** 60 steps."""
    nested = b"K\x01" + b"q\x00h\x00\x86" * 60
    with pytest.raises(BadInput, match="entries without a name"):
        read(torch_zip(tmp_path / "x.pth", b"\x80\x02}" + nested + b"K\x01s."))


# safetensors


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


# Caffe


def varint(value):
    head, rest = value & 0x7F, value >> 7
    return bytes([head | 0x80]) + varint(rest) if rest else bytes([head])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def floats(array):
    return np.asarray(array, "<f4").tobytes()


def caffe(dialect, layers):
    """`(name, blobs)` as a NetParameter of the newer dialect (100) or the older one (2)."""
    name, blobs = {100: (1, 7), 2: (4, 6)}[dialect]
    return field(1, b"net") + b"".join(
        field(dialect, field(name, n.encode()) + b"".join(field(blobs, b) for b in bs))
        for n, bs in layers
    )


KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)
PACKED_SHAPE = field(7, field(1, varint(2) + varint(3)))
UNPACKED_SHAPE = field(7, field(1, 2) + field(1, 3))
LEGACY_SHAPE = field(1, 1) + field(2, 1) + field(3, 2) + field(4, 3)
PACKED = field(5, floats(KERNEL))
UNPACKED = b"".join(varint(5 << 3 | 5) + floats(x) for x in KERNEL.flat)


@pytest.mark.parametrize("dialect", [100, 2])
@pytest.mark.parametrize("shape", [PACKED_SHAPE, UNPACKED_SHAPE, LEGACY_SHAPE])
@pytest.mark.parametrize("numbers", [PACKED, UNPACKED], ids=["packed", "unpacked"])
def test_caffe_models(tmp_path, dialect, shape, numbers):
    path = tmp_path / "x.caffemodel"
    bias = field(7, field(1, 2)) + field(5, floats([8, 9]))
    path.write_bytes(caffe(dialect, [("data", []), ("conv1/7x7_s2", [shape + numbers, bias])]))
    kernel = KERNEL[None, None] if shape == LEGACY_SHAPE else KERNEL
    expected = {"conv1/7x7_s2/0": kernel, "conv1/7x7_s2/1": np.float32([8, 9])}
    assert_same(read(path), expected)


def test_caffe_doubles_and_what_is_no_weight(tmp_path):
    path = tmp_path / "x.caffemodel"
    blob = PACKED_SHAPE + field(8, KERNEL.astype("<f8").tobytes()) + field(6, floats([1, 2]))
    path.write_bytes(caffe(100, [("a", [blob])]) + varint(9 << 3 | 1) + bytes(8))
    assert_same(read(path), {"a/0": KERNEL.astype(np.float64)})


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (caffe(100, [("a", [PACKED_SHAPE + PACKED])])[:-1], "bytes after the file"),
        (caffe(100, [("a", [PACKED_SHAPE + field(5, floats([1]))])]), r"\(2, 3\) has 1 numbers"),
        (caffe(100, [("a", [PACKED_SHAPE + PACKED])] * 2), "two of its layers"),
        (caffe(100, [("a", [])]), "no layer of it has weights"),
        (field(1, b"net") + field(100, 3), "a number where"),
        (field(1, b"net") + b"\x0b", "wire type 3"),
        (field(1, b"net") + b"\xff" * 11, "more than 64 bits"),
        (field(1, b"net") + b"\xff", "middle of a number"),
    ],
)
def test_damaged_caffe_models_are_refused(tmp_path, content, refusal):
    path = tmp_path / "x.caffemodel"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=refusal):
        read(path)


# TensorFlow


def v1_checkpoint(prefix, version=tf.compat.v1.train.SaverDef.V1):
    """Two variables in the format of `version`; returns them as they are to be read."""
    values = {"InceptionV1/Logits/weights": KERNEL, "InceptionV1/Logits/biases": np.float32([8, 9])}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        v1 = tf.compat.v1
        for name, value in values.items():
            v1.get_variable(name, initializer=value, use_resource=False)
        session.run(v1.global_variables_initializer())
        v1.train.Saver(write_version=version).save(session, str(prefix), write_meta_graph=False)
    return dict(sorted(values.items()))


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


# Every format


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
        tmp_path, suffix, 20 if suffix in SLOW else MUTATIONS, monkeypatch
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
    assert refused > mutations / 10


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_wrong_suffix_is_told(tmp_path, suffix):
    content = written(tmp_path, suffix).read_bytes()
    for other in {".npz", ".h5", ".safetensors", ".pth", ".caffemodel", ".ckpt"} - {suffix}:
        if (suffix, other) in {(".weights.h5", ".h5"), (".pt", ".pth")}:
            continue
        path = tmp_path / f"other{other}"
        path.write_bytes(content)
        with pytest.raises(BadInput, match=r"does not begin as|cannot be read as"):
            read(path)


def test_what_it_is_instead_is_told(tmp_path):
    (tmp_path / "x.h5").write_bytes((GOLDEN / "torch_zip.pth").read_bytes())
    with pytest.raises(BadInput, match="begins as a NumPy archive or a PyTorch file does"):
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
