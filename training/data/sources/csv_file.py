"""`csv:FILE`: a table of image files, their labels and, if it has such a column, their split."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from keras_inception.errors import BadInput

from ..examples import TEST, TRAIN, VALIDATION
from .files import PART_NAMES, Listing


def listing(table: Path) -> Listing:
    """Paths count from the table's folder and stand in the column "path", "file", "filename" or
    "image", or in the first; labels in "label" or "class", or in the second.

    Labels that are all integers are positions from 0, and otherwise names, which are sorted. A
    column "split" marks the rows train, validation and test; if not all three, those that are not
    train are the test part.
    """
    rows, columns = _rows(table)
    names = [name for _, _, name, _ in rows]
    numbered = all(name.lstrip("-").isdecimal() and name.isascii() for name in names)
    if numbered:
        # More classes than rows cannot all have images: such a label is a slip.
        position = {name: int(name) for name in names if 0 <= int(name) < len(rows)}
        classes = tuple(map(str, range(max(position.values(), default=-1) + 1)))
    else:
        classes = tuple(sorted(set(names) - {""}))
        position = {name: label for label, name in enumerate(classes)}
    found = Listing(classes)
    parts = {part for *_, part in rows}
    three = {VALIDATION, TEST} <= parts
    if "split" in columns and not (TRAIN in parts and {VALIDATION, TEST} & parts):
        raise BadInput(
            f"the column 'split' of {table} must mark rows train, and others validation or test; "
            "or leave the column out"
        )
    for number, path, name, part in rows:
        if name not in position:
            found.mistakes.append(
                f"line {number} of {table}: the label {name!r} is out of range: it must be "
                + (
                    f"a position in 0 to {len(rows) - 1}, of fewer classes than rows"
                    if numbered
                    else "a name"
                )
            )
        elif part == "unknown":
            found.mistakes.append(f"line {number} of {table}: no such split")
        elif not os.path.isfile(table.parent / path):
            found.mistakes.append(f"line {number} of {table}: there is no file {path!r}")
        else:
            where = TEST if part == VALIDATION and not three else part
            found.add(table.parent / path, position[name], f"{part} {name} {path}", where)
    if len(classes) < 2 and not found.mistakes:
        found.mistakes.append(f"{table} must name at least two classes; it names {len(classes)}")
    return found


def _rows(table: Path) -> tuple[list[tuple[int, str, str, str | None]], list[str]]:
    """(line number, path, label, part) of each row, and the names of the columns."""
    try:
        if not table.is_file():  # A FIFO would be waited for.
            raise OSError("it is no file")
        with open(table, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            columns = [name.strip().lower() for name in reader.fieldnames or ()]
            if len(columns) < 2:
                raise BadInput(
                    f"the first line of {table} must name its columns, two at least: path,label"
                )
            reader.fieldnames = columns
            path, label = (
                next((name for name in names if name in columns), default)
                for names, default in (
                    (("path", "file", "filename", "image"), columns[0]),
                    (("label", "class"), columns[1]),
                )
            )
            rows = []
            for row in reader:
                part = row["split"].strip().lower() if "split" in columns else None
                part = part and PART_NAMES.get(part, "unknown")
                rows.append((reader.line_num, row[path].strip(), row[label].strip(), part))
            return rows, columns
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{table} cannot be read as a table: {error}; give a CSV file") from error
