"""The papers' evaluation protocols: how many views of a photograph, and of which pixels."""

import numpy as np
import pytest
from PIL import Image

from keras_inception import images
from keras_inception.crops import views
from keras_inception.errors import BadInput
from keras_inception.evaluation.accuracy import evaluate
from keras_inception.preprocess import Preprocessing

EXPECTED = Preprocessing(crop=0.875)


def gradient(width, height):
    """A picture whose red says the column and whose green the row, in 0..255."""
    x = np.linspace(0, 255, width)[None].repeat(height, 0)
    y = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Image.fromarray(np.stack([x, y, 0 * x], -1).round().astype(np.uint8))


def box(view, width, height):
    """Where in the picture a view lies, in fractions: left, top, right, bottom."""
    pixels = np.asarray(view).astype(float) / 255
    columns, rows = pixels[..., 0].mean(0), pixels[..., 1].mean(1)
    return columns.min(), rows.min(), columns.max(), rows.max()


@pytest.mark.parametrize("count", [1, 10, 12, 144])
def test_a_protocol_has_as_many_views_as_it_says(count):
    seen = views(gradient(400, 300), 224, EXPECTED, count)
    assert [view.size for view in seen] == [(224, 224)] * count


def test_another_count_is_refused():
    with pytest.raises(BadInput, match="1, 10, 12 or 144; got 5"):
        views(gradient(300, 300), 224, EXPECTED, 5)


def test_half_the_views_are_mirror_images_of_the_others():
    seen = [np.asarray(view) for view in views(gradient(400, 300), 224, EXPECTED, 144)]
    for upright, mirrored in zip(seen[:72], seen[72:], strict=True):
        np.testing.assert_array_equal(mirrored, upright[:, ::-1])


def test_the_short_sides_of_144_views_are_the_papers(monkeypatch):
    sides = []
    original = images.scaled

    def spy(image, short_side, interpolation):
        sides.append(short_side)
        return original(image, short_side, interpolation)

    monkeypatch.setattr("keras_inception.crops.scaled", spy)
    views(gradient(400, 300), 224, EXPECTED, 144)
    assert sides == [256, 288, 320, 352]


@pytest.mark.parametrize(("width", "height"), [(512, 256), (256, 512)])
def test_the_squares_lie_at_both_ends_and_in_the_middle_of_the_long_side(width, height):
    """Six views a square, the last of them the whole square: 5, 11 and 17 of the first scale."""
    seen = views(gradient(width, height), 224, EXPECTED, 144)
    long = 0 if width > height else 1
    found = [box(seen[i], width, height)[long] for i in (5, 11, 17)]
    np.testing.assert_allclose(found, [0, 0.25, 0.5], atol=0.01)


def test_the_crops_of_a_square_are_its_corners_and_its_centre():
    seen = views(gradient(256, 256), 224, EXPECTED, 10)[:5]
    far = 32 / 255
    starts = [box(view, 256, 256)[:2] for view in seen]
    expected = [(0, 0), (far, 0), (0, far), (far, far), (far / 2, far / 2)]
    np.testing.assert_allclose(starts, expected, atol=0.005)


def test_one_view_is_the_centre_after_scaling_the_short_side():
    (view,) = views(gradient(448, 256), 224, EXPECTED, 1)
    np.testing.assert_allclose(
        box(view, 448, 256), (112 / 447, 16 / 255, 335 / 447, 239 / 255), atol=0.005
    )


def test_evaluation_averages_views_and_subjects(run, int8):
    one = evaluate(run.folder)
    many = evaluate([run.folder, int8], crops=10)
    assert many.images == one.images and many.loss != one.loss
    assert many.top1 > 0.8
    with pytest.raises(BadInput, match="goes with one crop"):
        evaluate(run.folder, crops=10, short_side=40)
