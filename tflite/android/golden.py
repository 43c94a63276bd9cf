"""Golden vectors: a few images as a file takes them, and what it gives for them here."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from keras_inception.crops import stacked
from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import FileClassifier
from keras_inception.images import centre, photographs, readable
from keras_inception.training.data.examples import mode_of

COUNT = 4


def images(classifier: FileClassifier, folder: str | Path | None) -> list[Image.Image]:
    """COUNT images or fewer, cut and scaled: from a folder of photographs, or test images of the
    run in whose folder the file is. Photographs that cannot be read are left out. Raises BadInput
    if none can be, and if the file is in no run: a file from elsewhere does not choose which
    pictures go into an app."""
    if folder is not None:
        mode = mode_of(classifier.channels)
        found = readable(photographs(Path(folder)), mode, COUNT)
    elif classifier.data:
        test = classifier.data.split().test.balanced(COUNT, 0)
        found = map(test.image, range(min(COUNT, len(test))))
    else:
        raise BadInput(
            f"{classifier.name} is in no run's folder, so that its images are not known; name "
            "photographs by --images"
        )
    return [centre(image, classifier.size, classifier.preprocessing) for image in found]


def write(folder: Path, shown: list[Image.Image], classifier: FileClassifier) -> None:
    """`0.png` and `0.txt`, and so on: pixels without loss, and the output's own values by line."""
    folder.mkdir(parents=True)
    for number, image in enumerate(shown):
        pixels = stacked([image], classifier.channels)
        (values,) = classifier.file.raw(classifier.preprocessing(pixels))
        image.save(folder / f"{number}.png")
        text = "".join(f"{value!r}\n" for value in values.tolist())
        (folder / f"{number}.txt").write_text(text)
