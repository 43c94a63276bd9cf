"""`imagenet:DIR`: train/CLASS/*.JPEG, and val/ in class folders too, or flat with a val.txt.

As everybody's figures on ImageNet are, those on val are reported; a test/ in class folders beside
it is the test part, and val then the validation part.
"""

from __future__ import annotations

from pathlib import Path

from keras_inception.errors import BadInput
from keras_inception.images import images_under

from ..examples import TEST, TRAIN, VALIDATION
from ..labelled import listed
from .files import Listing, class_folders


def listing(root: Path) -> Listing:
    """Classes are the folders in train, sorted: of ImageNet's 1000 that is the usual order."""
    folders = class_folders(root / "train")
    found = Listing(tuple(folder.name for folder in folders))

    three = (root / "test").is_dir() and any(p.is_dir() for p in (root / "test").iterdir())

    def add(path: Path, label: int, part: str) -> None:
        key = f"{part} {label} {path.relative_to(root).as_posix()}"
        found.add(path, label, key, TEST if part == VALIDATION and not three else part)

    def add_classes(folder: Path, part: str) -> None:
        for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
            if inner.name in found.classes:
                for path in images_under(inner, found.remarks):
                    add(path, found.classes.index(inner.name), part)
            else:
                found.mistakes.append(f"{inner} is a class that {root / 'train'} has not")

    for label, folder in enumerate(folders):
        for path in images_under(folder, found.remarks):
            add(path, label, TRAIN)
    held = root / "val"
    lists = [path for path in (root / "val.txt", held / "val.txt") if path.is_file()]
    if lists:
        for path, label in zip(*listed(held, found.classes, lists[0]), strict=True):
            add(path, label, VALIDATION)
    elif held.is_dir() and any(path.is_dir() for path in held.iterdir()):
        add_classes(held, VALIDATION)
    else:
        raise BadInput(
            f"{held} must hold the images to evaluate on, in a sub-folder per class, or with "
            f"{root / 'val.txt'}, whose lines name a file and its class"
        )
    if three:
        add_classes(root / "test", TEST)
    return found
