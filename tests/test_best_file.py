"""What leaves `quantize` is never worse than what went in, and says how it was found."""

import json
import re
from contextlib import contextmanager
from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.files import kept
from helpers.networks import plain
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from keras_inception.errors import BadInput
from keras_inception.evaluation.accuracy import evaluate
from keras_inception.evaluation.classifier import KerasClassifier
from keras_inception.metrics import Scores
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite import exporting
from keras_inception.tflite.best_file import Candidates
from keras_inception.tflite.checks.layer_errors import by_layer, first_departure
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.keras_graph.to_keras import outputs, to_keras
from keras_inception.tflite.qat import engine
from keras_inception.tflite.source import Source
from keras_inception.training.data import Split
from keras_inception.training.data.evaluation_pixels import EvaluationPixels
from keras_inception.training.data.examples import Examples
from keras_inception.training.recipes.recipe import recipe_for

EXPECTED = Preprocessing()


@pytest.fixture(scope="module")
def record(int8_qat):
    return json.loads(int8_qat.with_suffix(".json").read_text())


@pytest.fixture(scope="module")
def curves(run, int8_qat):
    return EventAccumulator(str(run.tensorboard / "int8")).Reload()


def test_the_file_kept_is_the_best_of_all_epochs(run, int8_qat, record):
    by_epoch = record["validation"]["int8_by_epoch"]
    assert len(by_epoch) == 1 + record["quantization_aware_training"]["epochs"]
    best = max(by_epoch, key=lambda scores: (scores["top1"], -scores["loss"]))
    assert by_epoch[record["kept_epoch"]] == best
    assert best["top1"] >= by_epoch[0]["top1"]
    assert {scores["part"] for scores in by_epoch} == {"validation"}


def test_it_is_reported_on_images_that_chose_nothing(run, int8_qat, record):
    """And what is said of it is said of the bytes that ship."""
    assert evaluate(int8_qat) == Scores(**record["int8"])
    assert record["int8"]["part"] == run.result["part"] == "test"
    assert record["float"]["top1"] == run.result["top1"]
    split = run.split()
    assert not set(split.test.digests) & {*split.validation.digests, *split.train.digests}
    assert not set(split.validation.digests) & set(split.train.digests)


def test_accuracy_ranges_saturation_and_noise_are_curves(run, record, curves):
    drawn = [(e.step, float(make_ndarray(e.tensor_proto))) for e in curves.Tensors("main/accuracy")]
    measured = enumerate(scores["top1"] for scores in record["validation"]["int8_by_epoch"])
    assert drawn == [(run.recipe.epochs + k, pytest.approx(top1)) for k, top1 in measured]
    tags = curves.Tags()["tensors"]
    for kind in ("low", "high", "within", "saturated", "noise"):
        assert f"{kind}/inception_4d" in tags and f"{kind}/main" in tags
    layers = {layer["name"]: layer for layer in record["layers"]}
    assert len(layers) > 20 and layers["main"]["within"] == 1
    assert 0 == layers["inception_4d"]["low"] < layers["inception_4d"]["high"]


@pytest.fixture(scope="module")
def chain():
    """A chain of convolutions and what is needed to convert it."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    x = y = keras.Input((12, 12, 1))
    for name in "abc":
        y = layers.ReLU(name=f"{name}_relu")(layers.Conv2D(4, 3, name=name)(y))
    scores = layers.Activation("softmax", name="main")(layers.Dense(3)(layers.Flatten()(y)))
    pixels = np.random.default_rng(0).integers(0, 256, (24, 12, 12, 1), np.uint8)
    trained = plain(keras.Model(x, scores))
    return trained, engine("tfmot")(trained, EXPECTED(pixels), EXPECTED.range), pixels


def file_of(quantized):
    return convert(quantized.trained(), "int8", EXPECTED, ranges=quantized.ranges())


@contextmanager
def changed(quantized, layer, kind, change):
    """The fake-quantized model with one of a layer's variables changed."""
    variable = next(v for v in quantized.model.get_layer(layer).weights if kind in v.name)
    kept = variable.numpy()
    variable.assign(change(kept))
    yield
    variable.assign(kept)


@pytest.fixture
def judges(chain, tmp_path):
    """What judges the chain's files, on images of which the float network knows every class."""
    trained, quantized, pixels = chain
    scores = outputs(trained, EXPECTED(pixels), {"scores": trained.output})["scores"]
    labels = np.argmax(scores, axis=1).astype(np.int32)
    examples = Examples(
        lambda i: Image.fromarray(pixels[i, ..., 0]), labels, ("x", "y", "z"), 1, fingerprint=""
    )
    classifier = KerasClassifier(
        name="chain",
        size=12,
        channels=1,
        preprocessing=EXPECTED,
        model=to_keras(trained, keras),
        lowered=trained,
    )
    source = Source(
        classifier,
        trained,
        EXPECTED,
        "chain",
        examples.classes,
        pixels,
        tmp_path,
        split=Split.of(examples, examples, examples),
        recipe=recipe_for("digits"),
    )
    made = []

    def make():
        made.append(file_of(quantized))
        return made[-1], ""

    return Candidates(source, quantized, make), made


@pytest.mark.parametrize(("bound", "passes"), [(1 << 30, 1), (0, 3)])
def test_images_are_decoded_once_if_they_fit(judges, bound, passes):
    """The float network and two files are judged on them."""
    shown, decoded = judges[0].shown, []
    examples = replace(shown.examples, image=lambda i: decoded.append(i) or shown.examples.image(i))
    seen = EvaluationPixels(examples, shown.size, shown.expected, bound)
    scores = [seen.score(lambda part: np.ones((len(part), 3)) / 3) for _ in range(3)]
    assert len(decoded) == passes * len(examples) and len({s.top1 for s in scores}) == 1


def test_fine_tuning_that_ruins_the_network_leaves_the_post_training_file(chain, judges, caplog):
    judges, made = judges
    judges.consider(0)
    with changed(chain[1], "quant_c", "bias", lambda bias: bias - 9):
        judges.consider(1)
    with caplog.at_level("INFO"):
        best, measured = judges.best()
    assert best is made[0] and measured["kept_epoch"] == 0
    first, second = (scores["top1"] for scores in measured["validation"]["int8_by_epoch"])
    assert second < first - 0.3 and measured["float"]["top1"] == 1
    assert "kept: the file post-training" in caplog.text


def test_a_ruined_file_is_not_kept_because_the_better_one_departs(chain, judges):
    judges, _ = judges
    judges.consider(0)
    (entry,) = judges.all
    judges.all = [replace(entry, fault="it departs")]
    with changed(chain[1], "quant_c", "bias", lambda bias: bias - 9):
        judges.consider(1)
    fault = r"lost accuracy, top-1 0\.\d+ .* has top-1 \d\.\d+, .* may not be kept: it departs"
    with pytest.raises(BadInput, match=fault):
        judges.best()


def test_a_file_that_fails_a_check_is_left_out_and_the_work_goes_on(chain, judges, caplog):
    judges, made = judges
    judges.consider(0)
    make = judges.make
    judges.make = lambda: (make()[0], "a range is too wide")
    with caplog.at_level("INFO"):
        judges.consider(1)
        best, measured = judges.best()
    assert best is made[0] and len(measured["validation"]["int8_by_epoch"]) == 2
    assert "left out: a range is too wide" in caplog.text


def test_what_fails_before_the_first_step_ends_there(judges):
    judges, _ = judges
    make = judges.make
    judges.make = lambda: (make()[0], "a range is too wide")
    with pytest.raises(BadInput, match="a range is too wide"):
        judges.consider(0)


def test_a_file_that_departs_is_warned_of_by_the_first_layer_that_does(chain, judges, caplog):
    """Whether its operators compute what its layers do is for other checks."""
    judges, made = judges
    judges.consider(0)
    assert "departs" not in caplog.text
    judges.make = lambda: (made[0], "")
    with changed(chain[1], "quant_b", "bias", lambda bias: bias + 3):
        judges.consider(1)
    assert judges.all[1].fault == ""
    (said,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert re.search(r"departs from the fake-quantized .*departs: b_relu \(", said.getMessage())


def test_the_layers_of_a_good_file_are_within_a_step(chain):
    trained, quantized, pixels = chain
    content = file_of(quantized)
    layers = by_layer(content, quantized, trained, pixels, EXPECTED)
    assert [layer.name for layer in layers][-1] == "main"
    assert {"a_relu", "b_relu", "c_relu"} < {layer.name for layer in layers}
    *convolutions, _, main = layers
    assert not first_departure(convolutions)
    assert main.within == 1
    assert not [str(layer) for layer in layers if layer.noise < 30]


def test_a_layer_that_computes_something_else_is_the_first_named(chain):
    trained, quantized, pixels = chain
    content = file_of(quantized)
    with changed(quantized, "quant_b", "bias", lambda bias: bias + 0.1):
        layers = by_layer(content, quantized, trained, pixels, EXPECTED)
    assert first_departure(layers).startswith("; the first layer that departs: b_relu (0..")


def test_values_at_the_ends_of_a_range_are_counted(chain):
    trained, quantized, pixels = chain
    with changed(quantized, "quant_a_relu", "high", lambda high: high / 4):
        content = file_of(quantized)
        layers = by_layer(content, quantized, trained, pixels, EXPECTED)
    narrow = next(layer for layer in layers if layer.name == "a_relu")
    assert narrow.saturated > 0.01 and narrow.noise < 20


@pytest.mark.slow
def test_the_engine_keras_is_judged_alike(run, int8_qat):
    with kept(int8_qat):
        path = exporting.quantize(run.folder, epochs=1, engine="keras", logits=True).path
        record = json.loads(path.with_suffix(".json").read_text())
        assert record["quantization_aware_training"]["engine"] == "keras"
        assert evaluate(path).top1 == record["int8"]["top1"]
        assert record["agreement"]["logits"] > 0.99
