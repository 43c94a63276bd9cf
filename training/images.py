"""Image files as pixels: decoded, upright, 8 bits, grey or RGB, or refused with the reason."""

from __future__ import annotations

import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

EXTENSIONS = (".jpg", ".jpeg", ".png")


def decode(data: bytes, mode: str) -> Image.Image:
    """An encoded image as an upright 8-bit one of `mode` "L" or "RGB".

    16-bit samples keep their high byte, transparency falls on white. Raises OSError or
    ValueError for data that are no image.
    """
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode.startswith("I"):
        high = np.clip(np.asarray(image, np.int64) >> 8, 0, 255)
        image = Image.fromarray(high.astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def photographs(folder: Path) -> list[Path]:
    """The image files under `folder`, sorted. Raises BadInput if there are none."""
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS and p.is_file())
    if not found:
        raise BadInput(f"there are no {'/'.join(EXTENSIONS)} images in {str(folder)!r}")
    return found


@dataclass(frozen=True)
class Scan:
    """What a first look at image files found: digests, modes other than RGB, and failures."""

    digests: dict[Path, str]
    modes: Counter
    unreadable: dict[Path, str]


def scan(paths: list[Path]) -> Scan:
    """Read and fully decode every file once, as training will, noting what cannot be."""

    def look(path: Path):
        try:
            data = path.read_bytes()
            decode(data, "RGB")
            return path, sha256(data).hexdigest(), Image.open(io.BytesIO(data)).mode, None
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            reason = str(error) if not isinstance(error, Image.UnidentifiedImageError) else ""
            return path, None, None, reason or "not an image"

    with ThreadPoolExecutor() as pool:
        looks = list(pool.map(look, paths))
    return Scan(
        {path: digest for path, digest, _, failure in looks if not failure},
        Counter(mode for _, _, mode, failure in looks if not failure and mode != "RGB"),
        {path: failure for path, _, _, failure in looks if failure},
    )


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
