"""Small weight files for the tests, and what is to be read from them."""

from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf

GOLDEN = Path(__file__).parents[1] / "golden"


def assert_same(found, expected, ordered=True):
    assert (list if ordered else sorted)(found) == (list if ordered else sorted)(expected)
    for name, array in expected.items():
        assert found[name].dtype == np.asarray(array).dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


ARRAYS = {"b/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array(7)}


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
