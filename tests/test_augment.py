"""Augmented images keep their size and kind, repeat by seed, and their labels follow the pixels."""

import numpy as np
import pytest
from PIL import Image

from keras_inception.training import data
from keras_inception.training.data import augment
from keras_inception.training.data.batches import TrainingBatches
from keras_inception.training.recipes.recipe import Recipe, recipe_for

STRONG = {
    "random_interpolation": True,
    "colour": 0.5,
    "rand_augment": 2,
    "erasing": 0.5,
}


def photo(mode, size=(50, 40)):
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_views_keep_their_kind_and_repeat_by_seed(mode):
    recipe = Recipe("digits", image_size=24, **STRONG)

    def view(seed):
        seen = augment.augment(photo(mode), recipe, np.random.default_rng(seed))
        assert (seen.size, seen.mode) == ((24, 24), mode)
        return seen.tobytes()

    assert [view(seed) for seed in range(20)] == [view(seed) for seed in range(20)]
    assert len({view(seed) for seed in range(20)}) == 20


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("strength", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("operation", range(len(augment.OPERATIONS)))
def test_every_operation_keeps_size_and_mode(operation, strength, mode):
    seen = augment.OPERATIONS[operation](photo(mode), strength)
    assert (seen.size, seen.mode) == ((50, 40), mode)


@pytest.mark.parametrize("name", ["random_interpolation", "colour", "rand_augment", "erasing"])
def test_each_augmentation_does_something(name):
    def views(**changes):
        recipe = Recipe("digits", image_size=24, **changes)
        rngs = [np.random.default_rng(seed) for seed in range(8)]
        return [augment.augment(photo("RGB"), recipe, rng).tobytes() for rng in rngs]

    assert views(**{name: STRONG[name]}) != views()


@pytest.mark.parametrize(("min_area", "aspect"), [(0.08, 4 / 3), (0.5, 2.0), (1.0, 1.0)])
def test_crops_keep_area_and_aspect_within_the_stated_limits(min_area, aspect):
    """GoogLeNet, section 6: 8 to 100 % of the area, aspect ratio 3/4 to 4/3."""
    boxes = []

    class Recorder:
        width, height = 200, 200

        def resize(self, size, resample, box):
            boxes.append(box)
            return self

    recipe = Recipe("digits", min_area=min_area, aspect=aspect, flip=False)
    rng = np.random.default_rng(0)
    for _ in range(2000):
        augment.random_crop(Recorder(), recipe, rng)
    left, top, right, bottom = np.array(boxes).T
    width, height = right - left, bottom - top
    assert left.min() >= 0 and top.min() >= 0 and right.max() <= 200 and bottom.max() <= 200
    area, ratio = width * height / 200**2, width / height
    assert 0.9 * min_area <= area.min() < 1.25 * min_area and 0.9 < area.max() <= 1 + 1e-9
    # A crop that would leave the image is cut off, which brings its ratio nearer to 1.
    assert ratio.min() == pytest.approx(1 / aspect, rel=0.03) and ratio.min() >= 1 / aspect - 1e-9
    assert ratio.max() == pytest.approx(aspect, rel=0.03) and ratio.max() <= aspect + 1e-9


def test_erasing_covers_2_to_33_percent():
    blank = Image.new("L", (100, 100))
    rngs = (np.random.default_rng(seed) for seed in range(300))
    shares = [np.mean(np.asarray(augment.erase(blank, rng)) > 0) for rng in rngs]
    assert 0.018 < min(shares) < 0.05 and 0.28 < max(shares) < 0.34


def test_smoothed_labels_by_hand():
    """Rethinking the Inception Architecture, section 7: 0.1 of 1000 classes adds 1e-4."""
    smooth = augment.soft(np.array([3]), 1000, 0.1)
    assert smooth[0, 3] == pytest.approx(0.9 + 1e-4)
    assert smooth[0, 4] == pytest.approx(1e-4)
    np.testing.assert_array_equal(augment.soft(np.array([1, 0]), 3), [[0, 1, 0], [1, 0, 0]])


@pytest.mark.parametrize("kinds", [{"mixup": 1.0}, {"cutmix": 1.0}, {"mixup": 1.0, "cutmix": 1.0}])
def test_mixed_labels_are_in_proportion_to_the_pixels(kinds):
    """Image k is all k: its mean says how much of the image before it there is in it."""
    count, recipe = 64, Recipe("digits", **kinds)
    images = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 16, 12, 1))
    rngs = [np.random.default_rng(seed) for seed in range(count)]
    mixed, targets = augment.mix(
        images.astype(np.uint8), augment.soft(np.arange(count), count), recipe, rngs
    )
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(targets @ np.arange(count), mixed.mean((1, 2, 3)), rtol=1e-4)
    own = targets[np.arange(count), np.arange(count)]
    assert own.min() < 0.3 and own.max() > 0.8
    np.testing.assert_allclose(own + targets[np.arange(count), np.arange(count) - 1], 1, rtol=1e-6)


def test_soft_batches_depend_on_seed_epoch_and_position_alone():
    recipe = recipe_for("digits", recipe="modern", batch_size=16)
    train = data.DataRef("digits").split().train

    def batch(epoch, index):
        images, labels = TrainingBatches(train, recipe, lambda x: x, epoch)[index]
        assert images.shape == (16, 32, 32, 1) and labels.shape == (16, 10)
        np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
        return images.tobytes() + labels.tobytes()

    assert batch(3, 5) == batch(3, 5)
    assert len({batch(0, 0), batch(0, 1), batch(1, 0)}) == 3
