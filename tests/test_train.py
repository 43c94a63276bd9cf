"""A run folder says how it was made, its curves can be read, and it goes on where it stopped."""

import csv
import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.runs import assert_same
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

import keras_inception as ki
from keras_inception.costs import total
from keras_inception.errors import BadInput
from keras_inception.metrics import score
from keras_inception.serialization import from_config
from keras_inception.training import fit
from keras_inception.training.recipes import precision
from keras_inception.training.recipes.recipe import network_of, recipe_for
from keras_inception.training.run import run_folder
from keras_inception.transform import without_aux


def test_a_small_network_learns_the_digits(run):
    assert run.result["top1"] > 0.9
    assert run.result["images"] == 359


def test_the_folder_says_how_it_was_made(run):
    record = json.loads((run.folder / "run.json").read_text())
    assert record["recipe"]["seed"] == 0
    assert record["recipe"]["epochs"] == 6
    assert record["environment"]["backend"] == keras.backend.backend()
    assert record["environment"]["precision"] == "float32"
    assert record["environment"]["versions"]["keras"] == keras.__version__
    assert len(record["data"]["fingerprint"]) == 64
    assert run_folder.read(run.folder) == run


def test_the_model_kept_is_for_inference(run):
    model = keras.saving.load_model(run.model)
    assert model.output_names == ["main"]
    assert model.count_params() == total(without_aux(run.network)).parameters


def test_tensorboard_has_every_head_and_the_learning_rate(run, whole):
    def scalars(part):
        events = EventAccumulator(str(run.tensorboard / part)).Reload()
        return {
            tag: [float(make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
            for tag in events.Tags()["tensors"]
            if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
        }

    # Histograms are for --histograms.
    events = EventAccumulator(str(whole.tensorboard / "train")).Reload()
    assert not any(tag.endswith("kernel") for tag in events.Tags()["tensors"])
    heads = {f"{h}/{m}" for h in ("main", "aux1", "aux2") for m in ("loss", "accuracy", "top5")}
    train, validation = scalars("train"), scalars("validation")
    assert train.keys() > heads | {"loss", "learning_rate", "gradient_norm/global"}
    assert validation.keys() == heads | {"loss", "images_per_second"}
    assert all(len(values) == 6 for values in (*train.values(), *validation.values()))
    rows = list(csv.DictReader(run.log.open()))
    logged = [float(row["val_main_accuracy"]) for row in rows]
    np.testing.assert_allclose(validation["main/accuracy"], logged, rtol=1e-5)


def test_the_learning_rate_warms_up_and_decays():
    recipe = recipe_for("digits", epochs=10, warmup_epochs=2, learning_rate=0.4)
    rate = fit.optimizer_for(recipe, 50, "float32")._learning_rate
    assert [float(rate(step)) for step in (0, 50, 100)] == pytest.approx([0, 0.2, 0.4])
    assert float(rate(300)) == pytest.approx(0.2)
    assert float(rate(500)) == pytest.approx(0, abs=1e-7)


def test_norms_and_biases_are_not_decayed():
    model = ki.GoogLeNet(norm="batch", width=0.25, input_shape=(32, 32, 1), classes=3)
    optimizer = fit.optimizer_for(recipe_for("digits"), 10, "float32")
    optimizer.build(model.trainable_variables)
    decayed = {v.name for v in model.trainable_variables if optimizer._use_weight_decay(v)}
    assert decayed == {"kernel"}


@pytest.mark.usefixtures("tiny_network")
def test_an_interrupted_run_ends_as_an_uninterrupted_one(stopped, whole):
    with pytest.raises(BadInput, match="no trained model yet"):
        run_folder.trained(stopped)
    fit.resume(stopped)
    assert_same(stopped, whole)


@pytest.mark.slow
def test_so_does_one_of_a_whole_network(tmp_path, monkeypatch):
    recipe = recipe_for("digits", width=0.25, epochs=3, image_size=24)
    whole = fit.start(recipe, tmp_path / "whole")

    class Interrupted(Exception):
        pass

    finish = fit.Checkpoint.on_epoch_end

    def stop(self, epoch, logs=None):
        finish(self, epoch, logs)
        if epoch == 0:
            raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(fit.Checkpoint, "on_epoch_end", stop)
        with pytest.raises(Interrupted):
            fit.start(recipe, tmp_path / "stopped")
    resumed = fit.resume(tmp_path / "stopped")
    assert len(resumed.log.read_text().splitlines()) == 1 + 3
    for a, b in zip(
        ki.load_model(whole.model).get_weights(),
        ki.load_model(resumed.model).get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_run_stopped_in_its_first_epoch_starts_over(tmp_path, monkeypatch):
    recipe = recipe_for("digits", width=0.25, epochs=1, image_size=17)

    class Interrupted(Exception):
        pass

    def stop(self, epoch, logs=None):
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(fit.Checkpoint, "on_epoch_end", stop)
        with pytest.raises(Interrupted):
            fit.start(recipe, tmp_path / "run")
    resumed = fit.resume(tmp_path / "run")
    assert resumed.model.is_file()
    assert len(resumed.log.read_text().splitlines()) == 1 + 1


def test_what_exists_is_not_trained_over(run):
    with pytest.raises(BadInput, match="already holds a run"):
        fit.start(run.recipe, run.folder)


def test_other_peoples_files_are_not_written_over(tmp_path):
    (tmp_path / "model.keras").write_text("precious")
    with pytest.raises(BadInput, match="is no run; name a new or an empty folder"):
        fit.start(recipe_for("digits"), tmp_path)
    with pytest.raises(BadInput, match="is no run"):
        fit.start(recipe_for("digits"), tmp_path / "model.keras")


def test_resuming_needs_the_same_images(run, monkeypatch):
    record = run_folder.read(run.folder)
    record.data["fingerprint"] = "0" * 64
    monkeypatch.setattr(run_folder, "read", lambda folder: record)
    with pytest.raises(BadInput, match="have changed since"):
        fit.resume(run.folder)


def test_auto_precision_is_float16_on_a_gpu_only(monkeypatch):
    assert precision.resolve("auto") == "float32"
    monkeypatch.setattr(precision, "on_gpu", lambda: True)
    assert precision.resolve("auto") == "mixed_float16"
    assert precision.resolve("mixed_bfloat16") == "mixed_bfloat16"


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_in_half_and_ends_in_float32(policy):
    model = ki.build(
        network_of(recipe_for("digits", width=0.25, aux=True), 1, 10), keras, dtype=policy
    )
    assert model.get_layer("inception_3a").compute_dtype == policy.removeprefix("mixed_")
    assert {layer.dtype for layer in model.outputs} == {"float32"}
    assert model.get_layer("loss3_classifier").compute_dtype == "float32"
    assert {v.dtype for v in model.trainable_variables} == {"float32"}


def test_float16_losses_are_scaled():
    optimizer = fit.optimizer_for(recipe_for("digits"), 10, "mixed_float16")
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def test_a_run_keeps_its_network(run):
    record = json.loads((run.folder / "run.json").read_text())
    assert from_config(record["network"]) == run.network


def test_scores_by_hand():
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.0, 0.4, 0.6]])
    scores = score(probabilities, np.array([0, 2, 0]))
    assert scores.top1 == pytest.approx(1 / 3)
    assert scores.top5 == 1
    assert scores.loss == pytest.approx(-np.log([0.6, 0.3, 1e-7]).mean())


def test_top_5_counts_the_first_five():
    ramp = np.linspace(0.3, 0, 10)[None]
    assert score(ramp, np.array([4])).top5 == 1
    assert score(ramp, np.array([5])).top5 == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"epochs": 0}, "epochs must be at least 1; got 0"),
        ({"norm": "group"}, "norm must be one of published, batch, lrn, none"),
        ({"precision": "float8"}, "precision must be one of"),
        ({"min_area": 0}, "min_area must be"),
        ({"warmup_epochs": -1}, "warmup_epochs must be"),
        ({"color": 1}, "a recipe has no color"),
    ],
)
def test_bad_recipes_get_one_sentence(changes, sentence):
    with pytest.raises(BadInput, match=sentence):
        recipe_for("digits", **changes)


@pytest.mark.slow
def test_mixed_float16_reaches_the_accuracy_of_float32(run, tmp_path):
    mixed = fit.start(replace(run.recipe, precision="mixed_float16"), tmp_path / "run")
    assert mixed.environment["precision"] == "mixed_float16"
    assert mixed.result["top1"] >= run.result["top1"] - 0.02
    curves = EventAccumulator(str(mixed.tensorboard / "train")).Reload()
    scales = [float(make_ndarray(event.tensor_proto)) for event in curves.Tensors("loss_scale")]
    skipped = [float(make_ndarray(event.tensor_proto)) for event in curves.Tensors("skipped_steps")]
    assert len(scales) == len(skipped) == mixed.recipe.epochs
    # The scale starts at 32768 and is halved by every step that overflows.
    assert scales[-1] == 32768 / 2 ** sum(skipped)
