"""The real client: MediaPipe's ImageClassifier, the C++ task that Android has, opens our files."""

import csv
from pathlib import Path

import numpy as np
import pytest
from helpers import tflite_files
from PIL import Image

from keras_inception.tflite.exporting import export
from keras_inception.tflite.file.interpreter import File

mediapipe = pytest.importorskip("mediapipe", reason="needs mediapipe: make test-mediapipe")


def classify(path, images, **options):
    """The categories of each image, uint8 (height, width, 3), best first."""
    tasks = mediapipe.tasks
    base = tasks.BaseOptions(model_asset_path=str(path))
    options = tasks.vision.ImageClassifierOptions(base_options=base, **options)
    with tasks.vision.ImageClassifier.create_from_options(options) as classifier:
        found = []
        for image in images:
            given = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(image))
            (head,) = classifier.classify(given).classifications
            found.append(head.categories)
    return found


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)


@pytest.mark.parametrize("io_type", ["uint8", "float32"])
def test_raw_pixels_give_the_files_own_scores_and_labels(io_type, images, tmp_path):
    path = tmp_path / "x.tflite"
    german = tuple("KHVÜ")
    path.write_bytes(tflite_files.labelled(io_type, localized={"de": german}))
    scores = File(path).scores(tflite_files.EXPECTED(images))
    for categories, wanted in zip(
        classify(path, images, display_names_locale="de"), scores, strict=True
    ):
        assert len(categories) == 4
        for category in categories:
            assert category.score == pytest.approx(wanted[category.index], abs=1e-5)
            assert category.category_name == tflite_files.LABELS[category.index]
            assert category.display_name == german[category.index]


def test_scores_below_the_threshold_are_left_out(images, tmp_path):
    path = tmp_path / "x.tflite"
    path.write_bytes(tflite_files.labelled())
    scores = File(path).scores(tflite_files.EXPECTED(images))
    threshold = float(np.median(scores)) + 1 / 1024  # between two steps of the output
    path.write_bytes(tflite_files.labelled(threshold=threshold))
    kept = [len(categories) for categories in classify(path, images)]
    assert kept == (scores > threshold).sum(axis=1).tolist()
    assert 0 < sum(kept) < scores.size


def test_a_file_without_metadata_has_no_names(images, tmp_path):
    """What the labels above are worth: the same file without them."""
    path = tmp_path / "x.tflite"
    path.write_bytes(tflite_files.content())
    assert classify(path, images[:1])[0][0].category_name is None


@pytest.mark.slow
def test_googlenet_names_real_photographs(shared, tmp_path):
    """Published weights, raw pixels: seven photographs whose class is known, named by MediaPipe."""
    weights = shared / "weights" / "googlenet_bvlc_hwio.npz"
    path = export(weights, scheme="int8", images=shared / "data" / "photos", out=tmp_path).path
    folder = Path(shared, "data", "photos", "crops_224")
    rows = list(csv.DictReader((folder / "labels.csv").open()))
    images = [np.asarray(Image.open(folder / row["file"]).convert("RGB")) for row in rows]
    found = classify(path, images, max_results=5)
    first = [row["index"] == str(c[0].index) for row, c in zip(rows, found, strict=True)]
    among = [
        next((c.category_name for c in categories if str(c.index) == row["index"]), None)
        for row, categories in zip(rows, found, strict=True)
    ]
    assert len(rows) == 7 and sum(first) >= 5
    assert among == [row["name"] for row in rows]
