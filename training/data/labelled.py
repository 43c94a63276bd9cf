"""A folder of photographs with their classes, all of it to evaluate on: nothing is held out."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.imagenet import imagenet_classes
from keras_inception.images import LOOSE, photographs, tell

from .examples import Examples, of_paths
from .headers import readable


def labelled(
    folder: str | Path, classes: tuple[str, ...], labels: str | Path | None = None
) -> Examples:
    """The photographs under `folder` for a network that knows `classes`.

    `labels` is a text file with a file name and a class on every line, separated by white space
    or a comma, as Caffe's val.txt; names count from the folder. Without it every photograph's class
    is the name of its sub-folder. A class is a position from 0, a name in `classes` (in a
    file, one without spaces), or, for the 1000 of ImageNet, a WordNet id.

    Photographs that cannot be read, and those in no sub-folder, are counted, named and left out.

    Raises BadInput if a file is missing, or a class unknown.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise BadInput(f"there is no folder {str(folder)!r}; give one of photographs")
    if labels is not None:
        paths, positions = listed(folder, classes, Path(labels))
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
        pairs = [(path, path.relative_to(folder).parts[0]) for path in paths]
        positions = _positions(pairs, classes, lambda path: f"the sub-folder of {path}")

    _, usable = readable(paths)
    if not usable:
        raise BadInput(f"none of the {len(paths)} photographs in {folder} can be read; give others")
    return of_paths(paths, positions, classes).take(np.array(usable))


def _positions(pairs: list[tuple[Path, str]], classes: tuple[str, ...], where) -> list[int]:
    known = {str(k): k for k in range(len(classes))}
    known |= {name: k for k, name in enumerate(classes)}
    if len(classes) == 1000:
        known |= {wnid: k for k, (wnid, _) in enumerate(imagenet_classes())}
    for path, name in pairs:
        if name not in known:
            raise BadInput(
                f"{where(path)} names the class {name!r}, which is none of the network's "
                f"{len(classes)}; give positions from 0, their names"
                + (", or WordNet ids" if len(classes) == 1000 else "")
            )
    return [known[name] for _, name in pairs]


def listed(folder: Path, classes: tuple[str, ...], labels: Path) -> tuple[list[Path], list[int]]:
    """The files under `folder` that the text file `labels` lists, and their classes' positions."""
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
    positions = _positions(pairs, classes, lambda path: f"line {path.name} of {labels}")
    return [path for path, _ in pairs], positions
