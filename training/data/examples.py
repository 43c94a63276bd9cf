"""Labelled images, decoded when asked for, and how they are split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from keras_inception.errors import BadInput
from keras_inception.images import UNREADABLE, Undecoded, decode

from .headers import reason


@dataclass(frozen=True)
class Examples:
    """Labelled images, decoded when asked for.

    `image(i)` gives an 8-bit Pillow image of mode "L" or "RGB" (`channels` 1 or 3); `labels` are
    int32 positions in `classes`; `fingerprint` is a SHA-256 over all pixels or files and labels.
    `encoded(i)` gives the bytes of a file as they are, of images that come as files; `name(i)`
    says where one is to be found. `digests` are equal for images with equal content.
    """

    image: Callable[[int], Image.Image]
    labels: np.ndarray
    classes: tuple[str, ...]
    channels: int
    fingerprint: str
    encoded: Callable[[int], bytes] | None = None
    name: Callable[[int], str] = str
    digests: Sequence[bytes] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def to_crop(self, i: int) -> Image.Image | Undecoded:
        """What `random_crop` takes: of a file, not more is decoded than the crop needs."""
        if self.encoded is None:
            return self.image(i)
        return Undecoded(self.encoded(i), mode_of(self.channels))

    def take(self, indices: np.ndarray) -> Examples:
        """These examples only; the fingerprint stays the whole set's."""
        return replace(
            self,
            image=lambda i: self.image(indices[i]),
            labels=self.labels[indices],
            encoded=self.encoded and (lambda i: self.encoded(indices[i])),
            name=lambda i: self.name(indices[i]),
            digests=self.digests and [self.digests[i] for i in indices],
        )

    def balanced(self, count: int, seed: int) -> Examples:
        """About `count` examples, the same number of every class, drawn with `seed`."""
        each = -(-count // len(self.classes))
        order = np.random.default_rng(seed).permutation(len(self))
        chosen = [order[self.labels[order] == k][:each] for k in range(len(self.classes))]
        return self.take(np.concatenate(chosen))


def mode_of(channels: int) -> str:
    return "L" if channels == 1 else "RGB"


def of_files(
    encoded: Callable[[int], bytes],
    labels: np.ndarray,
    classes: Sequence[str],
    channels: int,
    fingerprint: str,
    name: Callable[[int], str],
    digests: Sequence[bytes] = (),
) -> Examples:
    """Examples that are files, or parts of files, in a format Pillow reads."""
    mode = mode_of(channels)

    def image(i: int) -> Image.Image:
        try:
            return decode(encoded(i), mode)
        except UNREADABLE as error:
            raise BadInput(
                f"{name(i)} cannot be read: {reason(error)}; remove it: "
                "`keras-inception data check` names all such images"
            ) from error

    labels = np.asarray(labels, np.int32)
    return Examples(image, labels, tuple(classes), channels, fingerprint, encoded, name, digests)


@dataclass(frozen=True)
class Split:
    """What is trained on, and what is only evaluated on."""

    train: Examples
    test: Examples


def hold_out(examples: Examples, holdout: float, seed: int) -> Split:
    """`holdout` of each class for evaluation, at least one image, drawn with `seed`."""
    order = np.random.default_rng(seed).permutation(len(examples))
    test = []
    for label, name in enumerate(examples.classes):
        members = order[examples.labels[order] == label]
        if len(members) < 2:
            raise BadInput(
                f"class {name!r} has {len(members)} image: a class needs at least two, one to "
                "train on and one to evaluate on"
            )
        test.extend(members[: min(len(members) - 1, max(1, round(holdout * len(members))))])
    test = np.sort(np.array(test))
    train = np.setdiff1d(np.arange(len(examples)), test)
    return Split(examples.take(train), examples.take(test))
