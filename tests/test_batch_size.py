"""The batch size is found by trying, and what does not fit kills only the trial."""

import sys

import pytest

from keras_inception.cli import main
from keras_inception.errors import BadInput
from keras_inception.training import batch_size, fit
from keras_inception.training.batch_size import fitted, images_per_second
from keras_inception.training.recipes.recipe import recipe_for

RECIPE = recipe_for("digits", width=0.25, learning_rate=0.1, batch_size=32)


def rates(monkeypatch, found):
    """Pretend that batches of these sizes train so fast."""
    tried = []

    def pretended(recipe, channels, classes):
        tried.append(recipe.batch_size)
        return found[recipe.batch_size]

    monkeypatch.setattr(batch_size, "images_per_second", pretended)
    return tried


def test_the_size_is_doubled_while_it_pays(monkeypatch):
    tried = rates(monkeypatch, {8: 100.0, 16: 150.0, 32: 190.0, 64: 195.0})
    found = fitted(RECIPE, 1000, 1, 10)
    assert tried == [8, 16, 32, 64] and found.batch_size == 32


def test_the_last_that_fits_is_taken_and_the_rate_follows(monkeypatch):
    rates(monkeypatch, {8: 100.0, 16: None})
    found = fitted(RECIPE, 1000, 1, 10)
    assert (found.batch_size, found.learning_rate) == (8, 0.025)


def test_no_batch_is_larger_than_the_data(monkeypatch):
    tried = rates(monkeypatch, {8: 1.0, 16: 2.0, 32: 4.0})
    fitted(RECIPE, 40, 1, 10)
    assert tried == [8, 16, 32]


def test_what_never_fits_is_told(monkeypatch):
    rates(monkeypatch, {8: None})
    with pytest.raises(BadInput, match="does not fit into memory in batches of 8"):
        fitted(RECIPE, 1000, 1, 10)


@pytest.mark.parametrize(
    ("program", "end"),
    [
        ("import os; os.kill(os.getpid(), 9)", None),
        ("raise MemoryError", None),
        ("raise RuntimeError('ResourceExhaustedError: OOM when allocating')", None),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("raise SystemExit(3)", "exit status 3"),
    ],
)
def test_only_a_lack_of_memory_means_that_a_batch_does_not_fit(monkeypatch, program, end):
    monkeypatch.setattr(batch_size, "command", lambda module: [sys.executable, "-c", program])
    if end is None:
        assert images_per_second(RECIPE, 1, 10) is None
    else:
        with pytest.raises(RuntimeError, match=f"a batch of 32 could not be tried: .*{end}"):
            images_per_second(RECIPE, 1, 10)


@pytest.mark.slow
def test_a_trial_measures_and_an_exhausted_one_is_survived():
    assert images_per_second(RECIPE, 1, 10) > 1
    greedy = recipe_for("digits", width=2.0, image_size=224, batch_size=256)
    assert images_per_second(greedy, 3, 10, limit=2 * 10**9) is None


def test_the_command_takes_auto(monkeypatch, tmp_path):
    rates(monkeypatch, {8: 1.0, 16: None})
    started = []
    monkeypatch.setattr(fit, "start", lambda recipe, *_: started.append(recipe) or exit(0))
    with pytest.raises(SystemExit):
        main(["train", "--run", str(tmp_path / "r"), "--batch", "auto"])
    assert started[0].batch_size == 8
