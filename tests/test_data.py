"""Images of every kind become 8-bit pixels, or are counted and named; splits are reproducible."""

import logging
import os

import numpy as np
import pytest
from helpers.photos import encoded, photo
from PIL import Image

from keras_inception.errors import BadInput
from keras_inception.images import decode
from keras_inception.preprocess import Preprocessing
from keras_inception.training import data
from keras_inception.training.data.batches import TrainingBatches
from keras_inception.training.data.evaluation_pixels import pixels
from keras_inception.training.recipes.recipe import recipe_for


@pytest.fixture
def folder(tmp_path):
    """Two classes of five photographs each."""
    for number, name in enumerate(["cats", "dogs"]):
        (tmp_path / name).mkdir()
        for i in range(5):
            (tmp_path / name / f"{i}.png").write_bytes(encoded(photo(10 * number + i)))
    return tmp_path


def test_digits_are_scikit_learns():
    split = data.DataRef("digits").split()
    assert len(split.train) + len(split.validation) + len(split.test) == 1797
    assert len(split.test) == pytest.approx(0.2 * 1797, abs=5)
    assert len(split.validation) == pytest.approx(0.1 * 0.8 * 1797, abs=5)
    assert split.train.image(0).size == (8, 8)
    assert max(np.asarray(split.train.image(i)).max() for i in range(20)) == 255


def test_a_split_is_stratified_disjoint_and_decided_by_the_seed(folder):
    split = data.DataRef(f"folder:{folder}", holdout=0.4).split()
    assert np.bincount(split.test.labels).tolist() == [2, 2]
    assert np.bincount(split.validation.labels).tolist() == [1, 1]
    parts = (split.train, split.validation, split.test)
    seen = {np.asarray(part.image(i)).tobytes() for part in parts for i in range(len(part))}
    assert len(seen) == 10 and [part.part for part in parts] == ["train", "validation", "test"]

    def first(seed):
        return np.asarray(
            data.DataRef(f"folder:{folder}", 0.4, seed).split().test.image(0)
        ).tobytes()

    assert first(3) == first(3)
    assert len({first(seed) for seed in range(5)}) > 1


def test_16_bit_samples_keep_their_high_byte():
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    out = np.asarray(decode(encoded(Image.fromarray(deep)), "L"))
    np.testing.assert_array_equal(out, [[0, 0, 1, 255]])


def test_cmyk_grey_palette_and_transparent_images_become_rgb():
    red = Image.new("RGB", (4, 4), (254, 0, 0))
    for image, kind in [(red.convert("CMYK"), "JPEG"), (red.convert("P"), "PNG"), (red, "PNG")]:
        out = np.asarray(decode(encoded(image, kind), "RGB"))
        np.testing.assert_allclose(out[0, 0], (254, 0, 0), atol=3)
    grey = decode(encoded(Image.new("L", (4, 4), 7)), "RGB")
    assert np.asarray(grey).tolist() == np.full((4, 4, 3), 7).tolist()
    clear = decode(encoded(Image.new("RGBA", (4, 4), (9, 9, 9, 0))), "RGB")
    assert np.asarray(clear).min() == 255


def test_photographs_are_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(photo(size=(20, 16)), "JPEG", exif=exif), "RGB").size == (16, 20)


def test_unreadable_images_are_counted_named_and_left_out(folder, caplog):
    whole = (folder / "cats" / "0.png").read_bytes()
    (folder / "cats" / "0.png").write_bytes(whole[: len(whole) // 2])
    (folder / "dogs" / "1.png").write_bytes(b"")
    (folder / "dogs" / "2.jpg").write_bytes(b"no image at all")
    with caplog.at_level(logging.WARNING):
        split = data.DataRef(f"folder:{folder}").split()
    assert len(split.train) + len(split.validation) + len(split.test) == 8
    assert "3 of 11 images could not be read and are left out" in caplog.text
    for name in ("cats/0.png", "dogs/1.png", "dogs/2.jpg"):
        assert name in caplog.text


def test_converted_modes_are_counted(folder, caplog):
    (folder / "cats" / "g.png").write_bytes(encoded(photo(mode="L")))
    (folder / "cats" / "c.jpg").write_bytes(encoded(photo().convert("CMYK"), "JPEG"))
    with caplog.at_level(logging.WARNING):
        data.DataRef(f"folder:{folder}").split()
    assert "1 of mode L" in caplog.text
    assert "1 of mode CMYK" in caplog.text


def test_an_empty_class_folder_is_an_error(folder):
    (folder / "empty").mkdir()
    with pytest.raises(BadInput, match="empty holds no readable image"):
        data.DataRef(f"folder:{folder}").split()


def test_a_class_of_one_image_is_an_error(folder):
    (folder / "one").mkdir()
    (folder / "one" / "0.png").write_bytes(encoded(photo()))
    with pytest.raises(BadInput, match="'one' has 1 image"):
        data.DataRef(f"folder:{folder}").split()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("imagenet", "data must be digits"),
        ("folder:", "data must be digits"),
        ("folder:/no/such/place", "there is no folder"),
    ],
)
def test_unknown_sources_get_one_sentence(source, sentence):
    with pytest.raises(BadInput, match=sentence):
        data.DataRef(source).split()


def test_fewer_than_two_classes_is_an_error(tmp_path):
    (tmp_path / "only").mkdir()
    with pytest.raises(BadInput, match="at least two classes; it has 1"):
        data.DataRef(f"folder:{tmp_path}").split()


def test_the_fingerprint_follows_the_content(folder):
    before = data.DataRef(f"folder:{folder}").split().train.fingerprint
    assert data.DataRef(f"folder:{folder}").split().train.fingerprint == before
    (folder / "cats" / "0.png").write_bytes(encoded(photo(99)))
    assert data.DataRef(f"folder:{folder}").split().train.fingerprint != before


def test_calibration_images_are_balanced_and_seeded():
    train = data.DataRef("digits").split().train
    chosen = train.balanced(100, seed=1)
    assert np.bincount(chosen.labels).tolist() == [10] * 10
    again = pixels(train.balanced(100, seed=1), 8, Preprocessing())
    np.testing.assert_array_equal(pixels(chosen, 8, Preprocessing()), again)


def test_batches_depend_on_seed_epoch_and_position_alone():
    recipe = recipe_for("digits", batch_size=16)
    train = data.DataRef("digits").split().train

    def batch(epoch, index):
        images, labels = TrainingBatches(train, recipe, lambda x: x, epoch)[index]
        return images.tobytes() + labels.tobytes()

    assert batch(3, 5) == batch(3, 5)
    assert len({batch(0, 0), batch(0, 1), batch(1, 0)}) == 3


def test_an_epoch_shows_every_image_once():
    recipe = recipe_for("digits", batch_size=479)
    train = data.DataRef("digits", validation=0).split().train
    batches = TrainingBatches(train.take(np.arange(1437)), recipe, lambda x: x)
    labels = np.concatenate([batches[i][1] for i in range(len(batches))])
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(train.labels[:1437]))


@pytest.mark.slow
def test_fashion_mnist_through_keras_own_loader(shared, tmp_path):
    """Zalando's official files, in the cache where Keras would have put them."""
    import subprocess
    import sys

    cache = tmp_path / "datasets"
    cache.mkdir()
    (cache / "fashion-mnist").symlink_to(shared / "data" / "fashion_mnist")
    code = (
        "from keras_inception.training import data; s = data.DataRef('fashion_mnist').split();"
        "print(*map(len, (s.train, s.validation, s.test)), "
        "s.train.classes[9], s.train.image(0).size)"
    )
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout.split("\n")[-2] == "54000 6000 10000 Ankle boot (28, 28)", done.stderr


def test_the_real_photographs(shared):
    split = data.DataRef(f"folder:{shared / 'data' / 'sign_language_digits'}").split()
    assert len(split.train) + len(split.validation) + len(split.test) == 2062
    assert split.train.classes == tuple("0123456789")
    assert np.asarray(split.train.image(0)).shape == (100, 100, 3)
