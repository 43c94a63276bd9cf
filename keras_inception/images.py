"""Image files as pixels: decoded, upright, 8 bits, grey or RGB, or refused with the reason."""

from __future__ import annotations

import io
from math import ceil
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

EXTENSIONS = (".jpg", ".jpeg", ".png")
ORIENTATION = 0x0112


#: Decoded, an image of so many pixels takes a third of a gigabyte. Pillow warns a little later.
MAX_PIXELS = 80_000_000
#: What Pillow raises for data that are no image, and for images that are not whole.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)


def opened(data: bytes | BinaryIO) -> Image.Image:
    """An image of which only the header was read. Raises one of UNREADABLE."""
    image = Image.open(io.BytesIO(data) if isinstance(data, bytes) else data)
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width}x{image.height} pixels, more than {MAX_PIXELS:,}")
    return image


def decode(data: bytes, mode: str) -> Image.Image:
    """An encoded image as an upright 8-bit one of `mode` "L" or "RGB".

    16-bit samples keep their high byte, transparency falls on white. Raises one of UNREADABLE for
    data that are no image.
    """
    return upright(opened(data), mode)


def upright(image: Image.Image, mode: str) -> Image.Image:
    """An image of any kind as `decode` gives one."""
    if image.getexif().get(ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    image.load()
    if image.mode.startswith("I"):
        high = np.clip(np.asarray(image, np.int64) >> 8, 0, 255)
        image = Image.fromarray(high.astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == mode else image.convert(mode)


class Undecoded:
    """An encoded image that is decoded when a part of it is resized.

    A JPEG is decoded at a half, a quarter or an eighth of its size if the part has so many pixels
    that none of those wanted has to be made up: its decoder does that for a fraction of the time.
    """

    def __init__(self, data: bytes, mode: str):
        self.image, self.mode = opened(data), mode
        self.turned = self.image.getexif().get(ORIENTATION, 1) >= 5
        width, height = self.image.size
        self.width, self.height = (height, width) if self.turned else (width, height)

    def resize(self, size: tuple[int, int], resample: int, box: tuple) -> Image.Image:
        image = self.image
        if image.format == "JPEG":
            shrink = min((box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1])
            if shrink >= 2:
                # Pillow takes the smallest of its scales that is at least as large as this.
                image.draft(None, (ceil(image.width / shrink), ceil(image.height / shrink)))
        image = upright(image, self.mode)
        across, down = image.width / self.width, image.height / self.height
        box = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
        return image.resize(size, resample, box)


def photographs(folder: Path) -> list[Path]:
    """The image files under `folder`, sorted. Raises BadInput if there are none."""
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS and p.is_file())
    if not found:
        raise BadInput(f"there are no {'/'.join(EXTENSIONS)} images in {str(folder)!r}")
    return found


FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def scaled(image: Image.Image, short_side: int, interpolation: str = "bilinear") -> Image.Image:
    """The image with its short side `short_side` pixels long, its sides' ratio kept."""
    factor = short_side / min(image.size)
    size = (round(image.width * factor), round(image.height * factor))
    return image if size == image.size else image.resize(size, FILTERS[interpolation])


def centre(
    image: Image.Image, size: int, expected: Preprocessing, short_side: int | None = None
) -> Image.Image:
    """The central `size` x `size` pixels of the scaled image: how images are evaluated.

    `short_side` is in pixels; None takes what `expected` says.
    """
    image = scaled(image, short_side or round(size / expected.crop), expected.interpolation)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))
