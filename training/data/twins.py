"""Pictures that are the same to the eye though their files differ: saved anew, scaled, or stripped
of what cameras write; and the shots of a burst."""

from __future__ import annotations

import numpy as np
from PIL import Image

SIDE, COARSE = 32, 4
#: Grey levels, as root of the mean square. Copies of photographs of 100x100 pixels, saved as JPEG
#: of quality 60 or scaled to 64 or 224, come to 1.1, and to 0.04 of the image's own spread; the two
#: nearest of 2,062 photographs of hand signs, taken one after the other, to 12 and 0.33.
NEAR, NEAR_OF_SPREAD = 4.0, 0.1
_CHUNK = 512


def thumbnail(image: Image.Image) -> np.ndarray:
    """What `groups` compares, uint8: the image in small, in grey and then in colour."""
    small = image.convert("RGB").resize((SIDE, SIDE), Image.BILINEAR, reducing_gap=4)
    coarse = small.resize((COARSE, COARSE), Image.BOX)
    return np.concatenate([np.asarray(small.convert("L")), np.asarray(coarse)], axis=None)


def groups(thumbnails: np.ndarray) -> list[list[int]]:
    """Positions of those that are nearly equal, or that a row of such connects: (n, 1072) as
    `thumbnail` gives them.

    Those whose mean is nearly the same are compared in blocks, first by their colours.
    """
    grey = thumbnails[:, : SIDE * SIDE]
    colours = thumbnails[:, SIDE * SIDE :].astype(np.float32)
    near = np.minimum(NEAR, NEAR_OF_SPREAD * np.array([row.std() for row in grey]))
    means = colours.mean(axis=1)
    order = np.argsort(means, kind="stable")
    ends = np.searchsorted(means[order], means[order] + near[order] + 0.5, side="right")
    first = list(range(len(order)))  # The first of its group, or one that leads there.

    def leader(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = first[i]
        return i

    for start in range(0, len(order), _CHUNK):
        rows = order[start : start + _CHUNK]
        others = order[start : ends[start : start + _CHUNK].max()]
        squares = _distances(colours[rows], colours[others])
        for a, b in np.argwhere(squares <= ((near[rows] + 1) ** 2)[:, None]):
            one, other = rows[a], others[b]
            if b > a and leader(one) != leader(other):
                difference = grey[one].astype(np.float32) - grey[other]
                if np.square(difference).mean() <= near[one] ** 2:
                    first[leader(one)] = leader(other)
    found: dict[int, list[int]] = {}
    for i in range(len(first)):
        found.setdefault(leader(i), []).append(i)
    return [same for same in found.values() if len(same) > 1]


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean squares of the differences of rows, (len(a), len(b))."""
    squares = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * a @ b.T
    return squares / a.shape[1]
