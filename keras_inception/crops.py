"""The papers' many-crop protocols: the views of one photograph that are averaged at evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

from .images import FILTERS, centre, scaled

COUNTS = (1, 10, 12, 144)
#: GoogLeNet, section 7: short sides of 256, 288, 320 and 352 pixels for crops of 224.
SCALES = (256 / 224, 288 / 224, 320 / 224, 352 / 224)


def views(image: Image.Image, size: int, expected: Preprocessing, count: int) -> list[Image.Image]:
    """`count` views of `size` x `size` pixels.

    1: the centre. 10: the corners and centre of the central square at the first scale, and their
    mirror images (Krizhevsky et al. 2012). 12: those and the whole square at `size`, mirrored too.
    144 (GoogLeNet, section 7): at each of four scales the left, central and right square, or the
    upper, central and lower; of each its corners, centre and the whole square; and mirror images.
    Raises BadInput for another count.
    """
    if count not in COUNTS:
        raise BadInput(f"crops must be 1, 10, 12 or 144; got {count}")
    if count == 1:
        return [centre(image, size, expected)]
    upright = []
    for scale in SCALES if count == 144 else SCALES[:1]:
        bigger = scaled(image, round(size * scale), expected.interpolation)
        for square in _squares(bigger, all_three=count == 144):
            upright += _five(square, size)
            if count != 10:
                upright.append(square.resize((size, size), FILTERS[expected.interpolation]))
    return upright + [view.transpose(Image.FLIP_LEFT_RIGHT) for view in upright]


def stacked(seen: Sequence[Image.Image | np.ndarray], channels: int) -> np.ndarray:
    """Views of one size as uint8 pixels, (n, height, width, channels)."""
    pixels = np.stack([np.asarray(view) for view in seen])
    return pixels.reshape(*pixels.shape[:3], channels)


def _squares(image: Image.Image, all_three: bool) -> Iterator[Image.Image]:
    side = min(image.size)
    spare_x, spare_y = image.width - side, image.height - side
    for third in (0, 1, 2) if all_three else (1,):
        left, top = spare_x * third // 2, spare_y * third // 2
        yield image.crop((left, top, left + side, top + side))


def _five(square: Image.Image, size: int) -> list[Image.Image]:
    """Upper left, upper right, lower left, lower right, centre."""
    far = square.width - size
    corners = [(0, 0), (far, 0), (0, far), (far, far), (far // 2, far // 2)]
    return [square.crop((x, y, x + size, y + size)) for x, y in corners]
