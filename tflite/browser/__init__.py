"""A folder with a page that runs a `.tflite` file in the browser, on photographs or the camera."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import open_file
from keras_inception.files import new_folder, require_empty, write_bytes, write_json
from keras_inception.preprocess import Preprocessing

#: What LiteRT.js (npm's @litertjs/core) takes in and gives out.
TYPES = ("uint8", "float32")
PAGE = (
    "index.html",
    "style.css",
    "app.js",
    "drawing.js",
    "orientation.js",
    "pixels.js",
    "package.json",
)


def write(
    path: str | Path, folder: str | Path, preprocessing: str | Preprocessing | None = None
) -> Path:
    """Write the page, the file and its description into `folder`; returns the page.

    `npm install` in the folder fetches the runtime; nothing is fetched here. `preprocessing` is for
    another tool's file, as for `keras_inception.open_classifier`. Raises BadInput if `folder` has
    something in it, if nobody says what pixels become, for a file that gives neither classes nor
    labels, and for one that the runtime would not take: its input and output must be one of TYPES.
    """
    path, folder = Path(path), Path(folder)
    require_empty(folder)
    classifier = open_file(path, preprocessing=preprocessing)
    classifier.require_shown()
    file = classifier.file
    file.seconds(1)  # It has to run.
    wrong = [name for name in file.types if name not in TYPES]
    if wrong:
        raise BadInput(
            f"{path} has an input or output of {wrong[0]}, which LiteRT.js does not know; export "
            "it with --io uint8"
        )
    if classifier.channels not in (1, 3):
        raise BadInput(f"{path} takes {classifier.channels} channels; a picture has 1 or 3")
    expected = classifier.preprocessing.for_channels(classifier.channels)
    ramp = np.repeat(np.arange(256)[:, None], classifier.channels, axis=1)
    scale, zero_point = file.output_quantization
    description = {
        "name": path.stem,
        "size": classifier.size,
        "short_side": round(classifier.size / expected.crop),
        "interpolation": expected.interpolation,
        # What the input is of each pixel value: a row per channel, in the order they go in.
        "input": file.encoded(expected(ramp)).T.tolist(),
        "order": expected.order,
        "output": {
            "scale": float(scale),
            "zero_point": int(zero_point),
            "probabilities": file.gives_probabilities,
        },
        "classes": classifier.classes or [f"class {k}" for k in range(file.classes)],
    }
    with new_folder(folder) as whole:
        for name in PAGE:
            write_bytes(whole / name, (resources.files(__name__) / name).read_bytes())
        write_bytes(whole / "model.tflite", file.content)
        write_json(whole / "model.json", description)
    return folder / "index.html"
