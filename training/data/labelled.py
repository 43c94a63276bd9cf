"""A folder of photographs with their classes, all of it to evaluate on: nothing is held out."""

from __future__ import annotations

import os
import re
from pathlib import Path

from keras_inception.errors import BadInput
from keras_inception.images import LOOSE, photographs, tell

from .examples import Examples, of_paths
from .headers import readable


def labelled(folder: str | Path, labels: str | Path | None = None) -> Examples:
    """The photographs under `folder`, their classes as the folder or the list calls them.

    `labels` is a text file with a file name and a class on every line, separated by white space
    or a comma, as Caffe's val.txt; names count from the folder. Without it every photograph's class
    is the name of its sub-folder.

    Photographs that cannot be read, and those in no sub-folder, are counted, named and left out.

    Raises BadInput if a file is missing.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise BadInput(f"there is no folder {str(folder)!r}; give one of photographs")
    if labels is not None:
        paths, names = listed(folder, Path(labels))
    else:
        found = photographs(folder)
        paths = [path for path in found if path.parent != folder]
        if len(paths) < len(found):
            tell({LOOSE: [str(path) for path in found if path.parent == folder]})
        if not paths:
            raise BadInput(
                f"the photographs in {folder} are in no sub-folders, which would say their "
                "classes; sort them so, or give --labels a file of their names and classes"
            )
        names = [path.relative_to(folder).parts[0] for path in paths]

    _, usable = readable(paths)
    if not usable:
        raise BadInput(f"none of the {len(paths)} photographs in {folder} can be read; give others")
    classes = tuple(sorted({names[i] for i in usable}))
    position = {name: k for k, name in enumerate(classes)}
    labels = [position[names[i]] for i in usable]
    return of_paths([paths[i] for i in usable], labels, classes)


def listed(folder: Path, labels: Path) -> tuple[list[Path], list[str]]:
    """The files under `folder` that the text file `labels` lists, and the class of each as it is
    written there: a name, or a position from 0."""
    if not labels.is_file():
        raise BadInput(f"there is no file {str(labels)!r}; give one of names and classes")
    try:
        lines = labels.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"{labels} is not UTF-8 ({error}); save it as UTF-8") from error
    pairs = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = re.fullmatch(r"(.*?)[\s,]+(\S+)\s*", line.strip())
        if not match:
            raise BadInput(f"line {number} of {labels} needs a file name and a class; got {line!r}")
        path = folder / match[1]
        if not os.path.isfile(path):
            # Lists are often made in the folder above.
            path = folder / Path(match[1]).name
        if not os.path.isfile(path):
            raise BadInput(f"line {number} of {labels}: there is no file {str(path)!r}")
        pairs.append((path, match[2]))
    if not pairs:
        raise BadInput(f"{labels} is empty; it needs a file name and a class on every line")
    return [path for path, _ in pairs], [name for _, name in pairs]
