"""Named recipes are what they say, go over the data's values, and train to the last bit."""

import csv
import shutil

import keras
import numpy as np
import pytest
from helpers import tiny_run

import keras_inception as ki
from keras_inception.cli import main
from keras_inception.errors import BadInput
from keras_inception.training import fit
from keras_inception.training.recipes.published import NAMED
from keras_inception.training.recipes.recipe import Recipe, recipe_for
from keras_inception.training.run import run_folder
from keras_inception.weights import store

PAPERS = ("googlenet_2014", "inception_bn_2015", "inception_v3_2015", "inception_v4_2016")
EVERYTHING = {
    "width": 0.25,
    "image_size": 24,
    "epochs": 2,
    "batch_size": 400,
    "optimizer": "rmsprop",
    "l2": 4e-5,
    "clipnorm": 2.0,
    "ema": 0.8,
    "colour": 0.5,
    "rand_augment": 1,
    "erasing": 0.25,
    "mixup": 0.2,
    "cutmix": 1.0,
    "label_smoothing": 0.1,
    # One part for both: what validation sees can be compared with what is exported.
    "validation": 0.0,
}


@pytest.fixture(scope="module")
def averaged(tmp_path_factory):
    """A run with everything on, its weights after every step, and its folder after an epoch."""
    folder, steps = tmp_path_factory.mktemp("averaged"), []
    finish = fit.Checkpoint.on_epoch_end

    def note(self, batch, logs=None):
        steps.append(store.read(self.model))

    def copy(self, epoch, logs=None):
        finish(self, epoch, logs)
        if epoch == 0:
            shutil.copytree(folder / "run", folder / "stopped")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "network_of", tiny_run.network_of)
        patch.setattr(fit.Checkpoint, "on_train_batch_end", note)
        patch.setattr(fit.Checkpoint, "on_epoch_end", copy)
        run = fit.start(recipe_for("digits", **EVERYTHING), folder / "run")
    return run, steps, folder / "stopped"


def test_the_exported_weights_are_the_averages(averaged):
    run, steps, _ = averaged
    assert len(steps) == 2 * 3
    for key, exported in store.read(ki.load_model(run.model)).items():
        expected = steps[0][key].astype(float)
        for step in steps[1:]:
            expected = 0.8 * expected + 0.2 * step[key]
        if "moving" in key:  # statistics are taken as they are
            expected = steps[-1][key]
        np.testing.assert_allclose(exported, expected, rtol=1e-4, atol=1e-6, err_msg=key)


def test_validation_is_of_the_averages_and_logs_stay_comparable(averaged):
    run, *_ = averaged
    last = list(csv.DictReader(run.log.open()))[-1]
    assert float(last["val_accuracy"]) == pytest.approx(run.result["top1"], abs=1e-4)
    assert float(last["val_loss"]) == pytest.approx(run.result["loss"], rel=1e-3)


@pytest.mark.slow
def test_a_resumed_run_with_everything_on_ends_bit_for_bit(averaged):
    whole, _, stopped = averaged
    assert not run_folder.read(stopped).model.is_file()
    resumed = fit.resume(stopped)
    theirs = store.read(ki.load_model(resumed.model))
    for key, ours in store.read(ki.load_model(whole.model)).items():
        np.testing.assert_array_equal(ours, theirs[key])
    # Once more, with nothing left to train: the averages again.
    resumed.model.unlink()
    again = store.read(ki.load_model(fit.resume(stopped).model))
    np.testing.assert_array_equal(again["conv1_7x7_s2/kernel"], theirs["conv1_7x7_s2/kernel"])


def test_the_record_holds_the_whole_recipe(averaged):
    run, *_ = averaged
    assert run_folder.read(run.folder).recipe == run.recipe


@pytest.mark.parametrize("name", NAMED)
def test_named_recipes_are_complete(name):
    named = NAMED[name]
    weights = {"weights": "imagenet"} if name == "finetune" else {}
    recipe = recipe_for("folder:photos", recipe=name, **weights)
    assert recipe.recipe == name
    assert {field: getattr(recipe, field) for field in named.values} == dict(named.values)
    assert f"--recipe {name}" in named.command


@pytest.mark.parametrize("name", PAPERS)
def test_a_papers_recipe_leaves_only_facts_of_the_data_to_the_data(name):
    digits, photographs = (recipe_for(d, recipe=name) for d in ("digits", "folder:photos"))
    differing = {
        field
        for field in Recipe.__dataclass_fields__
        if getattr(digits, field) != getattr(photographs, field)
    }
    assert differing == {"data", "flip"}


def test_given_values_go_over_named_ones_and_those_over_the_datas():
    recipe = recipe_for("digits", recipe="modern", epochs=7)
    assert (recipe.epochs, recipe.cutmix, recipe.image_size) == (7, 0.2, 32)


def test_weights_imply_fine_tuning():
    recipe = recipe_for("digits", weights="imagenet", network="inception_v3", epochs=3)
    expected = ("finetune", "published", 1.0, 299, 3, 0.005)
    assert expected == (
        recipe.recipe,
        recipe.norm,
        recipe.width,
        recipe.image_size,
        recipe.epochs,
        recipe.learning_rate,
    )
    assert recipe_for("digits", weights="imagenet", recipe="modern").recipe == "modern"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"recipe": "vgg"}, "recipe must be one of googlenet_2014"),
        ({"recipe": "finetune"}, "starts from published weights; give --weights"),
        ({"optimizer": "adam"}, "optimizer must be sgd or rmsprop; got adam"),
        ({"schedule": "linear"}, "schedule must be cosine or staircase; got linear"),
        ({"schedule": "staircase"}, "and 0 with the staircase schedule; got 1.0"),
        ({"ema": 1.0}, r"ema must be in \[0, 1\); got 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing must be"),
        ({"clipnorm": -1.0}, "clipnorm must be at least 0"),
        ({"epsilon": 0.0}, "epsilon must be above 0"),
        ({"aspect": 0.75}, "aspect must be at least 1"),
        ({"colour": 2.0}, r"colour must be in \[0, 1\]"),
        ({"rand_magnitude": 11.0}, r"rand_magnitude must be in \[0, 10\]"),
        ({"mixup": float("nan")}, "mixup must be at least 0; got nan"),
    ],
)
def test_bad_values_get_one_sentence(changes, sentence):
    with pytest.raises(BadInput, match=sentence):
        recipe_for("digits", **changes)


def test_recipes_are_listed_and_printed_in_full(capsys):
    assert main(["recipes"]) == 0
    out = capsys.readouterr().out
    assert all(name in out and NAMED[name].expected in out for name in NAMED)
    assert main(["recipes", "inception_v3_2015"]) == 0
    out = capsys.readouterr().out
    assert NAMED["inception_v3_2015"].command in out and "label_smoothing       0.1" in out
    assert main(["recipes", "vgg"]) == 2
    assert "a named recipe is one of" in capsys.readouterr().err


def test_a_dry_run_says_everything_and_writes_nothing(tmp_path, monkeypatch, capsys, tiny_network):
    monkeypatch.chdir(tmp_path)
    argv = ["train", "--dry-run", "--run", "r", "--recipe", "modern", "--width", "0.25"]
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    words = (
        "1,295 images of 10 classes (",
        "143 for validation, 359 to test on",
        "100 epochs of 40 steps of 32 images: 4,000",
        "float32 on",
        "averages",
        "MiB",
        "s a step",
    )
    assert [word for word in words if word not in out] == []
    rows = {line.split()[0]: line.split()[-1] for line in out.split("recipe\n")[1].splitlines()}
    assert {"width": "given", "cutmix": "modern", "image_size": "digits"}.items() <= rows.items()
    assert rows["precision"] == "default" and rows.keys() == Recipe.__dataclass_fields__.keys()
    assert main([*argv, "--resume"]) == 2
    assert "--dry-run is about a new run" in capsys.readouterr().err


def test_averages_that_reach_too_far_back_are_pointed_out():
    from keras_inception.training.recipes.optimizers import lags

    assert (
        "ema 0.9999 averages over about 10,000 of the 4,400"
        in lags(Recipe("digits", ema=0.9999), 4400)[0]
    )
    assert lags(Recipe("digits", ema=0.99), 4400) == []


def test_memory_counts_what_training_holds():
    """A dense layer of 3 x 2 + 2 numbers, with momentum and averages, 4 images of 3 and 2."""
    from keras_inception.training.dry_run import memory

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(fit.optimizer_for(Recipe("digits", ema=0.9), 10, "float32"), "mse")
    model.optimizer.build(model.trainable_variables)
    held = memory(model, 4)
    assert (held["weights"], held["gradients"], held["averages"]) == (32, 32, 32)
    assert 32 <= held["optimizer"] <= 32 + 16  # and the step's number
    assert held["activations"] == 4 * 2 * 4
