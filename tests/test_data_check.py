"""`data check` finds what is wrong with a set before a training; `data pack` loses nothing."""

import json
import os

import numpy as np
import pytest
from PIL import Image
from test_data import encoded, photo

from keras_inception import cli
from keras_inception.errors import BadInput
from keras_inception.training import data, pack, tfrecord
from keras_inception.training.check import check
from keras_inception.training.images import MAX_PIXELS


@pytest.fixture
def folder(tmp_path):
    """Two classes of four sound photographs each."""
    for number, name in enumerate(["cats", "dogs"]):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(4):
            kind, suffix = ("PNG", "png") if i % 2 else ("JPEG", "jpg")
            content = encoded(photo(10 * number + i), kind)
            (tmp_path / "set" / name / f"{i}.{suffix}").write_bytes(content)
    return tmp_path / "set"


def found(kinds, name):
    """The kinds under which a file is listed."""
    return {kind for kind, cases in kinds.items() if any(name in case for case in cases)}


def test_a_sound_set_is_clean(folder, capsys):
    assert cli.main(["data", "check", f"folder:{folder}"]) == 0
    printed = capsys.readouterr().out
    assert "8 images" in printed and "nothing must be put right" in printed


def test_files_that_cannot_be_used_must_be_put_right(folder, capsys):
    side = int(MAX_PIXELS**0.5) + 1
    whole = encoded(photo(size=(90, 90)))
    cats = folder / "cats"
    (cats / "short.png").write_bytes(whole[: len(whole) // 2])
    (cats / "short.jpg").write_bytes(encoded(photo(size=(90, 90)), "JPEG")[:-900])
    (cats / "middle.png").write_bytes(whole[:9000] + bytes([whole[9000] ^ 1]) + whole[9001:])
    (cats / "nothing.jpg").write_bytes(b"")
    (cats / "letter.jpg").write_bytes(b"Dear cat")
    (cats / "bomb.png").write_bytes(encoded(Image.new("1", (side, side))))
    (cats / "superbomb.png").write_bytes(encoded(Image.new("1", (3 * side, side))))
    (folder / "birds").mkdir()
    report = check(f"folder:{folder}", 0.2, 0)
    for name in ("short.png", "short.jpg", "middle.png"):
        assert found(report.wrong, name) == {"truncated or damaged"}
    assert found(report.wrong, "nothing.jpg") == {"zero bytes"}
    assert found(report.wrong, "letter.jpg") == {"not an image"}
    assert found(report.wrong, "bomb.png") == {"huge"} == found(report.wrong, "superbomb.png")
    assert report.wrong["classes with too few readable images"] == ["birds: 0"]
    assert cli.main(["data", "check", f"folder:{folder}"]) == 2
    printed = capsys.readouterr().out
    assert (
        "to be put right: truncated or damaged: 3" in printed and str(cats / "short.jpg") in printed
    )


def test_what_is_converted_is_a_notice(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [photo(k, (8, 8)) for k in (1, 2)]
    files = {
        "png.jpg": (encoded(photo(30)), "PNG with another extension"),
        "two.png": (
            encoded(frames[0], save_all=True, append_images=frames[1:]),
            "animated: the first picture counts",
        ),
        "bit.png": (encoded(Image.new("1", (9, 9))), "1-bit"),
        "deep.png": (
            encoded(Image.fromarray(np.arange(99, dtype=np.uint16).reshape(9, 11))),
            "16-bit: the high byte counts",
        ),
        "ink.jpg": (encoded(photo(31).convert("CMYK"), "JPEG"), "CMYK"),
        "glass.png": (encoded(photo(32).convert("RGBA")), "transparent: falls on white"),
        "lying.jpg": (encoded(photo(33), "JPEG", exif=exif), "turned by EXIF"),
        "grey.png": (encoded(photo(34, mode="L")), "grey"),
        "кот.png": (encoded(photo(35)), "names in other scripts"),
    }
    for name, (content, _) in files.items():
        (folder / "cats" / name).write_bytes(content)
    (folder / "cats" / "again").symlink_to(folder / "cats")
    report = check(f"folder:{folder}", 0.2, 0)
    assert not report.wrong
    for name, (_, kind) in files.items():
        assert found(report.notices, f"cats/{name}") - {"duplicates"} == {kind}
    assert found(report.notices, "symlink loop") == {"the listing"}
    assert any("skewed" in kind for kind in report.notices)


def test_names_that_are_no_text_can_be_printed(folder, capsys):
    (folder / "cats" / os.fsdecode(b"\xff.png")).write_bytes(b"")
    assert cli.main(["data", "check", f"folder:{folder}"]) == 2
    assert "\\udcff.png" in capsys.readouterr().out
    assert len(data.load(f"folder:{folder}").train) == 6


def test_duplicates_are_told_by_where_they_are(folder, tmp_path):
    rows = ["path,label,split"]
    for k, (label, part) in enumerate([("cats", "train"), ("dogs", "train"), ("cats", "val")]):
        for i in range(4):
            name = f"{k}{i}.png"
            (tmp_path / name).write_bytes(encoded(photo(50 + 10 * k + i)))
            rows.append(f"{name},{label},{part}")
    for name, of in (("inside.png", "00.png"), ("across.png", "21.png"), ("torn.png", "13.png")):
        (tmp_path / name).write_bytes((tmp_path / of).read_bytes())
        rows.append(f"{name},cats,train")
    (tmp_path / "set.csv").write_text("\n".join(rows))
    report = check(f"csv:{tmp_path / 'set.csv'}", 0.2, 0)
    assert found(report.notices, "inside.png") == {"duplicates"}
    assert found(report.notices, "across.png") == {
        "to train on and to evaluate on: left out of training"
    }
    assert found(report.wrong, "torn.png") == {"the same image in several classes"}
    (tmp_path / "set.csv").write_text("path,label\n00.png,0\n01.png,1\n02.png,44\n03.png,-1\n")
    report = check(f"csv:{tmp_path / 'set.csv'}", 0.2, 0)
    assert [case.split(":")[0].split()[1] for case in report.wrong["the listing"]] == ["4", "5"]


def test_arrays_are_checked_too(capsys):
    assert cli.main(["data", "check", "digits"]) == 0
    assert "train: 10 classes of 139 (8) to 146 (1) images" in capsys.readouterr().out


def same(a, b):
    np.testing.assert_array_equal(a.labels, b.labels)
    assert (a.classes, a.channels, list(a.digests)) == (b.classes, b.channels, list(b.digests))
    for i in range(len(a)):
        np.testing.assert_array_equal(a.image(i), b.image(i))


def test_a_packed_set_is_the_set(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pack, "PER_SHARD", 3)
    target = tmp_path / "packed"
    assert cli.main(["data", "pack", f"folder:{folder}", str(target), "--seed", "4"]) == 0
    assert "6 images to train on, 2 to evaluate on" in capsys.readouterr().out
    assert {path.name for path in target.iterdir()} == {
        "pack.json",
        "train.index.npz",
        "validation.index.npz",
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "validation-00000-of-00001.tfrecord",
    }
    before, after = data.load(f"folder:{folder}", seed=4), data.load(f"tfrecord:{target}")
    for a, b in ((before.train, after.train), (before.test, after.test)):
        same(a, b)
        assert [a.encoded(i) for i in range(len(a))] == [b.encoded(i) for i in range(len(b))]
    assert not check(f"tfrecord:{target}", 0.2, 0).wrong
    with pytest.raises(BadInput, match="already holds a packed set"):
        pack.pack(f"folder:{folder}", target, 0.2, 4)


def test_arrays_are_packed_without_loss(tmp_path):
    pack.pack("digits", tmp_path, 0.2, 0)
    before, after = data.load("digits"), data.load(f"tfrecord:{tmp_path}")
    np.testing.assert_array_equal(before.train.labels, after.train.labels)
    assert after.train.channels == 1
    for i in (0, 99):
        np.testing.assert_array_equal(before.test.image(i), after.test.image(i))


def test_tensorflow_reads_what_was_packed(folder, tmp_path):
    import tensorflow as tf

    pack.pack(f"folder:{folder}", tmp_path / "packed", 0.2, 0)
    (shard,) = (tmp_path / "packed").glob("train-*.tfrecord")
    train = data.load(f"folder:{folder}").train
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


def test_the_checksum_is_crc32c():
    """RFC 3720, appendix B.4."""
    assert tfrecord.crc32c(b"123456789") == 0xE3069283
    assert tfrecord.crc32c(bytes(32)) == 0x8A9136AA
    assert tfrecord.crc32c(b"\xff" * 32) == 0x62A8AB43
    assert tfrecord.crc32c(bytes(range(32))) == 0x46DD794E
    for size in (*range(10), 127, 128, 129, 5000):
        data = bytes(k % 251 for k in range(size))
        crc = 0xFFFFFFFF
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        assert tfrecord.crc32c(data) == crc ^ 0xFFFFFFFF


def test_packing_goes_on_where_it_was_interrupted(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "PER_SHARD", 2)
    source, target, record = f"folder:{folder}", tmp_path / "packed", pack._record
    calls = []

    def interrupted(examples, i):
        calls.append(i)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return record(examples, i)

    monkeypatch.setattr(pack, "_record", interrupted)
    assert cli.main(["data", "pack", source, str(target)]) == 130
    assert {path.name for path in target.iterdir()} == {
        "unfinished.json",
        "train-00000-of-00003.tfrecord",
    }
    with pytest.raises(BadInput, match="holds no packed set"):
        data.load(f"tfrecord:{target}")
    with pytest.raises(BadInput, match="something else than the beginning of this packing"):
        pack.pack(source, target, 0.2, 1)
    first = (target / "train-00000-of-00003.tfrecord").stat()
    pack.pack(source, target, 0.2, 0)
    assert (target / "train-00000-of-00003.tfrecord").stat().st_mtime_ns == first.st_mtime_ns
    same(data.load(source).train, data.load(f"tfrecord:{target}").train)
    assert not (target / "unfinished.json").exists()


def test_damage_to_a_packed_set_is_found(folder, tmp_path):
    pack.pack(f"folder:{folder}", tmp_path / "packed", 0.2, 0)
    (shard,) = (tmp_path / "packed").glob("train-*.tfrecord")
    content = bytearray(shard.read_bytes())
    content[len(content) // 2 + 50] ^= 1
    shard.write_bytes(content)
    report = check(f"tfrecord:{tmp_path / 'packed'}", 0.2, 0)
    assert sum(map(len, report.wrong.values())) == 1
    shard.write_bytes(content[:-1])
    with pytest.raises(BadInput, match="missing or not whole"):
        data.load(f"tfrecord:{tmp_path / 'packed'}")
    (tmp_path / "packed" / "pack.json").write_text("{")
    with pytest.raises(BadInput, match="is damaged"):
        data.load(f"tfrecord:{tmp_path / 'packed'}")


def test_the_record_says_where_a_packed_set_came_from(folder, tmp_path):
    pack.pack(f"folder:{folder}", tmp_path / "p", 0.25, 0)
    record = json.loads((tmp_path / "p" / "pack.json").read_text())
    assert record["source"] == f"folder:{folder}" and record["images"] == {
        "train": 6,
        "validation": 2,
    }
    assert record["fingerprint"] == data.load(f"folder:{folder}").train.fingerprint
