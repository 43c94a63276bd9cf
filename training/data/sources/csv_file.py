"""`csv:FILE`: a table of image files, their labels and, if it has such a column, their split."""

from __future__ import annotations

import csv
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

from keras_inception import label_files
from keras_inception.errors import BadInput
from keras_inception.images import EXTENSIONS

from ..examples import TEST, TRAIN, VALIDATION
from .files import Listing
from .part_names import FOLD, part_of

READ = "how the table is read"
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
#: What people call the columns, without case, spaces and signs, the likeliest first.
PATHS = [
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "filenames",
    "filepath",
    "filepaths",
    "image",
    "images",
    "imagepath",
    "imagefile",
    "imagename",
    "img",
    "imgpath",
    "imgname",
    "relativepath",
    "imageid",
    "id",
]
_LABELS = [
    "label",
    "labels",
    "class",
    "classes",
    "classname",
    "labelname",
    "category",
    "target",
    "species",
]
_WHOLE = re.compile(r"(-?\d{1,18})(?:\.0+)?", re.ASCII)


@dataclass(frozen=True)
class _Columns:
    """Where a table has what."""

    path: int
    label: int
    split: int | None


def listing(table: Path) -> Listing:
    """Paths count from the table's folder and stand in a column called "path", "file", "image" or
    the like, or in the first; labels in "label", "class" or the like, or in the only one left.

    Labels that are all whole numbers are positions from 0, and otherwise names, which are sorted;
    numbers that are all of 1 to n are names. A column "split", or one that has names of parts
    alone, marks the rows train, validation and test; if not all three, those that are not train are
    the test part. Commas, semicolons, tabs or bars separate; the columns need not be named. What
    was not simply so is among the remarks.

    Raises BadInput for what is no table, or does not say which column is which.
    """
    found = Listing(table.parent)
    rows = rows_of(table, found)
    columns = _columns(table, rows, found)
    labels = [cells[columns.label] for _, cells in rows]
    found.classes, position = _classes(labels, found)
    parts = [part_in(cells, columns.split) for _, cells in rows]
    if columns.split is not None and not (TRAIN in parts and {VALIDATION, TEST} & {*parts}):
        raise BadInput(
            f"the column 'split' of {table} must mark rows train, and others validation or test; "
            "or leave the column out"
        )
    for (number, cells), name, part in zip(rows, labels, parts, strict=True):
        given, where = cells[columns.path], f"line {number} of {table}"
        if name not in position:
            found.mistakes.append(
                f"{where}: the label {name!r} is out of range: it must be "
                + (
                    f"a position in 0 to {len(rows) - 1}, of fewer classes than rows"
                    if all(map(_WHOLE.fullmatch, labels))
                    else "a name"
                )
            )
        elif part == FOLD:
            found.mistakes.append(f"{where}: no such split")
        elif not (place := place_of(found.root, given))[0]:
            found.mistakes.append(f"{where}: there is no file {given!r}")
        else:
            path, remark = place
            if remark:
                found.remarks[remark].append(given)
            found.add(path, position[name], f"{part} {name} {given}", part)
    if len(found.classes) < 2 and not found.mistakes:
        found.mistakes.append(
            f"{table} must name at least two classes; it names {len(found.classes)}"
        )
    return found


def rows_of(table: Path, found: Listing) -> list[tuple[int, list[str]]]:
    """(line number, cells) of each row that is not blank, all of them equally long."""
    try:
        if not table.is_file():  # A FIFO would be waited for.
            raise OSError("it is no file")
        text = label_files.text(table.read_bytes(), str(table))
        first = next((line for line in text.splitlines() if line.strip()), "")
        readings = {sign: _split(text, sign) for sign in _DELIMITERS if sign in first}
    except (OSError, csv.Error) as error:
        raise BadInput(
            f"{table} cannot be read as a table: {error}; give a CSV file in UTF-8"
        ) from error
    if not readings:
        raise BadInput(
            f"the first line of {table} must name its columns, two at least, with commas between "
            f"them: path,label; got {first[:100]!r}"
        )

    def alike(sign: str) -> int:
        rows = readings[sign]
        return sum(len(cells) == len(rows[0][1]) for _, cells in rows)

    sign = max(readings, key=alike)
    if sign != ",":
        found.remarks[READ].append(f"its columns are separated by {_DELIMITERS[sign]}")
    width = len(readings[sign][0][1])
    return [(number, (cells + [""] * width)[:width]) for number, cells in readings[sign]]


def _split(text: str, sign: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, skipinitialspace=True)
    rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    return [row for row in rows if any(row[1])]


def _columns(table: Path, rows: list[tuple[int, list[str]]], found: Listing) -> _Columns:
    """Which column is which; the line that names them is taken from `rows`."""
    header = rows[0][1]
    names = [plain(name) for name in header]
    named = [name in PATHS or name in _LABELS for name in names]
    if any(named) or not any(_is_path(found, cell) for cell in header):
        del rows[0]
    else:
        found.remarks[READ].append("it has no line that names its columns: the first is an image")
        names, header = [""] * len(names), [str(k) for k in range(1, len(names) + 1)]
    every = [[cells[k] for _, cells in rows] for k in range(len(names))]
    left = [k for k, name in enumerate(names) if not (_is_index(name) and _counts(every[k]))]

    def take(wanted: list[str], default) -> int | None:
        k = next((names.index(name) for name in wanted if name in names), None)
        k = next((k for k in left if default(k)), None) if k is None else k
        if k in left:
            left.remove(k)
        return k

    path = take(PATHS, lambda k: bool(rows) and _is_path(found, every[k][0]))
    if path is None and left:
        path = left.pop(0)
    label = take(_LABELS, lambda k: False)
    split = take(["split"], lambda k: is_split(every[k]))
    if label is None and len(left) == 1:
        (label,) = left
    if path is None or label is None:
        shown = ", ".join(map(repr, header))
        raise BadInput(
            f"which columns of {table} have the paths and the labels? Its first line must name "
            f"them, path and label, and split if there is one; its columns are {shown}"
        )
    if [names[path], names[label]] != ["path", "label"]:
        said = f"paths are in column {header[path]!r}, labels in {header[label]!r}"
        found.remarks[READ].append(said)
    if split is not None and names[split] != "split":
        found.remarks[READ].append(f"the parts of a split are in column {header[split]!r}")
    return _Columns(path, label, split)


def plain(name: str) -> str:
    """A column's name without case, spaces and signs."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _is_index(name: str) -> bool:
    """Whether it may be what pandas numbers rows by."""
    return name in ("", "index") or name.startswith("unnamed")


def _counts(cells: list[str]) -> bool:
    return cells in [[str(k) for k in range(first, first + len(cells))] for first in (0, 1)]


def is_split(cells: list[str]) -> bool:
    parts = {part_of(cell) for cell in set(cells)}
    return TRAIN in parts and len(parts) > 1 and not parts & {None, FOLD}


def _is_path(found: Listing, cell: str) -> bool:
    return cell.lower().endswith(EXTENSIONS) or place_of(found.root, cell)[0] is not None


def part_in(cells: list[str], column: int | None) -> str | None:
    """FOLD for what is no part, None where no column has them."""
    return None if column is None else part_of(cells[column]) or FOLD


def _classes(labels: list[str], found: Listing) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes, and the position of each label that has one."""
    whole = {name: _WHOLE.fullmatch(name) for name in labels}
    numbers = {name: int(match[1]) for name, match in whole.items() if match}
    if len(numbers) < len(whole) or not numbers:
        classes = tuple(sorted(whole.keys() - {""}))
        return classes, {name: label for label, name in enumerate(classes)}
    if any("." in name for name in numbers):
        found.remarks[READ].append("labels such as '1.0' are whole numbers")
    if {*numbers.values()} == {*range(1, max(numbers.values()) + 1)}:
        most = max(numbers.values())
        found.remarks[READ].append(f"labels are the names of the classes, the numbers 1 to {most}")
        classes = tuple(map(str, range(1, most + 1)))
        return classes, {name: number - 1 for name, number in numbers.items()}
    # More classes than rows cannot all have images: such a label is a slip.
    position = {name: number for name, number in numbers.items() if 0 <= number < len(labels)}
    return tuple(map(str, range(max(position.values(), default=-1) + 1))), position


def place_of(root: Path, given: str) -> tuple[Path | None, str]:
    """The file that a cell names, if there is one, and what is to be said of how it was found."""
    if given and os.path.isfile(root / given):
        return root / given, ""
    slashes = given.replace("\\", "/")
    if os.sep == "/" and slashes != given and os.path.isfile(root / slashes):
        return root / slashes, "paths with backslashes, taken for slashes"
    endings = [*EXTENSIONS, *map(str.upper, EXTENSIONS)] if given else []
    there = [path for e in endings if os.path.isfile(path := root / f"{slashes}{e}")]
    if len(there) == 1:
        return there[0], "names without their ending, of which there is one file each"
    return None, ""
