"""A run can be run: every curve, picture, text and graph is where TensorBoard looks for it."""

import csv
import io
import json
import urllib.parse
import urllib.request

import keras
import numpy as np
import pytest
from helpers.networks import batches
from PIL import Image
from tensorboard import program
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.util.tensor_util import make_ndarray

from keras_inception.costs import measure
from keras_inception.errors import BadInput
from keras_inception.networks import FAMILY
from keras_inception.preprocess import Preprocessing
from keras_inception.training import fit
from keras_inception.training.recipes.recipe import recipe_for
from keras_inception.training.tensorboard import pictures
from keras_inception.training.tensorboard.board import BoardOptions
from keras_inception.training.tensorboard.gradient_norms import GradientNorms
from keras_inception.training.tensorboard.profile import STEPS, Profile
from keras_inception.training.tensorboard.rows import Rows


@pytest.fixture(scope="module")
def ask(run):
    """What a TensorBoard that serves the run answers."""
    board = program.TensorBoard()
    board.configure(argv=["", "--logdir", str(run.tensorboard), "--port", "0"])
    url = board.launch()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(path, **query):
        return opener.open(f"{url}data/plugin/{path}?{urllib.parse.urlencode(query)}").read()

    return ask


def arrays(folder):
    events = EventAccumulator(str(folder)).Reload()
    return {
        tag: [make_ndarray(event.tensor_proto) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def test_every_head_has_top_5_and_every_row_its_norms(run):
    train, validation = (arrays(run.tensorboard / part) for part in ("train", "validation"))
    for head in ("main", "aux1", "aux2"):
        assert 0 < train[f"{head}/top5"][-1] <= 1
        assert validation[f"{head}/top5"][-1] >= validation[f"{head}/accuracy"][-1]
    for part in (train, validation):
        assert len(part["images_per_second"]) == 6
        assert part["images_per_second"][-1] > 0
    for kind in ("gradient_norm", "weight_norm"):
        rows = {tag: values for tag, values in train.items() if tag.startswith(f"{kind}/")}
        assert {f"{kind}/{row}" for row in ("inception_3a", "aux2", "loss3_classifier")} < set(rows)
        assert all(np.isfinite(values).all() and min(values) > 0 for values in rows.values())
    squares = sum(v[-1] ** 2 for t, v in train.items() if t.startswith("weight_norm/incep"))
    assert squares < train["weight_norm/global"][-1] ** 2


def test_histograms_come_when_asked_for(run):
    tag = "inception_3a/inception_3a_1x1/kernel"
    bins = arrays(run.tensorboard / "train")[tag][-1]
    assert bins.shape == (30, 3)
    assert bins[:, 2].sum() == 48 * 16


def test_top_5_needs_more_than_five_classes():
    recipe = recipe_for("digits")
    assert [len(fit._metrics(recipe, classes)) for classes in (5, 6)] == [1, 2]


def picture(ask, run, tag):
    (entry,) = json.loads(ask("images/images", run=run, tag=tag, sample=0))
    return Image.open(io.BytesIO(ask(f"images/individualImage?{entry['query']}&")))


def test_tensorboard_shows_the_pictures(ask):
    parts = {"samples": "train", "confusion": "test", "misclassified": "test"}
    for name, part in parts.items():
        shown = np.asarray(picture(ask, part, f"pictures/{name}"))
        assert min(shown.shape[:2]) > 150
        assert shown.std() > 20


def test_tensorboard_shows_the_graph_by_blocks(ask):
    assert "train" in json.loads(ask("graphs/info"))
    text = ask("graphs/graph", run="train", conceptual="false").decode()
    assert 'name: "inception_3a/inception_3a_3x3/inception_3a_3x3_bn"' in text
    assert 'input: "pool2_3x3_s2"' in text


def test_tensorboard_compares_runs_by_their_recipes(ask, run):
    found = json.loads(ask("hparams/experiment", request='{"experimentName": ""}'))
    assert {info["name"] for info in found["hparamInfos"]} >= {"learning_rate", "network", "aux"}
    request = {
        "startIndex": 0,
        "sliceSize": 10,
        "allowedStatuses": ["STATUS_SUCCESS"],
        "colParams": [{"metric": metric["name"]} for metric in found["metricInfos"]],
    }
    answer = json.loads(ask("hparams/session_groups", request=json.dumps(request)))
    (group,) = answer["sessionGroups"]
    assert group["hparams"]["network"] == "googlenet"
    values = {value["name"]["tag"]: value["value"] for value in group["metricValues"]}
    *_, last = csv.DictReader(run.log.open())
    for tag in ("accuracy", "top5", "loss"):
        assert values[f"main/{tag}"] == pytest.approx(float(last[f"val_main_{tag}"]))


def test_tensorboard_shows_recipe_record_and_classes(ask):
    recipe = ask("text/text", run="train", tag="recipe", markdown="true").decode()
    assert "learning_rate" in recipe and "<table>" in json.loads(recipe)[0]["text"]
    record = json.loads(ask("text/text", run="train", tag="run.json", markdown="true"))
    assert "fingerprint" in record[-1]["text"] and "top1" in record[-1]["text"]
    assert "mostly taken for" in ask("text/text", run="test", tag="classes").decode()


def test_the_graph_is_whole(run):
    events = EventAccumulator(str(run.tensorboard / "train")).Reload()
    graph: GraphDef = events.Graph()
    names = {node.name for node in graph.node}
    assert len(names) == len(graph.node)
    assert all(source in names for node in graph.node for source in node.input)
    joined = next(node for node in graph.node if node.name == "inception_3a/inception_3a")
    assert (joined.op, len(joined.input)) == ("Concatenate", 4)
    assert [d.size for d in joined.attr["_output_shapes"].list.shape[0].dim] == [-1, 4, 4, 64]


@pytest.mark.parametrize("net", FAMILY.values(), ids=FAMILY)
def test_every_weight_of_the_family_belongs_to_a_row(net):
    rows = Rows(net)
    outermost = {row.name for row in net.rows + net.top}
    assert {rows.outermost(cost.name) for cost in measure(net) if cost.parameters} <= outermost


def linear(optimizer):
    """A model of one weight per input, all zero."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer=optimizer, loss="mse", jit_compile=False)
    return model, GradientNorms(model.optimizer, model.trainable_variables, lambda path: path)


def test_gradient_norms_by_hand():
    """d/dw (w.x + b - y)^2 = -2 y x and -2 y at w = b = 0: with x = (3, 4), y = 1, a step of 0."""
    model, norms = linear(keras.optimizers.SGD(0.0))
    model.fit(batches(np.array([[3.0, 4.0]] * 4), np.ones((4, 1)), size=2), verbose=0)
    means, steps = norms.take()
    assert steps == 2
    assert list(means.values()) == pytest.approx([104**0.5, 10, 2])
    assert norms.take()[1] == 0


def test_scaled_losses_do_not_show_and_overflows_do():
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0), initial_scale=8.0)
    model, norms = linear(scaled)
    images = np.array([[3.0, 4.0], [np.inf, 0.0]])
    model.fit(batches(images, np.ones((2, 1)), size=1), verbose=0)
    means, steps = norms.take()
    assert steps == 1
    assert means["global"] == pytest.approx(104**0.5)
    assert float(scaled.dynamic_scale) == 4.0


def test_watching_gradients_changes_no_weight():
    """Without a compiler, which may order sums otherwise where a gradient has one more use."""
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(64, 8, 8, 1)), rng.integers(0, 3, 64)

    def train(watch):
        keras.utils.set_random_seed(0)
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.Conv2D(4, 3),
                layers.BatchNormalization(),
                layers.Flatten(),
                layers.Dense(3, activation="softmax"),
            ]
        )
        sgd = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)
        model.compile(sgd, "sparse_categorical_crossentropy", run_eagerly=True)
        if watch:
            GradientNorms(model.optimizer, model.trainable_variables, lambda path: path)
        model.fit(batches(images, labels), epochs=2, verbose=0)
        return model.get_weights()

    for plain, seen in zip(train(False), train(True), strict=True):
        np.testing.assert_array_equal(plain, seen)


def test_a_profile_of_a_few_steps(tmp_path):
    model, _ = linear("sgd")
    ones = batches(np.ones((2 * STEPS, 2)), np.ones((2 * STEPS, 1)), size=1)
    model.fit(ones, epochs=2, verbose=0, callbacks=[Profile(tmp_path)])
    assert len(list(tmp_path.rglob("*.xplane.pb"))) == 1


def test_a_backend_without_a_profiler_says_so(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(BadInput, match="the torch backend has no profiler"):
        BoardOptions(profile=True)


def test_confusions_by_hand():
    counts = pictures.confusions(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 2]), 3)
    np.testing.assert_array_equal(counts, [[1, 0, 1], [0, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize("classes", [1, 2, 10, 100, 1500])
def test_confusion_matrices_of_any_size_fit_a_screen(classes):
    names = tuple(f"a rather long name of a class, number {k}" for k in range(classes))
    shown = pictures.matrix(np.eye(classes, dtype=int), names)
    assert max(shown.size) <= 1600
    blue = (np.asarray(shown) == [8, 48, 107]).all(axis=-1)
    assert blue.any() and not blue[:20].any()


@pytest.mark.parametrize(
    "expected",
    [Preprocessing(), Preprocessing((104.0, 117.0, 123.0), (1.0, 2.0, 3.0), order="BGR")],
)
def test_pixels_come_back_from_inputs(expected):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(pictures.as_seen(expected(pixels), expected), pixels)


def test_long_captions_are_cut():
    grey = np.zeros((1, 8, 8, 1), np.uint8)
    short = pictures.sheet(grey, ["a"])
    assert pictures.sheet(grey, ["a" * 200]).size == short.size
