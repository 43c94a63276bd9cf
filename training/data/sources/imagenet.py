"""`imagenet:DIR`: train/CLASS/*.JPEG, and val/ in class folders too, or flat with a val.txt."""

from __future__ import annotations

from pathlib import Path

from keras_inception.errors import BadInput

from ..labelled import listed
from .files import TEST, TRAIN, Listing, class_folders, images_under


def listing(root: Path) -> Listing:
    """Classes are the folders in train, sorted: of ImageNet's 1000 that is the usual order."""
    folders = class_folders(root / "train")
    found = Listing(tuple(folder.name for folder in folders))

    def add(path: Path, label: int, part: str) -> None:
        found.add(path, label, f"{part} {label} {path.relative_to(root).as_posix()}", part)

    for label, folder in enumerate(folders):
        for path in images_under(folder, found.remarks):
            add(path, label, TRAIN)
    held = root / "val"
    lists = [path for path in (root / "val.txt", held / "val.txt") if path.is_file()]
    if lists:
        for path, label in zip(*listed(held, found.classes, lists[0]), strict=True):
            add(path, label, TEST)
    elif held.is_dir() and any(path.is_dir() for path in held.iterdir()):
        for folder in sorted(path for path in held.iterdir() if path.is_dir()):
            if folder.name in found.classes:
                for path in images_under(folder, found.remarks):
                    add(path, found.classes.index(folder.name), TEST)
            else:
                found.mistakes.append(f"{folder} is a class that {root / 'train'} has not")
    else:
        raise BadInput(
            f"{held} must hold the images to evaluate on, in a sub-folder per class, or with "
            f"{root / 'val.txt'}, whose lines name a file and its class"
        )
    return found
