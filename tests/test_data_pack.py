"""`data pack` loses nothing, and others read what it wrote."""

import json

import numpy as np
import pytest
from helpers.photos import two_classes

from keras_inception import cli
from keras_inception.errors import BadInput
from keras_inception.training import data
from keras_inception.training.data import packing, tfrecord
from keras_inception.training.data.examples import PARTS
from keras_inception.training.data.report import check


@pytest.fixture
def folder(tmp_path):
    return two_classes(tmp_path / "set")


def same(a, b):
    np.testing.assert_array_equal(a.labels, b.labels)
    assert (a.classes, a.channels, list(a.digests)) == (b.classes, b.channels, list(b.digests))
    for i in range(len(a)):
        np.testing.assert_array_equal(a.image(i), b.image(i))


def test_a_packed_set_is_the_set(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(packing, "PER_SHARD", 3)
    target = tmp_path / "packed"
    assert cli.main(["data", "pack", f"folder:{folder}", str(target), "--seed", "4"]) == 0
    assert "4 train, 2 validation, 2 test images" in capsys.readouterr().out
    assert {path.name for path in target.iterdir()} == {
        "pack.json",
        "train.index.npz",
        "validation.index.npz",
        "test.index.npz",
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "validation-00000-of-00001.tfrecord",
        "test-00000-of-00001.tfrecord",
    }
    before, after = (
        data.DataRef(f"folder:{folder}", seed=4).split(),
        data.DataRef(f"tfrecord:{target}").split(),
    )
    for part in PARTS:
        a, b = getattr(before, part), getattr(after, part)
        same(a, b)
        assert [a.encoded(i) for i in range(len(a))] == [b.encoded(i) for i in range(len(b))]
    assert not check(data.DataRef(f"tfrecord:{target}")).wrong
    with pytest.raises(BadInput, match="already holds a packed set"):
        packing.pack(data.DataRef(f"folder:{folder}", seed=4), target)


def test_arrays_are_packed_without_loss(tmp_path):
    packing.pack(data.DataRef("digits"), tmp_path)
    before, after = data.DataRef("digits").split(), data.DataRef(f"tfrecord:{tmp_path}").split()
    np.testing.assert_array_equal(before.train.labels, after.train.labels)
    assert after.train.channels == 1
    for i in (0, 99):
        np.testing.assert_array_equal(before.test.image(i), after.test.image(i))


def test_tensorflow_reads_what_was_packed(folder, tmp_path):
    import tensorflow as tf

    packing.pack(data.DataRef(f"folder:{folder}"), tmp_path / "packed")
    (shard,) = (tmp_path / "packed").glob("train-*.tfrecord")
    train = data.DataRef(f"folder:{folder}").split().train
    records = list(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator())
    assert len(records) == len(train)
    for i, record in enumerate(records):
        feature = tf.train.Example.FromString(record).features.feature
        assert feature["image/encoded"].bytes_list.value[0] == train.encoded(i)
        assert feature["image/class/label"].int64_list.value[0] == train.labels[i]
        assert feature["image/class/text"].bytes_list.value[0] in (b"cats", b"dogs")
        assert feature["image/format"].bytes_list.value[0] in (b"jpeg", b"png")


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 999, 2**40])
def test_messages_are_tensorflows(value):
    import tensorflow as tf

    features = {"b": b"bytes" * value if value < 1000 else b"", "a": value}
    ours = tfrecord.example(features)
    theirs = tf.train.Example()
    theirs.features.feature["a"].int64_list.value.append(value)
    theirs.features.feature["b"].bytes_list.value.append(features["b"])
    assert tf.train.Example.FromString(ours) == theirs
    assert tfrecord.features_of(theirs.SerializeToString()) == features


def test_packing_goes_on_where_it_was_interrupted(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "PER_SHARD", 2)
    source, target, record = f"folder:{folder}", tmp_path / "packed", packing._record
    calls = []

    def interrupted(examples, i):
        calls.append(i)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return record(examples, i)

    monkeypatch.setattr(packing, "_record", interrupted)
    assert cli.main(["data", "pack", source, str(target)]) == 130
    assert {path.name for path in target.iterdir()} == {
        "unfinished.json",
        "train-00000-of-00002.tfrecord",
    }
    with pytest.raises(BadInput, match="holds no packed set"):
        data.DataRef(f"tfrecord:{target}").split()
    with pytest.raises(BadInput, match="something else than the beginning of this packing"):
        packing.pack(data.DataRef(source, seed=1), target)
    first = (target / "train-00000-of-00002.tfrecord").stat()
    packing.pack(data.DataRef(source), target)
    assert (target / "train-00000-of-00002.tfrecord").stat().st_mtime_ns == first.st_mtime_ns
    same(data.DataRef(source).split().train, data.DataRef(f"tfrecord:{target}").split().train)
    assert not (target / "unfinished.json").exists()


def test_damage_to_a_packed_set_is_found(folder, tmp_path):
    packing.pack(data.DataRef(f"folder:{folder}"), tmp_path / "packed")
    (shard,) = (tmp_path / "packed").glob("train-*.tfrecord")
    content = bytearray(shard.read_bytes())
    content[len(content) // 2 + 50] ^= 1
    shard.write_bytes(content)
    report = check(data.DataRef(f"tfrecord:{tmp_path / 'packed'}"))
    assert sum(map(len, report.wrong.values())) == 1
    shard.write_bytes(content[:-1])
    with pytest.raises(BadInput, match="missing or not whole"):
        data.DataRef(f"tfrecord:{tmp_path / 'packed'}").split()
    (tmp_path / "packed" / "pack.json").write_text("{")
    with pytest.raises(BadInput, match="is damaged"):
        data.DataRef(f"tfrecord:{tmp_path / 'packed'}").split()


def test_the_record_says_where_a_packed_set_came_from(folder, tmp_path):
    packing.pack(data.DataRef(f"folder:{folder}", 0.25), tmp_path / "p")
    record = json.loads((tmp_path / "p" / "pack.json").read_text())
    assert record["source"] == f"folder:{folder}" and record["images"] == {
        "train": 4,
        "validation": 2,
        "test": 2,
    }
    assert record["fingerprint"] == data.DataRef(f"folder:{folder}").split().train.fingerprint
