"""What reaches the network: crops from less than the whole JPEG, skewed sets, bad images, rates."""

import logging
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import tiny_run
from helpers.networks import short
from helpers.photos import encoded, photo
from PIL import Image

from keras_inception.errors import BadInput
from keras_inception.images import MAX_PIXELS, Undecoded, decode
from keras_inception.preprocess import Preprocessing
from keras_inception.training import data, fit
from keras_inception.training.data import balance, evaluation_pixels, input_rate
from keras_inception.training.data.augment import random_crop
from keras_inception.training.data.batches import TrainingBatches
from keras_inception.training.data.evaluation_pixels import EvaluationPixels
from keras_inception.training.recipes.recipe import recipe_for


def crop(image, size, seed, min_area):
    recipe = recipe_for("folder:x", image_size=size, min_area=min_area)
    return random_crop(image, recipe, np.random.default_rng(seed))


def smooth(size):
    """A photograph-like image: noise of few pixels, enlarged."""
    return photo(3, (12, 9)).resize(size, Image.BICUBIC)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_crops_of_large_jpegs_come_from_a_reduced_one(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(smooth((800, 600)), "JPEG", exif=exif, quality=95)
    drafted = []

    for seed in range(5):
        lazy = Undecoded(content, "RGB")
        assert (lazy.width, lazy.height) == decode(content, "RGB").size
        reduced = crop(lazy, 96, seed, 0.5)
        drafted.append(lazy.image.size)
        whole = crop(decode(content, "RGB"), 96, seed, 0.5)
        difference = np.abs(np.asarray(reduced, float) - np.asarray(whole, float))
        assert difference.mean() < 1.5
    assert {(400, 300), (200, 150)} & set(drafted)


def test_crops_that_need_all_pixels_get_them():
    """Never fewer pixels than are wanted: until a crop is twice the size nothing changes."""
    for content in (encoded(smooth((380, 300)), "JPEG"), encoded(smooth((800, 600)))):
        lazy = Undecoded(content, "RGB")
        whole = crop(decode(content, "RGB"), 160, 1, 0.3)
        np.testing.assert_array_equal(crop(lazy, 160, 1, 0.3), whole)


def test_bombs_are_refused_before_they_are_decoded():
    side = int(MAX_PIXELS**0.5) + 1
    with pytest.raises(ValueError, match="more than 80,000,000"):
        decode(encoded(Image.new("1", (side, side))), "L")


def skewed(sizes=(60, 20, 4)):
    labels = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    return data.Examples(
        lambda i: photo(int(i), mode="L"), labels, tuple("abc"), 1, "", name=lambda i: f"image {i}"
    )


def test_balanced_sampling_shows_all_classes_equally_often():
    labels = skewed().labels
    first, second = (balance.order(labels, 0, epoch, True) for epoch in (0, 1))
    assert len(first) == 84 == len(set(first.tolist()))
    assert np.bincount(labels[first % 84]).tolist() == [28, 28, 28]
    assert set((first % 84).tolist()) >= set(range(60, 84))
    np.testing.assert_array_equal(first, balance.order(labels, 0, 0, True))
    assert set((first % 84).tolist()) != set((second % 84).tolist())
    plain = balance.order(labels, 5, 2, False)
    np.testing.assert_array_equal(plain, np.random.default_rng((5, 2)).permutation(84))


def test_an_image_shown_again_is_cropped_anew():
    examples = skewed((8, 1))
    recipe = recipe_for("digits", balanced_sampling=True, batch_size=9, seed=1, image_size=12)
    images, labels = TrainingBatches(examples, recipe, lambda x: x)[0]
    again = {images[i].tobytes() for i in np.flatnonzero(labels == 1)}
    assert len(again) == np.count_nonzero(labels == 1) >= 4


def test_class_weights_are_in_the_batch_and_1_on_average():
    recipe = recipe_for("digits", class_weights=True, batch_size=84, image_size=12)
    _, labels, weights = TrainingBatches(skewed(), recipe, lambda x: x)[0]
    assert weights.mean() == pytest.approx(1)
    sums = np.bincount(labels, weights)
    np.testing.assert_allclose(sums, sums[0], rtol=1e-6)
    with pytest.raises(BadInput, match="balanced_sampling must be left out"):
        recipe_for("digits", class_weights=True, balanced_sampling=True)


def test_class_weights_reach_every_heads_loss():
    from keras_inception.builder import build
    from keras_inception.training.recipes.recipe import network_of

    recipe = recipe_for("digits", aux=True, class_weights=True, batch_size=84)
    x, y, weights = TrainingBatches(skewed(), recipe, Preprocessing())[0]
    model = build(short(network_of(recipe, 1, 3)), keras)
    model.compile(loss="sparse_categorical_crossentropy")
    found = model.test_on_batch(x, y, weights, return_dict=True)
    for name, outputs in zip(model.output_names, model(x), strict=True):
        expected = np.mean(-weights * np.log(np.array(outputs)[np.arange(84), y]))
        assert found[f"{name}_loss"] == pytest.approx(expected, rel=1e-3)


@pytest.fixture
def broken(tmp_path):
    """A folder of two classes, one of whose images to train on is whole at both ends only."""
    for k in range(24):
        path = tmp_path / "data" / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(photo(k)))
    path = Path(data.DataRef(f"folder:{tmp_path / 'data'}").split().train.name(3))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    return path


def recipe_of(broken, **changes):
    settings = {"width": 0.25, "image_size": 17, "epochs": 1, "batch_size": 4} | changes
    return recipe_for(f"folder:{broken.parents[1]}", **settings)


def test_bad_images_are_replaced_by_the_next_of_their_class(broken, caplog):
    train = data.DataRef(f"folder:{broken.parents[1]}").split().train
    batches = [TrainingBatches(train, recipe_of(broken), lambda x: x) for _ in range(2)]
    for index in range(len(batches[0])):
        for a, b in zip(batches[0][index], batches[1][index], strict=True):
            np.testing.assert_array_equal(a, b)
    assert batches[0].bad.found == {3}
    assert caplog.text.count(f"replaced by others of its class: {broken}") == 2
    stand_in = batches[0].bad.first_readable(3, lambda i: train.image(i) and i)
    assert train.labels[stand_in] == train.labels[3] and stand_in > 3


def test_a_run_counts_the_images_it_replaced(broken, tmp_path, monkeypatch, tiny_network, caplog):
    # All but the network's own steps, which take the time.
    monkeypatch.setattr(
        keras.Model, "fit", lambda model, batches, **_: [batches[k] for k in range(len(batches))]
    )
    run = fit.start(recipe_of(broken), tmp_path / "run")
    assert run.result["replaced_images"] == 1
    assert run.recipe.bad_images == "skip"
    # Said by every training, not by a dry run alone.
    assert "batch_norm_momentum 0.9 averages over about 10 of the" in caplog.text


def test_a_run_stops_at_a_bad_image_if_asked(broken, tmp_path, tiny_network):
    # Met in the middle of the training, where TensorFlow makes an error of its own of it.
    with pytest.raises(BadInput, match=rf"{broken.name} cannot be read.*--bad-images skip"):
        fit.start(recipe_of(broken, bad_images="stop"), tmp_path / "run")


def test_a_class_of_bad_images_stops_any_run(broken):
    train = data.DataRef(f"folder:{broken.parents[1]}").split().train
    only = TrainingBatches(train.take(np.array([3])), recipe_of(broken), lambda x: x)
    with pytest.raises(BadInput, match="has no readable image"):
        only[0]


def test_what_is_evaluated_on_must_be_readable(broken):
    train = data.DataRef(f"folder:{broken.parents[1]}").split().train
    EvaluationPixels(train.take(np.arange(3)), 8, Preprocessing()).decode()
    with pytest.raises(
        BadInput, match=f"{broken.name} cannot be read.*`keras-inception data check`"
    ):
        EvaluationPixels(train, 8, Preprocessing()).decode()


@pytest.mark.parametrize(("alone", "waits"), [(1000, False), (45, True)])
def test_a_run_says_whether_it_waits_for_its_images(alone, waits, monkeypatch, caplog):
    clock = iter([10.0, 11.0, 12.0])
    monkeypatch.setattr(input_rate, "images_per_second", lambda batches: alone)
    monkeypatch.setattr(input_rate.time, "perf_counter", lambda: next(clock))
    batches = TrainingBatches(skewed(), recipe_for("digits", batch_size=40), lambda x: x)
    callback = input_rate.InputRate(batches)
    with caplog.at_level(logging.INFO):
        callback.on_train_begin()
        callback.on_epoch_begin(0)
        for step in range(3):
            callback.on_train_batch_end(step)
        callback.on_epoch_end(0)
    assert f"input pipeline: {alone} images/s alone; the network takes 40 images/s" in caplog.text
    assert ("waits for its images" in caplog.text) == waits


@pytest.mark.slow
def test_held_out_images_are_decoded_once_in_a_training(tiny_network, tmp_path, monkeypatch):
    """Neither once more to see that they can be, nor in every epoch, nor for the result."""
    decoded, pixels = [], evaluation_pixels.pixels

    def counted(examples, size, expected, indices=None):
        decoded.extend((examples.part, int(i)) for i in indices)
        return pixels(examples, size, expected, indices)

    monkeypatch.setattr(evaluation_pixels, "pixels", counted)
    run = fit.start(recipe_for("digits", **tiny_run.OPTIONS), tmp_path / "run")
    counts = {part: sum(p == part for p, _ in decoded) for part in ("validation", "test")}
    assert counts == {part: run.data[part] for part in counts} and len({*decoded}) == len(decoded)
