"""Golden vectors: a few images as a file takes them, and what it gives for them here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from keras_inception.errors import BadInput
from keras_inception.images import centre, decode, photographs
from keras_inception.training import data

from ..classifier import ModelInfo
from ..file.interpreter import File

COUNT = 4


def images(
    size: int, channels: int, info: ModelInfo, folder: str | Path | None
) -> list[Image.Image]:
    """COUNT images or fewer, cut and scaled: from a folder of photographs, or held-out ones of the
    data set that the file's network was trained on. Raises BadInput if it does not say."""
    if folder is not None:
        mode = "L" if channels == 1 else "RGB"
        found = [decode(p.read_bytes(), mode) for p in photographs(Path(folder))[:COUNT]]
    elif info.data:
        held_out = data.load(*info.data).test.balanced(COUNT, 0)
        found = [held_out.image(i) for i in range(min(COUNT, len(held_out)))]
    else:
        raise BadInput("the file does not say what it was trained on; name photographs by --images")
    return [centre(image, size, info.preprocessing) for image in found]


def write(folder: Path, shown: list[Image.Image], file: File, info: ModelInfo) -> None:
    """`0.png` and `0.txt`, and so on: pixels without loss, and the output's own values by line."""
    folder.mkdir(parents=True)
    for number, image in enumerate(shown):
        pixels = np.asarray(image).reshape(1, *file.input_shape)
        (values,) = file.raw(info.preprocessing(pixels))
        image.save(folder / f"{number}.png")
        text = "".join(f"{value!r}\n" for value in values.tolist())
        (folder / f"{number}.txt").write_text(text)
