"""Image files with labels, and the split made of them."""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from unicodedata import category

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.images import (
    EXTENSIONS,
    LOOSE,
    Remarks,
    entries,
    images_under,
    is_photograph,
    tell,
)

from ..examples import PARTS, TEST, TRAIN, VALIDATION, Examples, Parts, of_paths
from ..headers import groups, readable

log = logging.getLogger(__name__)


@dataclass
class Listing:
    """Files as a source lists them, unopened.

    `parts` are one of PARTS for each, or empty where the source does not split; `keys` are what
    decides each in the source's own words, for the fingerprint. `targets` are those of `Examples`,
    (outputs,) each, where images have them. `mistakes` must be put right before training, `remarks`
    need not be.
    """

    root: Path
    classes: tuple[str, ...] = ()
    paths: list[Path] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    remarks: Remarks = field(default_factory=lambda: defaultdict(list))

    def add(self, path: Path, label: int, key: str, part: str | None = None) -> None:
        self.paths.append(path)
        self.labels.append(label)
        self.keys.append(key)
        if part is not None:
            self.parts.append(part)

    def test_the_second(self) -> None:
        """Of two parts the second is the test part, whatever it is called."""
        if TEST not in self.parts:
            self.parts = [TEST if part == VALIDATION else part for part in self.parts]


def no_labels(classes: Sequence[str]) -> list[str]:
    """What is wrong with names that cannot be a file's labels, each of them a line of UTF-8."""
    mistakes = []
    for name in classes:
        if any("\ud800" <= character <= "\udfff" for character in name):
            why = "is not UTF-8"
        elif any(category(character) in ("Cc", "Zl", "Zp") for character in name):
            why = "has control characters or line breaks"
        elif not name.strip():
            why = "is empty"
        else:
            continue
        mistakes.append(f"the name of the class {name!r} {why}: rename it")
    return mistakes


def sub_folders(root: Path, remarks: Remarks) -> list[Path]:
    """The sub-folders of `root`, sorted. Photographs beside them have no class: they are named in
    `remarks`, as is what is no data.

    Raises BadInput if there is no such folder.
    """
    if not os.path.isdir(root):
        raise BadInput(f"there is no folder {str(root)!r}; give one with a sub-folder per class")
    try:
        inside = [root / entry.name for entry in entries(root, remarks)]
    except OSError as error:
        raise BadInput(
            f"{root} cannot be looked into: {error.strerror}; give a folder that can"
        ) from error
    folders = [path for path in inside if os.path.isdir(path)]
    for path in inside:
        if not os.path.isdir(path) and is_photograph(path, remarks):
            remarks[LOOSE].append(str(path))
    return folders


def class_folders(root: Path, remarks: Remarks) -> list[Path]:
    """The `sub_folders` of `root`. Raises BadInput if there are fewer than two."""
    folders = sub_folders(root, remarks)
    if len(folders) < 2:
        inside = f", {folders[0]}: if the classes are in it, give that" if folders else ""
        raise BadInput(
            f"{root} needs a sub-folder of images for each of at least two classes; "
            f"it has {len(folders)}{inside}"
        )
    return folders


def add_classes(
    found: Listing, folder: Path, part: str | None, key: Callable[[Path, int], str]
) -> None:
    """Put the images of `folder`, in a sub-folder for each of `found.classes`, into `found`."""
    for inner in sub_folders(folder, found.remarks):
        if inner.name in found.classes:
            label = found.classes.index(inner.name)
            for path in images_under(inner, found.remarks):
                found.add(path, label, key(path, label), part)
        else:
            found.mistakes.append(f"{inner} is a class that the images to train on do not have")


def parts_of(listing: Listing) -> Parts:
    """The files that can be read, as the listing splits them.

    Files that cannot be read are named, counted and left out. Raises BadInput for mistakes of the
    listing, and for a class without images.
    """
    if listing.mistakes:
        raise BadInput(
            f"{listing.mistakes[0]} (mistake 1 of {len(listing.mistakes)}; "
            "`keras-inception data check` lists all)"
        )
    tell(listing.remarks)
    looks, usable = readable(listing.paths)
    modes = Counter(one.mode for one in looks if not one.failure and one.mode != "RGB")
    if modes:
        kinds = ", ".join(f"{count} of mode {mode}" for mode, count in modes.most_common())
        log.warning("converted to 8-bit RGB: %s", kinds)
    digests = [one.digest for one in looks]
    torn = [same for same in groups(digests) if len({listing.labels[i] for i in same}) > 1]
    if torn:
        first = " = ".join(str(listing.paths[i]) for i in torn[0])
        log.warning("the same image in several classes: %d: %s", len(torn), first)
    return divided(listing, digests, usable)


def divided(listing: Listing, digests: list[bytes], usable: list[int]) -> Parts:
    """The `usable` ones of the files, as the listing splits them. Raises BadInput for a class
    without images."""
    examples = _examples(listing, digests, usable)
    counts = np.bincount(examples.labels, minlength=len(listing.classes))
    classes = () if listing.targets else listing.classes
    for name, count in zip(classes, counts, strict=False):
        if not count:
            raise BadInput(
                f"class {name} holds no readable image; it needs {'/'.join(EXTENSIONS)} files, or "
                "must be removed"
            )
        if count < 2 and not listing.parts:
            raise BadInput(
                f"class {name!r} has {count} image: a class needs at least two, one to train "
                "on and one to test on"
            )
    if not listing.parts:
        return examples, None, None
    parts = np.array([listing.parts[i] for i in usable])
    for part in (TEST,) if listing.targets else (TRAIN, TEST):
        if part not in parts:
            raise BadInput(f"the data have no readable images in their {part} part; add some")
    train, validation, test = (examples.take(np.flatnonzero(parts == part)) for part in PARTS)
    return train, validation if len(validation) else None, test


def _examples(listing: Listing, digests: list[bytes], usable: list[int]) -> Examples:
    # Where there is a validation part, a run does not depend on the test part.
    spare = TEST if VALIDATION in listing.parts else None
    lines = (
        f"{listing.keys[i]} {digests[i].hex()}"
        for i in usable
        if not spare or listing.parts[i] != spare
    )
    fingerprint = sha256(os.fsencode("\n".join(lines))).hexdigest()
    examples = of_paths(listing.paths, listing.labels, listing.classes, fingerprint, digests)
    if listing.targets:
        examples = replace(examples, targets=np.array(listing.targets, np.float32))
    return examples.take(np.array(usable, int))
