"""Classes are matched by name wherever two lists of them meet, whoever wrote these lists."""

import json
import logging
import shutil
from dataclasses import replace
from unicodedata import normalize

import keras
import numpy as np
import pytest
from helpers import tflite_files
from helpers.photos import coloured

from keras_inception import cli, label_files
from keras_inception.class_matching import match, read_map
from keras_inception.errors import BadInput
from keras_inception.evaluation.accuracy import evaluate
from keras_inception.evaluation.classifier import open_classifier
from keras_inception.evaluation.prediction import predict
from keras_inception.imagenet import class_names
from keras_inception.tflite import export
from keras_inception.tflite.metadata import Metadata, embed
from keras_inception.tflite.metadata.saving import describe

COLOURS = ("paper", "rock", "scissors")


def matched(theirs, known, **said):
    return [*match(theirs, known, what="the images", who="a network", **said).values()]


@pytest.mark.parametrize(
    ("theirs", "known", "expected"),
    [
        (("cat", "dog"), ("dog", "cat"), [1, 0]),
        (("dog",), ("cat", "dog"), [1]),
        (("HOT_dog", "big  cat"), ("Big Cat", "hot dog"), [1, 0]),
        ((normalize("NFD", "Käse"),), ("Brot", "Käse"), [1]),
        (("cat", "Cat"), ("Cat", "cat"), [1, 0]),
        (("n02123045", "tench"), ("n01440764", "tabby"), [1, 0]),
        (("n02012849", "n03126707"), class_names(1000), [134, 517]),
        (("n02123045",), class_names(1001), [282]),
        (("crane (134)",), label_files.distinct(class_names(1000)), [134]),
        (("1", "0"), ("0", "1"), [1, 0]),
    ],
)
def test_names_are_matched_however_they_are_spelled(theirs, known, expected):
    assert matched(theirs, known) == expected


@pytest.mark.parametrize(
    ("theirs", "known", "words"),
    [
        (("cat", "owl"), ("cat", "dog"), r"1 class that a network does not know: owl; .*knows dog"),
        (("Cat", "CAT"), ("cat", "dog"), "does not know: Cat, CAT"),
        (("crane",), class_names(1000), "does not know: crane"),
        (("0", "1"), ("cat", "dog"), "does not know: 0, 1"),
    ],
)
def test_names_that_could_be_another_are_refused_with_the_difference(theirs, known, words):
    with pytest.raises(BadInput, match=words):
        matched(theirs, known)


@pytest.mark.parametrize("separator", [",", ";", "\t", " = "])
def test_a_map_says_which_is_which(tmp_path, separator):
    path = tmp_path / "map.txt"
    path.write_text("".join(f"{a}{separator}{b}\n" for a, b in [("Katze", "cat"), ("Uhu", "1")]))
    assert matched(("Uhu", "katze"), ("cat", "owl"), said=read_map(path)) == [1, 0]
    path.write_text(json.dumps({"Katze": "Cat", "Löwe": "cat", "Uhu": 1}))
    assert matched(("Löwe", "Uhu", "Katze"), ("cat", "owl"), said=read_map(path)) == [0, 1, 0]
    assert matched(("b", "a"), ("cat", "owl"), said="position") == [0, 1]
    with pytest.raises(BadInput, match="3 classes and a network has 2"):
        matched(("c", "b", "a"), ("cat", "owl"), said="position")


@pytest.mark.parametrize(
    ("text", "words"),
    [("a,b\nc\n", "line 2 must have two names"), ("", "is empty"), ("a,b\na,c\n", "'a' twice")],
)
def test_a_map_that_does_not_map_is_refused(tmp_path, text, words):
    (tmp_path / "map.csv").write_text(text)
    with pytest.raises(BadInput, match=words):
        read_map(tmp_path / "map.csv")
    with pytest.raises(BadInput, match="there is no file"):
        read_map(tmp_path / "none.csv")


@pytest.mark.parametrize(
    "content",
    [
        "Bär\nHund\n".encode(),
        "Bär\r\nHund\r\n\r\n".encode("utf-8-sig"),
        "Bär\nHund".encode("utf-16"),
        "Bär\nHund\n".encode("utf-16-le"),
        "Bär\nHund\n".encode("latin-1"),
        "0 Bär\n1 Hund\n".encode(),
        "1: Hund\n0: Bär\n".encode(),
        '["Bär", "Hund"]'.encode(),
        '{"0": "Bär", "1": "Hund"}'.encode(),
        '{"Hund": 1, "Bär": 0}'.encode(),
        '{"model_type": "vit", "id2label": {"1": "Hund", "0": "Bär"}}'.encode(),
        '{"0": ["n02132136", "Bär"], "1": ["n02084071", "Hund"]}'.encode(),
        '{"labels": ["Bär", "Hund"], "imageSize": 224}'.encode(),
    ],
)
def test_labels_are_read_as_editors_and_scripts_write_them(tmp_path, content):
    (tmp_path / "labels.txt").write_bytes(content)
    assert label_files.read(tmp_path / "labels.txt") == ("Bär", "Hund")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"cat\ncat\n", "has 'cat' twice"),
        (b"\n\n", "is empty"),
        (b"cat\n\ndog\n", "name 1 of .* is ''"),
        ("猫\n狗\n".encode("gbk"), "is not UTF-8"),
        (b"\xff\xfec", "is not UTF-16"),
        (b"c\0a\0t\0s", "is not UTF-16-LE"),
        (b'{"0": "cat", "2": "dog"}', "number 1 is missing"),
        (b'{"cat": 0, "dog": 0}', "number 1 is missing"),
        (b'{"cat": "dog"}', "neither a name for each number"),
        (b"[1, 2]", "no list of"),
        (b"[", "it is no JSON"),
    ],
)
def test_labels_that_would_be_guessed_at_are_refused(tmp_path, content, words):
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(BadInput, match=words):
        label_files.read(tmp_path / "labels.txt")


def test_numbers_that_alone_tell_names_apart_stay(tmp_path):
    for text in ("0 stars\n1 stars\n", "1 euro\n2 euro\n", "7up\n8 ball\n"):
        (tmp_path / "labels.txt").write_text(text)
        assert label_files.read(tmp_path / "labels.txt") == tuple(text.splitlines())


def test_imagenet_s_own_twins_are_told_apart(tmp_path):
    (tmp_path / "labels.txt").write_text("\n".join(class_names(1001)))
    found = label_files.read(tmp_path / "labels.txt")
    assert (found[135], found[518]) == ("crane (135)", "crane (518)")
    assert label_files.read("imagenet")[281] == "tabby"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return coloured(tmp_path_factory.mktemp("coloured") / "photos", count=12)


@pytest.fixture(scope="module")
def by_colour(tmp_path_factory):
    """A network that tells scissors, rock and paper, in this order, by their colours."""
    image = keras.Input((16, 16, 3))
    convolution = keras.layers.Conv2D(3, 1, name="colours")
    x = keras.layers.GlobalAveragePooling2D()(convolution(image))
    model = keras.Model(image, keras.layers.Softmax()(x), name="by_colour")
    convolution.set_weights([np.eye(3)[::-1].T[None, None] * 8, np.zeros(3)])
    path = tmp_path_factory.mktemp("by_colour") / "mine.keras"
    model.save(path)
    (path.parent / "labels.txt").write_text("0 Scissors\n1 ROCK\n2 paper\n")
    return path


def test_a_network_of_another_order_is_evaluated_and_quantized_by_name(
    by_colour, photographs, tmp_path, capsys, caplog
):
    options = f"--preprocessing tf --data folder:{photographs}"
    labels = f"--classes {by_colour.parent}/labels.txt"
    with caplog.at_level(logging.INFO, "keras_inception"):
        assert cli.main(f"evaluate {by_colour} {options} {labels}".split()) == 0
    assert "differ in order: matched by name" in caplog.text
    assert "top-1 1.0000" in capsys.readouterr().out
    quantize = f"quantize {by_colour} {options} --engine keras --epochs 0 --out {tmp_path}"
    for said, fault in [
        ("", "does not name its 3 classes: name them with --classes"),
        ("--classes-map position", r"where guessing is on 33.3%: .*go on with --accept"),
        (f"--classes {tmp_path}/other.txt", "does not know: paper; it knows pepper"),
    ]:
        (tmp_path / "other.txt").write_text("scissors\nrock\npepper\n")
        assert cli.main([*quantize.split(), *said.split()]) == 2
        assert fault.split(":")[0] in capsys.readouterr().err
        assert not (tmp_path / "mine_int8_qat.tflite").exists()
    assert cli.main([*quantize.split(), *labels.split()]) == 0
    record = json.loads((tmp_path / "mine_int8_qat.json").read_text())
    assert record["classes"] == ["Scissors", "ROCK", "paper"] and record["int8"]["top1"] == 1
    file = tmp_path / "mine_int8_qat.tflite"
    assert evaluate(file, data=f"folder:{photographs}").top1 == 1
    ((best, *_),) = predict(file, photographs=photographs / "rock" / "00.png")
    assert best[0] == "ROCK"


@pytest.mark.slow
def test_a_network_that_knows_no_better_is_quantized_on_somebody_s_word(
    by_colour, photographs, tmp_path
):
    from keras_inception.tflite import quantize

    said = {"preprocessing": "tf", "data": f"folder:{photographs}", "out": tmp_path}
    made = quantize(by_colour, classes=COLOURS, accept=True, engine="keras", epochs=0, **said)
    assert made.figures["int8"]["top1"] < 0.5


def test_the_mean_of_several_is_of_the_same_classes(by_colour, photographs):
    """Alone each is right of all: one of another order took that from the others."""
    model = keras.saving.load_model(by_colour)
    reordered = keras.Model(model.input, model.output[:, ::-1])
    one = open_classifier(by_colour, classes=("scissors", "rock", "paper"), preprocessing="tf")
    other = replace(one, model=reordered, classes=COLOURS)
    data = f"folder:{photographs}"
    alone, both = evaluate(one, data=data), evaluate([other, one], data=data)
    assert both.top1 == 1 and both.loss == pytest.approx(alone.loss)
    with pytest.raises(BadInput, match="does not know: paper"):
        evaluate([other, replace(one, classes=("scissors", "rock", "pepper"))], data=data)


def test_photographs_of_some_of_the_classes_are_enough(by_colour, photographs, tmp_path, caplog):
    shutil.copytree(photographs / "scissors", tmp_path / "some" / "SCISSORS")
    shutil.copytree(photographs / "paper", tmp_path / "some" / "paper")
    names = by_colour.with_name("labels.txt")
    with caplog.at_level(logging.INFO, "keras_inception"):
        scores = evaluate(by_colour, images=tmp_path / "some", classes=names, preprocessing="tf")
    assert (scores.top1, scores.images) == (1, 24)
    assert "none of 1 class that" in caplog.text and "ROCK" in caplog.text


@pytest.fixture
def tiny(tmp_path):
    """Somebody's file without names."""
    path = tmp_path / "tiny.tflite"
    unnamed = Metadata(preprocessing=tflite_files.EXPECTED)
    path.write_bytes(embed(tflite_files.graph(), unnamed).content)
    return path


def test_a_file_takes_its_names_from_inside_then_from_the_word_then_from_beside_it(tiny):
    assert open_classifier(tiny).classes == ()
    tiny.with_name("labels.txt").write_text("0 a\n1 b\n2 c\n")
    assert open_classifier(tiny).classes == ()
    tiny.with_name("labels.txt").write_text("0 a\n1 b\n2 c\n3 d\n")
    assert open_classifier(tiny).classes == ("a", "b", "c", "d")
    assert open_classifier(tiny, classes=[*"dcba"]).classes == ("d", "c", "b", "a")
    tiny.write_bytes(tflite_files.labelled())
    inside = tflite_files.LABELS
    assert open_classifier(tiny, classes=inside[::-1]).classes == inside
    with pytest.raises(BadInput, match=r"the given names have 4 classes that .* does not know"):
        open_classifier(tiny, classes=[*"abcd"])
    with pytest.raises(BadInput, match="has 4 classes; 2 are named"):
        open_classifier(tiny, classes=[*"ab"])


def test_labels_in_another_order_than_the_outputs_are_no_translation(
    by_colour, tiny, tmp_path, caplog
):
    (tmp_path / "labels.txt").write_text("paper\nrock\nscissors\n")
    said = {"classes": by_colour.with_name("labels.txt"), "labels": [tmp_path / "labels.txt"]}
    with pytest.raises(BadInput, match="in another order than its outputs: Scissors, ROCK, paper"):
        export(by_colour, scheme="float32", preprocessing="tf", out=tmp_path, **said)
    tiny.write_bytes(tflite_files.labelled())
    (tmp_path / "labels.txt").write_text("\n".join(tflite_files.LABELS[::-1]))
    assert describe(tiny, labels=[tmp_path / "labels.txt"]).labels == tflite_files.LABELS[::-1]
    assert "named its outputs in another order: cat, dog $1" in caplog.text


def test_a_run_keeps_its_classes_when_those_of_its_folder_change(whole, tmp_path, monkeypatch):
    """Another class in the folder, or one that is called otherwise, is not taken for one of its."""
    from keras_inception.evaluation.run_report import report
    from keras_inception.training.data import DataRef

    split = DataRef.split

    def renamed(data):
        found = split(data)
        names = (*found.classes[1:], found.classes[0])
        return found.known_as(names, {name: names.index(name) for name in found.classes})

    before = evaluate(whole)
    monkeypatch.setattr(DataRef, "split", renamed)
    assert evaluate(whole) == before
    assert report(whole).rows[0].scores.top1 == before.top1
