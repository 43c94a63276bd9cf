"""Networks of every kind of output are exported, asked and scored as what they give."""

import json
from dataclasses import asdict

import keras
import numpy as np
import pytest
from helpers.photos import coloured
from sklearn import metrics as theirs

from keras_inception import metrics, open_classifier, outputs
from keras_inception.errors import BadInput
from keras_inception.evaluation.accuracy import evaluate
from keras_inception.evaluation.prediction import predict
from keras_inception.tflite import browser, export, quantize
from keras_inception.tflite.file.graph import Graph
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph.keras_classifier import classifier
from keras_inception.tflite.metadata import Metadata, embed, read
from keras_inception.tflite.source import open_source
from keras_inception.training.data import DataRef, targets

COLOURS = ("paper", "rock", "scissors")


def by_colour(units, activation, *, bias=0.0):
    """Numbers that grow with red, green and blue, the first `units` of them."""
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(3, 1, name="colours")(image)
    dense = keras.layers.Dense(units, activation=activation, name="told")
    model = keras.Model(image, dense(keras.layers.GlobalAveragePooling2D()(x)), name="theirs")
    model.get_layer("colours").set_weights([8 * np.eye(3)[None, None], np.zeros(3)])
    dense.set_weights([np.eye(3)[:, :units], np.full(units, bias)])
    return model


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Of three colours, and a table of them."""
    folder = coloured(tmp_path_factory.mktemp("outputs") / "photos", count=8)
    rows = ["path,Paper,rock,scissors,labels,split"]
    for path in sorted(folder.rglob("*.png")):
        name = path.parent.name
        own = ",".join(str(int(name == each)) for each in COLOURS)
        split = "test" if path.stem < "04" else "train"
        rows.append(f"photos/{name}/{path.name},{own},{name},{split}")
    (folder.parent / "table.csv").write_text("\n".join(rows) + "\n")
    return folder


def exported(model, photographs, tmp_path, **said):
    scheme = said.pop("scheme", "int8")
    return export(
        model, scheme=scheme, preprocessing="tf", images=photographs, out=tmp_path, **said
    )


PIXELS = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)


@pytest.mark.parametrize("activation", ["sigmoid", pytest.param(None, marks=pytest.mark.slow)])
def test_one_number_for_two_classes_becomes_one_for_each(activation, photographs, tmp_path):
    """To the last bit of float32, whatever stands before it; so all that knows classes takes it."""
    model = by_colour(1, activation, bias=0.5)
    said = {"preprocessing": "tf", "classes": ["other", "paper"], "kind": "classes"}
    if activation:
        del said["kind"]
    opened = open_classifier(model, **said)
    logits = np.array(model(opened.preprocessing(PIXELS)))
    expected = logits if activation else 1 / (1 + np.exp(-logits))
    found = opened.of_pixels(PIXELS)
    np.testing.assert_allclose(found, np.concatenate([1 - expected, expected], axis=1), atol=1e-6)
    path = exported(model, photographs, tmp_path, classes=said["classes"], kind=said.get("kind"))
    assert read(path.path.read_bytes()).labels == ("other", "paper")
    ((first, _),) = predict(path, photographs=photographs / "paper" / "00.png")
    assert first[0] == "paper"
    (photographs.parent / "two").mkdir(exist_ok=True)
    for name, colour in (("paper", "paper"), ("other", "rock")):
        link = photographs.parent / "two" / name
        if not link.exists():
            link.symlink_to(photographs / colour)
    scores = evaluate(path, images=photographs.parent / "two")
    assert scores.auc == 1 and "AUC 1.0000" in str(scores)


def test_one_number_after_no_dense_layer_becomes_two_as_well():
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(1, 1)(image))
    model = keras.Model(image, keras.layers.Activation("sigmoid")(x))
    network, kind, _ = classifier(model, "tf")
    assert kind is outputs.CLASSES and network.output_shape == (2,)
    opened = open_classifier(model, preprocessing="tf")
    images = opened.preprocessing(PIXELS[:, :8, :8])
    np.testing.assert_allclose(opened.probabilities(images)[:, 1:], model(images), atol=1e-6)


@pytest.mark.slow
def test_two_classes_are_fine_tuned_from_one_sigmoid(photographs, tmp_path):
    (photographs.parent / "map.csv").write_text("paper,paper\nrock,other\nscissors,other\n")
    made = quantize(
        by_colour(1, "sigmoid"),
        data=f"folder:{photographs}",
        classes=["other", "paper"],
        classes_map=photographs.parent / "map.csv",
        preprocessing="tf",
        engine="keras",
        epochs=0,
        out=tmp_path,
    )
    assert made.figures["int8"]["top1"] == made.figures["int8"]["auc"] == 1


def test_several_sigmoids_are_labels_scored_by_mean_average_precision(photographs, tmp_path):
    path = exported(by_colour(3, "sigmoid"), photographs, tmp_path, classes=COLOURS)
    assert read(path.path.read_bytes()).kind == "labels"
    table = f"csv:{photographs.parent}/table.csv"
    scores = evaluate(path, data=table)
    assert (scores.mean_precision, scores.labels, scores.images) == (1, 3, 12)
    assert str(scores).endswith("on 12 test images") and "mAP 1.0000" in str(scores)
    ((best, *_),) = predict(path, photographs=photographs / "rock" / "00.png")
    assert best[0] == "rock"
    grey = np.full((1, 16, 16, 3), 128, np.uint8)
    assert open_classifier(path).of_pixels(grey).sum() == pytest.approx(1.5, abs=0.1)
    text = (photographs.parent / "table.csv").read_text()
    in_one = photographs.parent / "in_one.csv"
    in_one.write_text("\n".join(",".join(r.split(",")[::4]) for r in text.splitlines()))
    assert evaluate(path, data=f"csv:{in_one}").images == 5  # A fifth, held out.
    with pytest.raises(BadInput, match="give --data csv:FILE"):
        evaluate(path, data=f"folder:{photographs}")


#: Networks to be fine-tuned: what is wrong with them, what shows it, and what is kept of it.
WORSE = {
    "labels": (by_colour(3, "sigmoid", bias=-5.0), "right", max),
    "numbers": (by_colour(3, None, bias=5.0), "mae", min),
}


@pytest.mark.parametrize(
    ("engine", "kind"),
    [
        ("keras", "labels"),
        ("keras", "numbers"),
        pytest.param("tfmot", "labels", marks=pytest.mark.slow),
        pytest.param("tfmot", "numbers", marks=pytest.mark.slow),
    ],
)
def test_labels_and_numbers_are_fine_tuned_on_a_table(engine, kind, photographs, tmp_path):
    """By a loss of their kind, the best file by its metric is kept, and its record is of it."""
    model, figure, best = WORSE[kind]
    table = f"csv:{photographs.parent}/table.csv"
    made = quantize(
        model,
        data=table,
        classes=COLOURS,
        preprocessing="tf",
        kind=kind,
        accept=kind == "numbers",
        engine=engine,
        epochs=1 if engine == "keras" else 6,
        learning_rate=0.1 if kind == "labels" else 0.01,
        out=tmp_path,
    )
    record = json.loads(made.path.with_suffix(".json").read_text())
    by_epoch = [scores[figure] for scores in record["validation"]["int8_by_epoch"]]
    kept = record["kept_epoch"]
    assert kept and by_epoch[kept] == best(by_epoch) != by_epoch[0]
    assert best(record["int8"][figure], record["float"][figure]) == record["int8"][figure]
    assert record["agreement"]["same"] == 1 and read(made.path.read_bytes()).kind == kind
    assert record["int8"] == asdict(evaluate(made, data=table))


def test_labels_and_numbers_that_are_not_those_of_the_table_are_not_fine_tuned(
    photographs, tmp_path
):
    """Neither in another order nor of other names. A number is not trained on mirrored images, of
    which it may be another."""
    said = {"data": f"csv:{photographs.parent}/table.csv", "preprocessing": "tf", "out": tmp_path}
    labels, numbers = by_colour(3, "sigmoid"), by_colour(3, None, bias=9.0)
    source = open_source(numbers, classes=COLOURS, kind="numbers", **said)
    assert not source.recipe.flip and source.recipe.min_area == 1
    said["engine"] = "keras"
    with pytest.raises(BadInput, match=r"finds the labels of .* not its labels, they are not in"):
        quantize(labels, classes=["rock", "scissors", "Paper"], **said)
    with pytest.raises(BadInput, match=r"has MAE .*: the mean number does as well for each: these"):
        quantize(numbers, classes=COLOURS, kind="numbers", **said)
    with pytest.raises(BadInput, match="have 1 class that the network does not know: paper"):
        quantize(labels, classes=["rock", "scissors", "fist"], **said)
    with pytest.raises(BadInput, match="has no column for fist; its columns are path, Paper"):
        quantize(numbers, classes=["rock", "scissors", "fist"], kind="numbers", **said)
    with pytest.raises(BadInput, match="features, which have no right answer to be trained on"):
        quantize(numbers, kind="features", **said)
    with pytest.raises(BadInput, match="give --data csv:FILE, a table of images with a column for"):
        quantize(labels, classes=COLOURS, **said | {"data": f"folder:{photographs}"})


def test_a_table_of_labels_is_read_as_one_of_classes(photographs):
    """Separators, encodings, slashes, names of parts, and what is wrong with a line."""
    folder, names = photographs.parent, ("Réd", "green")
    rows = ["Image Name;part;réd;green", "photos\\rock\\00;training;1;0"]
    rows += [f"photos/rock/0{k}.png;{part};0;1" for k, part in ((1, "train"), (2, "val"))]
    table = folder / "other.csv"
    for encoding in ("utf-16", "cp1252"):
        table.write_bytes("\n".join(rows).encode(encoding))
        split = targets.split(DataRef(f"csv:{table}", validation=0), names, outputs.LABELS)
        assert split.train.truth.tolist() == [[1, 0], [0, 1]]
        assert split.test.truth.tolist() == [[0, 1]]
    table.write_text("path,green,split\nphotos/rock/01.png,1,test\n")
    split = targets.split(DataRef(f"csv:{table}"), ("green",), outputs.NUMBERS)
    assert len(split.test) == 1 and not len(split.train)
    table.write_text("path,green,split\nphotos/rock/01.png,2,train\nnone.png,3,nowhere\n")
    for kind, words in ((outputs.LABELS, "must be 0 or 1"), (outputs.NUMBERS, "line 3.*no such")):
        with pytest.raises(BadInput, match=words):
            targets.split(DataRef(f"csv:{table}"), ("green",), kind)


def test_of_every_kind_the_better_scores_are_told_and_large_numbers_weigh_no_more():
    better = (
        (metrics.Scores(0.9, 1, 0.5, 9), metrics.Scores(0.9, 1, 0.6, 9)),
        (metrics.LabelScores(0.9, 0.5, 3, 9), metrics.LabelScores(0.8, 0.9, 3, 9)),
        (metrics.NumberScores(0.1, 0.5, 0.9, 9), metrics.NumberScores(0.2, 0.3, 0.9, 9)),
    )
    assert all(one.rank > other.rank for one, other in better)
    truth = np.random.default_rng(0).normal(size=(50, 2)) * 3
    losses = [outputs.NUMBERS.loss(k * truth)(k * truth, 0 * truth) for k in (1, 1000)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_numbers_stay_as_they_are_and_are_scored_by_their_error(photographs, tmp_path):
    model = by_colour(3, None)
    path = exported(model, photographs, tmp_path, classes=COLOURS, kind="numbers", scheme="float32")
    opened = open_classifier(path)
    np.testing.assert_allclose(
        opened.of_pixels(PIXELS), model(opened.preprocessing(PIXELS)), atol=1e-4
    )
    assert json.loads(path.path.with_suffix(".json").read_text())["metadata"]["kind"] == "numbers"
    scores = evaluate(path, data=f"csv:{photographs.parent}/table.csv")
    assert scores.mae > 0.1 and scores.images == 12
    (values,) = predict(path, photographs=photographs / "rock" / "00.png", top=1)
    assert [name for name, _ in values] == [*COLOURS]


def test_features_need_no_names_and_one_output_of_several_is_chosen(photographs, tmp_path):
    model = by_colour(3, "softmax")
    pooled = model.get_layer("told").input
    pooled = keras.layers.UnitNormalization()(pooled)
    two = keras.Model(model.input, {"told": model.output, "pooled": pooled}, name="two")
    said = {"kind": "features", "head": "pooled", "scheme": "float32"}
    path = exported(two, photographs, tmp_path, **said)
    opened = open_classifier(path)
    images = opened.preprocessing(PIXELS)
    expected = np.array(two(images)["pooled"])
    found = opened.of_pixels(PIXELS)
    assert opened.kind is outputs.FEATURES
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert outputs.FEATURES.same(found, expected).all()
    assert not outputs.FEATURES.same(found, expected[:, ::-1]).all()
    assert "a cosine of 0.99 or more" in path.figures["closeness"]["alike"]
    told = open_classifier(two, preprocessing="tf", head="told").of_pixels(PIXELS)
    np.testing.assert_allclose(told, two(images)["told"], atol=0.01)
    assert open_classifier(two, preprocessing="tf", head="0").outputs == 3
    for head, words in ((None, "has several outputs"), ("other", "has no output 'other'")):
        with pytest.raises(BadInput, match=f"{words}; give --head one of (told|pooled), "):
            open_classifier(two, preprocessing="tf", head=head)


def test_outputs_of_one_name_are_told_apart_by_number_and_one_given_twice_is_one():
    image = keras.Input((8, 8, 3))
    told = keras.layers.Dense(3, activation="softmax", name="told")
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    other = told(pooled * 3.0)
    model = keras.Model(image, [told(pooled), other])
    pixels = np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3)
    found = [open_classifier(model, preprocessing="tf", head=n).of_pixels(pixels) for n in "01"]
    for each, expected in zip(found, model(pixels / np.float32(127.5) - 1), strict=True):
        np.testing.assert_allclose(each, np.array(expected), atol=1e-5)
    for head in (None, "told"):
        with pytest.raises(BadInput, match=r"several outputs; .* of told, told, .*number, 0 to 1"):
            open_classifier(model, preprocessing="tf", head=head)
    twice = open_classifier(keras.Model(image, [other, other]), preprocessing="tf")
    np.testing.assert_allclose(twice.of_pixels(pixels), found[1], atol=1e-5)


@pytest.mark.parametrize(
    ("model", "kind", "words"),
    [
        (by_colour(1, None), None, "with 1 outputs; say with --kind what they are"),
        (by_colour(3, "relu"), None, "say with --kind what they are"),
        (by_colour(3, "softmax"), outputs.LABELS, "need a sigmoid"),
        (by_colour(3, "sigmoid"), outputs.CLASSES, "need a softmax"),
    ],
)
def test_an_end_that_does_not_tell_is_not_guessed_at(model, kind, words):
    with pytest.raises(BadInput, match=words):
        classifier(model, "tf", kind=kind)


@pytest.mark.slow
def test_vectors_of_unit_length_are_rounded_well(photographs, tmp_path):
    model = by_colour(3, None)
    unit = keras.layers.UnitNormalization()(model.output)
    model = keras.Model(model.input, unit, name="unit")
    made = exported(model, photographs, tmp_path, kind="features")
    assert made.figures["closeness"]["same"] == made.figures["closeness"]["images"] == 200
    assert made.figures["closeness"]["largest"] < 0.02


def test_a_file_of_one_number_is_asked_about(photographs, tmp_path):
    path = exported(
        by_colour(1, None), photographs, tmp_path, kind="numbers", scheme="float32"
    ).path
    path.write_bytes(embed(Graph.read(path.read_bytes()), Metadata()).content)
    with pytest.raises(BadInput, match="gives one number, which may be many things"):
        open_classifier(path)
    two = open_classifier(path, kind="classes", classes=["a", "b"])
    logits = File(path).scores(two.preprocessing(PIXELS))
    np.testing.assert_allclose(two.of_pixels(PIXELS)[:, 1:], 1 / (1 + np.exp(-logits)), atol=1e-6)


def test_apps_and_pages_show_classes_and_labels_alone(photographs, tmp_path):
    for kind, classes in (("numbers", None), ("labels", ["a", "b", "c"])):
        said = {"kind": kind, "classes": classes, "scheme": "float32"}
        path = exported(by_colour(3, None), photographs, tmp_path, **said).path
        if kind == "labels":
            page = browser.write(path, tmp_path / "page")
            description = json.loads(page.with_name("model.json").read_text())
            assert description["output"]["probabilities"]
            continue
        with pytest.raises(BadInput, match="gives numbers; what is written here shows classes"):
            browser.write(path, tmp_path / "page")


def test_metrics_are_scikit_learn_s():
    draw = np.random.default_rng(0)
    values = draw.integers(0, 20, (200, 4)).astype(np.float32) / 20
    truth = (values + draw.normal(0, 0.5, values.shape) > 0.6).astype(np.float32)
    numbers = draw.normal(size=(50, 2))
    assert metrics.auc(values[:, 0], truth[:, 0] > 0) == pytest.approx(
        theirs.roc_auc_score(truth[:, 0], values[:, 0])
    )
    assert metrics.score_labels(values, truth).mean_precision == pytest.approx(
        theirs.average_precision_score(truth, values)
    )
    found = metrics.score_numbers(numbers + 0.1, numbers)
    assert found.mae == pytest.approx(0.1) and found.rmse == pytest.approx(0.1)
    assert metrics.score_numbers(numbers[:, :1], numbers[:, 1:]).r2 == pytest.approx(
        theirs.r2_score(numbers[:, 1], numbers[:, 0])
    )
    assert metrics.auc(values[:, 0], np.ones(200, bool)) is None
