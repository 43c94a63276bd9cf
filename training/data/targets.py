"""A table of images with several labels, or with numbers, to evaluate on."""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path

import numpy as np

from keras_inception import label_files
from keras_inception.class_matching import listed, match, normal
from keras_inception.errors import BadInput
from keras_inception.outputs import LABELS, Kind

from .examples import TEST, VALIDATION, Examples, of_paths

_PATHS = ("path", "file", "filename", "image")
#: A column that names all labels of an image.
_SEVERAL = ("labels", "tags", "label", "classes")


def read(table: Path, names: tuple[str, ...], kind: Kind) -> tuple[Examples, np.ndarray]:
    """The images of a table and what is right of each, (n, outputs) float32.

    The path counts from the table's folder and stands in the column "path", "file", "filename" or
    "image", or in the first. Every output has a column of its name, with a number, for labels 0 or
    1; or the labels of an image stand in one column "labels", "tags", "label" or "classes",
    separated by "|", ";" or ",". Where a column "split" marks some as test, or else as validation,
    these are taken, and otherwise all.

    Raises BadInput for a table that lacks a column or a file, or has something else than numbers.
    """
    rows, columns = _rows(table)
    path = next((name for name in _PATHS if name in columns), columns[0])
    by_form = {normal(column): column for column in columns if column != path}
    missing = [name for name in names if normal(name) not in by_form]
    if not missing:
        own = [by_form[normal(name)] for name in names]
        truth = [[_number(table, line, row, column) for column in own] for line, row in rows]
    elif kind is LABELS and (several := next((c for c in _SEVERAL if c in columns), None)):
        truth = _of_lists(table, [row[several] for _, row in rows], names)
    else:
        raise BadInput(
            f"{table} has no column for {listed(missing)}; its columns are {listed(columns)}"
        )
    right = np.array(truth, np.float32).reshape(len(rows), len(names))
    if kind is LABELS and not np.isin(right, (0, 1)).all():
        raise BadInput(f"the labels in {table} must be 0 or 1; it has {right.max():g} too")
    marks = [row.get("split", "").strip().lower() for _, row in rows]
    part = next((each for each in (TEST, VALIDATION) if each in marks), "")
    taken = [i for i, mark in enumerate(marks) if not part or mark == part]
    paths = [table.parent / rows[i][1][path].strip() for i in taken]
    if gone := [each for each in paths if not os.path.isfile(each)]:
        raise BadInput(
            f"{table} names {len(gone)} files that are not there: {listed(map(str, gone))}"
        )
    examples = of_paths(paths, np.zeros(len(paths), np.int32), names)
    return examples.in_part(part), right[taken]


def _rows(table: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """(line number, cells by column) of each row, and the columns."""
    if not table.is_file():
        raise BadInput(f"there is no file {str(table)!r}; give a table of images")
    with open(table, "rb") as file:
        text = label_files.text(file.read(label_files.LARGEST + 1), str(table))
    first = text.split("\n", 1)[0]
    reader = csv.DictReader(
        io.StringIO(text, newline=""), restval="", delimiter=max("\t;,", key=first.count)
    )
    try:
        columns = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise BadInput(f"{table} cannot be read as a table: {error}") from error
    if len(columns) < 2 or not rows:
        raise BadInput(f"{table} needs a line of columns, two at least, and a line for each image")
    return rows, columns


def _number(table: Path, line: int, row: dict[str, str], column: str) -> float:
    try:
        found = float(row[column])
    except ValueError:
        found = float("nan")
    if not np.isfinite(found):
        raise BadInput(
            f"line {line} of {table} has {row[column]!r} as {column!r}: it must be a number"
        )
    return found


def _of_lists(table: Path, cells: list[str], names: tuple[str, ...]) -> list[np.ndarray]:
    lists = [[part.strip() for part in re.split(r"[|;,]", cell) if part.strip()] for cell in cells]
    used = tuple(sorted({name for each in lists for name in each}))
    positions = match(used, names, what=f"the labels in {table}", who="the network")
    return [np.isin(np.arange(len(names)), [positions[name] for name in each]) for each in lists]
