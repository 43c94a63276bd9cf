"""Labelled images, decoded when asked for, and how they are split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from keras_inception.images import Undecoded, Unreadable, decode, read

#: The parts of a split, and what images are called that serve as validation and test part both.
PARTS = TRAIN, VALIDATION, TEST = "train", "validation", "test"
HELD_OUT = "held-out"


@dataclass(frozen=True)
class Examples:
    """Labelled images, decoded when asked for.

    `image(i)` gives an 8-bit Pillow image of mode "L" or "RGB" (`channels` 1 or 3); `labels` are
    int32 positions in `classes`; `fingerprint` is a SHA-256 over all pixels or files and labels.
    `encoded(i)` gives the bytes of a file as they are, of images that come as files; `name(i)`
    says where one is to be found. `digests` are equal for images with equal content; those of equal
    `groups` are kept together. `part` is what figures on them are said to be of: one of PARTS,
    HELD_OUT, or "" for no part of a split. Images with several labels, or with numbers, have
    `targets`, (n, outputs) float32: `classes` are then the names of these, and `labels` all 0.
    """

    image: Callable[[int], Image.Image]
    labels: np.ndarray
    classes: tuple[str, ...]
    channels: int
    fingerprint: str
    encoded: Callable[[int], bytes] | None = None
    name: Callable[[int], str] = str
    digests: Sequence[bytes] = ()
    groups: Sequence[str] = ()
    part: str = ""
    targets: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def truth(self) -> np.ndarray:
        """What is right of each image: its `targets` if it has some, and else its label."""
        return self.labels if self.targets is None else self.targets

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
            groups=self.groups and [self.groups[i] for i in indices],
            targets=None if self.targets is None else self.targets[indices],
        )

    def in_part(self, part: str) -> Examples:
        """The same, said to be of this part."""
        return replace(self, part=part)

    def balanced(self, count: int, seed: int) -> Examples:
        """About `count` examples, the same number of every class, drawn with `seed`."""
        present = np.unique(self.labels)
        each = -(-count // len(present))
        order = np.random.default_rng(seed).permutation(len(self))
        chosen = [order[self.labels[order] == k][:each] for k in present]
        return self.take(np.concatenate(chosen))

    def known_as(self, classes: Sequence[str], positions: Mapping[str, int]) -> Examples:
        """The same images, their classes being those of a network: `positions` says where in
        `classes` each of theirs is."""
        labels = np.array([positions[name] for name in self.classes], np.int32)[self.labels]
        return replace(self, labels=labels, classes=tuple(classes))


#: Train, validation and test; None for a part that a source does not have of its own.
Parts = tuple[Examples, Examples | None, Examples | None]


def mode_of(channels: int) -> str:
    return "L" if channels == 1 else "RGB"


def of_files(
    encoded: Callable[[int], bytes],
    labels: np.ndarray | Sequence[int],
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
        except Unreadable as error:
            raise Unreadable(
                f"{name(i)} cannot be read: {error}; remove it: "
                "`keras-inception data check` names all such images",
                error.kind,
            ) from error

    labels = np.asarray(labels, np.int32)
    return Examples(image, labels, tuple(classes), channels, fingerprint, encoded, name, digests)


def of_paths(paths: Sequence[Path], labels, classes, fingerprint="", digests=()) -> Examples:
    """Examples of RGB that are image files of these paths."""

    def content(i: int) -> bytes:
        return read(paths[i])

    return of_files(content, labels, classes, 3, fingerprint, lambda i: str(paths[i]), digests)


@dataclass(frozen=True)
class Split:
    """What is trained on, what everything is chosen by (the best epoch, the best file), and what
    is only reported on.

    Without validation images of their own, the same held-out images serve for both, and say so.
    """

    train: Examples
    validation: Examples
    test: Examples

    def __str__(self):
        train, test = f"{len(self.train):,} images to train on", f"{len(self.test):,}"
        if self.validation is self.test:
            return f"{train}, {test} held out to choose by and to report on"
        return f"{train}, {len(self.validation):,} for validation, {test} to test on"

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train.classes

    def known_as(self, classes: Sequence[str], positions: Mapping[str, int]) -> Split:
        """The same images, as `Examples.known_as`."""
        validation, test = (
            each.known_as(classes, positions) for each in (self.validation, self.test)
        )
        held_out = self.validation is self.test
        train = self.train.known_as(classes, positions)
        return Split(train, test if held_out else validation, test)

    @classmethod
    def of(cls, train: Examples, validation: Examples | None, test: Examples) -> Split:
        if validation is None:
            held_out = replace(test, part=HELD_OUT)
            return cls(replace(train, part=TRAIN), held_out, held_out)
        parts = zip(PARTS, (train, validation, test), strict=True)
        return cls(*(replace(examples, part=part) for part, examples in parts))


def hold_out(
    examples: Examples, share: float, seed: int | tuple[int, ...]
) -> tuple[Examples, Examples]:
    """What is left, and `share` of each class, at least one image of it, drawn with `seed`.

    The last image of a class is left. Where there are groups, whole ones are held out, as near to
    the share as they come, and the last group of a class is left.
    """
    order = np.random.default_rng(seed).permutation(len(examples))
    if examples.groups:
        held = _groups_held_out(examples, share, order)
    else:
        held = []
        for label in range(len(examples.classes)):
            members = order[examples.labels[order] == label]
            if len(members):
                held.extend(members[: min(len(members) - 1, max(1, round(share * len(members))))])
    held = np.sort(np.array(held, int))
    left = np.setdiff1d(np.arange(len(examples)), held)
    return examples.take(left), examples.take(held)


def _groups_held_out(examples: Examples, share: float, order: np.ndarray) -> list[int]:
    members: dict[str, list[int]] = {}
    for i in order.tolist():
        members.setdefault(examples.groups[i], []).append(i)
    total = np.bincount(examples.labels, minlength=len(examples.classes))
    wanted, held, chosen = np.maximum(1, share * total), np.zeros(len(total)), []
    # First what brings the classes nearer to the share, then what a class without any needs.
    for needy in (False, True):
        for group in [*members]:
            labels, counts = np.unique(examples.labels[members[group]], return_counts=True)
            before, after = held[labels], held[labels] + counts
            nearer = np.abs(after - wanted[labels]).sum() < np.abs(before - wanted[labels]).sum()
            if (after < total[labels]).all() and (not before.all() if needy else nearer):
                held[labels] = after
                chosen += members.pop(group)
    return chosen
