"""What a stranger's metadata can cost: nothing is unfolded or followed before its size is known."""

import io
import json
import struct
import time
import tracemalloc
import zipfile

import pytest
from helpers import tflite_files

from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import open_classifier
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.metadata import Metadata, embed, read, schema, tables

FOUR = b"a\nb\nc\nd\n"
GERMAN = {"de": tuple("efgh")}


def with_archive(*members, localized=GERMAN, compression=zipfile.ZIP_DEFLATED):
    """A small file with these files of labels behind it: (name, content)."""
    whole = tflite_files.labelled(localized=localized)
    file = io.BytesIO(whole[: whole.index(b"PK\x03\x04")])
    with zipfile.ZipFile(file, "a", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def costs_little(content):
    """The sentence that the file is refused with, at once and without taking memory."""
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(BadInput) as refused:
            read(content, "x.tflite")
        assert time.process_time() - began < 2
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
    assert "the metadata of x.tflite" in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("count", [1, 40])
def test_labels_of_many_locales_that_unfold_to_much_are_refused(count):
    locales = {f"l{chr(97 + n % 26)}{chr(97 + n // 26)}": tuple("abcd") for n in range(count)}
    bombs = ((f"labels_{name}.txt", b"\n" * ((20 << 20) // count)) for name in locales)
    content = with_archive(("labels.txt", FOUR), *bombs, localized=locales)
    assert "unfold to" in costs_little(content)


def test_an_archive_that_lies_about_sizes_is_not_unfolded_further():
    content = with_archive(("labels.txt", b"\n" * 25_020_317), ("labels_de.txt", FOUR))
    size = struct.pack("<I", 25_020_317)
    assert content.count(size) == 2
    assert "damaged" in costs_little(content.replace(size, struct.pack("<I", 8)))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unfolds_whole_whatever_its_size_is_refused(compression):
    content = with_archive(("labels.txt", FOUR), ("labels_de.txt", FOUR), compression=compression)
    assert "neither stored nor deflated" in costs_little(content)


def test_more_names_than_outputs_are_not_made_a_list():
    content = with_archive(("labels.txt", b"\n" * 90_000), ("labels_de.txt", FOUR))
    assert "labels.txt has more than 4 names" in costs_little(content)


def test_a_name_has_the_length_of_a_name():
    content = with_archive(("labels.txt", b"a" * 1001), ("labels_de.txt", FOUR))
    assert "a name of more than 1000 characters" in costs_little(content)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused():
    content = with_archive(("labels.txt", FOUR), ("labels.txt", FOUR), ("labels_de.txt", FOUR))
    assert "two files of one name" in costs_little(content)


def test_a_file_that_is_not_there_or_encrypted_is_refused():
    assert "lacks a file of labels" in costs_little(with_archive(("labels.txt", FOUR)))
    content = bytearray(with_archive(("labels.txt", FOUR), ("labels_de.txt", FOUR)))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    assert "encrypted" in costs_little(bytes(content))


@pytest.mark.parametrize("locale", ["../../x", "d\x1b[2J", "de\n", "/", "x" * 100])
def test_a_locale_is_no_part_of_a_path(locale):
    """`metadata` and `android` call files by it."""
    content = tflite_files.labelled(localized={locale: tuple("efgh")})
    assert "is no locale" in costs_little(content)


@pytest.mark.parametrize("what", ["author", "description"])
def test_a_text_is_bounded(what):
    assert "longer than 100,000" in costs_little(tflite_files.labelled(**{what: "x" * 10**6}))


def test_lists_that_lie_over_each_other_are_not_followed():
    """A quarter of a million names, each the same megabyte: a file can be small and endless."""
    name = struct.pack("<I", 10**6) + b"\0" * 10**6
    count = 250_000
    # The root, its table of fields, the list of entries; one entry for all, its fields and name.
    fields = struct.pack("<HH7H", 18, 8, 0, 0, 0, 0, 0, 0, 4)
    root = struct.pack("<I4s", 8 + len(fields) + 2, b"TFL3") + fields + b"\0\0"
    table = struct.pack("<iI", len(fields) + 2, 4)
    entry_at = 4 * count
    offsets = b"".join(struct.pack("<I", entry_at - 4 * n + 8) for n in range(count))
    entry = struct.pack("<HHHH", 6, 8, 4, 0) + struct.pack("<iI", 8, 4) + name
    content = root + table + struct.pack("<I", count) + offsets + entry
    assert "its metadata is longer than 1,000: it has 250,000" in costs_little(content)


@pytest.mark.parametrize(
    "record",
    [
        b"[" * 90_000,
        b"[]",
        b"5",
        b'{"mean": "x"}',
        b'{"mean": [1, 2, 3, 4, 5]}',
        b'{"mean": 1' + b"0" * 400 + b"}",
        b'{"mean": NaN}',
        b'{"std": Infinity}',
        b'{"crop": 1e-9}',
        b'{"order": ["RGB"]}',
        b'{"other": 1}',
        json.dumps({"mean": [0.0] * 10**5}).encode(),
    ],
    ids=lambda record: record[:20].decode(),
)
def test_our_own_record_in_it_is_read_with_the_same_care(record):
    model = schema.Model(subgraphs=[schema.SubGraph(custom=[schema.Custom(schema.OURS, record)])])
    costs_little(with_model(model))


def with_model(model):
    """A small file whose metadata are `model`."""
    graph = embed(tflite_files.graph(), Metadata()).changeable()
    (entry,) = (each for each in graph.model.metadata if each.name == schema.NAME)
    buffer = graph.model.buffers[entry.buffer]
    buffer.data = tables.write(model, schema.IDENTIFIER)
    return graph.content


def test_fewer_names_than_outputs_are_refused_by_who_uses_them(tmp_path):
    (tmp_path / "x.tflite").write_bytes(
        with_archive(("labels.txt", b"a\nb\n"), ("labels_de.txt", FOUR))
    )
    with pytest.raises(BadInput, match=r"x\.tflite names 2 classes and has 4 outputs"):
        open_classifier(tmp_path / "x.tflite")


def test_what_others_write_is_read():
    """Deflated, with lines as Windows ends them, and a mark before the first."""
    content = with_archive(
        ("labels.txt", b"\xef\xbb\xbfa\r\nb\r\nc\r\nd"), ("labels_de.txt", "ä\nö\nü\nß\n".encode())
    )
    assert read(content).labels == tuple("abcd")
    assert read(content).localized == {"de": tuple("äöüß")}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"mean": "x"}, "mean must be 1 or 3 numbers"),
        ({"mean": (1.0, 2.0)}, "mean must be 1 or 3 numbers"),
        ({"mean": 10**400}, "mean must be"),
        ({"mean": (0.0,) * 10**6}, "got 1000000 numbers"),
        ({"mean": float("nan")}, "mean must be"),
        ({"std": float("inf")}, "std must be above 0"),
        ({"std": (1.0, 0.0, 1.0)}, "std must be above 0"),
        ({"crop": 1e-9}, r"crop must be in \[0.05, 1\]"),
    ],
)
def test_a_preprocessing_has_numbers_that_pixels_can_have(said, words):
    with pytest.raises(BadInput, match=words) as refused:
        Preprocessing(**said)
    assert len(str(refused.value)) < 200
