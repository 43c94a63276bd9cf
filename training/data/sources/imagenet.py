"""`imagenet:DIR`: train/CLASS/*.JPEG, and val/ in class folders too, or flat with a val.txt.

As everybody's figures on ImageNet are, those on val are reported; a test/ in class folders beside
it is the test part, and val then the validation part.
"""

from __future__ import annotations

from pathlib import Path

from keras_inception.class_matching import match
from keras_inception.errors import BadInput

from ..examples import TEST, TRAIN, VALIDATION
from ..labelled import listed
from .files import Listing, add_classes, class_folders


def listing(root: Path) -> Listing:
    """Classes are the folders in train, sorted: of ImageNet's 1000 that is the usual order."""
    found = Listing(root)
    found.classes = tuple(folder.name for folder in class_folders(root / "train", found.remarks))
    found.remarks.clear()  # All that is there is met again.

    def add(folder: Path, part: str) -> None:
        add_classes(found, folder, part, lambda path, label: _key(path, label, part))

    def _key(path: Path, label: int, part: str) -> str:
        return f"{part} {label} {path.relative_to(root).as_posix()}"

    add(root / "train", TRAIN)
    held = root / "val"
    lists = [path for path in (root / "val.txt", held / "val.txt") if path.is_file()]
    if lists:
        paths, names = listed(held, lists[0])
        positions = match(
            tuple(dict.fromkeys(names)),
            found.classes,
            what=f"the lines of {lists[0]}",
            who=str(root / "train"),
            numbers=True,
        )
        for path, name in zip(paths, names, strict=True):
            label = positions[name]
            found.add(path, label, _key(path, label, VALIDATION), VALIDATION)
    elif held.is_dir() and any(path.is_dir() for path in held.iterdir()):
        add(held, VALIDATION)
    else:
        raise BadInput(
            f"{held} must hold the images to evaluate on, in a sub-folder per class, or with "
            f"{root / 'val.txt'}, whose lines name a file and its class"
        )
    if (root / "test").is_dir() and any(p.is_dir() for p in (root / "test").iterdir()):
        add(root / "test", TEST)
    return found
