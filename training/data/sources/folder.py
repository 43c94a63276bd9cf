"""`folder:DIR`: a sub-folder of images per class, classes sorted by name; where there are parts of
a split, they stand around the classes or inside of each."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from keras_inception.errors import BadInput
from keras_inception.images import images_under

from ..examples import TRAIN
from .files import Listing, add_classes, class_folders, sub_folders
from .part_names import FOLD, part_of

PARTED = "taken for the parts of a split, not for classes"


def listing(root: Path) -> Listing:
    """Raises BadInput for folders that are called as parts are, and cannot be them."""
    found = Listing(root)
    folders = class_folders(root, found.remarks)

    def key(path: Path, label: int) -> str:
        return path.relative_to(root).as_posix()

    if parts := _parts_among(folders):
        inside = sub_folders(parts[TRAIN], defaultdict(list))
        if len(inside) < 2:
            raise BadInput(
                f"the sub-folders of {root} are called as the parts of a split are, but "
                f"{parts[TRAIN]} has not a sub-folder for each of at least two classes; if they "
                "are classes, rename them"
            )
        found.classes = tuple(folder.name for folder in inside)
        found.remarks[PARTED] += [str(folder) for folder in parts.values()]
        for part, folder in parts.items():
            add_classes(found, folder, part, key)
        return found
    found.remarks.update(_called_as_parts(root, folders))
    found.classes = tuple(folder.name for folder in folders)
    inner = [_parts_among(_folders_in(folder)) for folder in folders]
    if any(inner) and not all(inner):
        raise BadInput(
            f"{folders[inner.index({})]} has no parts of a split inside, as other classes of "
            f"{root} have; sort all classes into parts, or none"
        )
    for label, (folder, parts) in enumerate(zip(folders, inner, strict=True)):
        if parts:
            sub_folders(folder, found.remarks)  # What is in no part is named.
            found.remarks[PARTED] += [str(inside) for inside in parts.values()]
        for part, place in (parts or {None: folder}).items():
            for path in images_under(place, found.remarks):
                found.add(path, label, key(path, label), part)
    return found


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sub_folders(folder, defaultdict(list))
    except BadInput:  # What cannot be looked into is named where its images are listed.
        return []


def _parts_among(folders: list[Path]) -> dict[str, Path]:
    """The folder of each part, if these are the parts of a split: one to train on, and others."""
    parts = {part: folder for folder in folders if (part := part_of(folder.name))}
    whole = len(parts) == len(folders) > 1 and TRAIN in parts and FOLD not in parts
    return parts if whole else {}


def _called_as_parts(root: Path, folders: list[Path]) -> dict[str, list[str]]:
    """What is to be said of classes that are called as parts are: trains beside buses. Raises
    BadInput where they can hardly be classes."""
    called = [folder.name for folder in folders if part_of(folder.name)]
    others = [folder.name for folder in folders if folder.name not in called]
    kinds = {part_of(name) for name in called}
    if called and not others:
        raise BadInput(
            f"the sub-folders of {root} are called as the parts of a split are "
            f"({', '.join(called)}), not as classes, but not one is to train on, and one each for "
            "validation or to test on; call them train, val and test, or rename them if they are "
            "classes; or give csv:FILE, a table with the columns path, label and split"
        )
    if TRAIN in kinds and len(kinds) > 1:
        raise BadInput(
            f"of the sub-folders of {root}, {', '.join(called)} are called as the parts of a split "
            f"are, and {', '.join(others)} not; leave parts alone or classes alone there"
        )
    return {"called as a part of a split is, and taken for a class": called} if called else {}
