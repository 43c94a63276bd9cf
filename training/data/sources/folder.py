"""`folder:DIR`: a sub-folder of images per class, classes sorted by name."""

from __future__ import annotations

from pathlib import Path

from keras_inception.errors import BadInput
from keras_inception.images import images_under

from .files import PART_NAMES, Listing, class_folders


def listing(root: Path) -> Listing:
    folders = class_folders(root)
    if {folder.name.lower() for folder in folders} <= PART_NAMES.keys():
        raise BadInput(
            f"the sub-folders of {root} are parts, not classes; if each holds a sub-folder per "
            f"class, call them train and val and give imagenet:{root}"
        )
    found = Listing(tuple(folder.name for folder in folders))
    for label, folder in enumerate(folders):
        for path in images_under(folder, found.remarks):
            found.add(path, label, path.relative_to(root).as_posix())
    return found
