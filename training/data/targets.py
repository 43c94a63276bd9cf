"""A table of images with several labels, or with numbers: what is right stands in its columns."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from keras_inception.class_matching import listed, match, normal
from keras_inception.errors import BadInput
from keras_inception.outputs import LABELS, Kind

from . import DataRef, Split
from .examples import TEST, VALIDATION
from .sources import csv_file
from .sources.files import Listing, parts_of
from .sources.part_names import FOLD

#: A column that names all labels of an image.
_SEVERAL = ("labels", "tags", "label", "classes")


def split(data: DataRef, names: tuple[str, ...], kind: Kind) -> Split:
    """The images of the table that `data` names, split as it says; what is right of each,
    (outputs,) float32, is among their `targets`.

    The table is read as for classes (`sources.csv_file`), its first line naming the columns. Every
    output has a column of its name, with a number, for labels 0 or 1; or the labels of an image
    stand in one column "labels", "tags", "label" or "classes", separated by "|", ";" or ",". Rows
    that are all of the test part are for evaluation alone: the others are empty.

    Raises BadInput for a table that lacks a column or a file, or has something else than numbers.
    """
    found = _listing(Path(data.source.partition(":")[2]), names, kind)
    found.test_the_second()
    return data.drawn(parts_of(found))


def _listing(table: Path, names: tuple[str, ...], kind: Kind) -> Listing:
    found = Listing(table.parent, names)
    (_, columns), *rows = csv_file.rows_of(table, found)
    if not rows:
        raise BadInput(f"{table} needs a line of columns, and a line for each image")
    forms = [csv_file.plain(column) for column in columns]
    own, right = _right(table, columns, rows, names, kind)
    others = [k for k in range(len(columns)) if k not in own]
    path = next((k for form in csv_file.PATHS for k in others if forms[k] == form), None)
    path = next(iter(others), None) if path is None else path
    if path is None:
        raise BadInput(f"{table} has no column with the paths of its images; call it path")
    others.remove(path)
    marked = [k for k in others if csv_file.is_split([cells[k] for _, cells in rows])]
    part_column = next((k for k in others if forms[k] == "split"), next(iter(marked), None))
    for (line, cells), values in zip(rows, right, strict=True):
        given, part = cells[path], csv_file.part_in(cells, part_column)
        place, remark = csv_file.place_of(found.root, given)
        if part == FOLD:
            found.mistakes.append(f"line {line} of {table}: no such split")
        elif place is None:
            found.mistakes.append(f"line {line} of {table}: there is no file {given!r}")
        else:
            if remark:
                found.remarks[remark].append(given)
            found.add(place, 0, f"{part} {values.tolist()} {given}", part)
            found.targets.append(values)
    if found.mistakes:
        shown = "; ".join(found.mistakes[:3])
        raise BadInput(f"{shown}: {len(found.mistakes)} such lines must be put right")
    if found.parts and not {VALIDATION, TEST} & {*found.parts}:
        raise BadInput(
            f"the column {columns[part_column]!r} of {table} must mark some rows validation or "
            "test; or leave the column out"
        )
    return found


def _right(table, columns, rows, names, kind) -> tuple[list[int], np.ndarray]:
    """The columns that say what is right, and that, (rows, outputs) float32."""
    by_form = {normal(column): k for k, column in enumerate(columns)}
    missing = [name for name in names if normal(name) not in by_form]
    if not missing:
        own = [by_form[normal(name)] for name in names]
        truth = [[_number(table, line, cells[k], columns[k]) for k in own] for line, cells in rows]
    elif kind is LABELS and (several := next((c for c in _SEVERAL if c in by_form), None)):
        own = [by_form[several]]
        truth = _of_lists(table, [cells[own[0]] for _, cells in rows], names)
    else:
        raise BadInput(
            f"{table} has no column for {listed(missing)}; its columns are {listed(columns)}"
        )
    right = np.array(truth, np.float32).reshape(len(rows), len(names))
    if kind is LABELS and not np.isin(right, (0, 1)).all():
        raise BadInput(f"the labels in {table} must be 0 or 1; it has {right.max():g} too")
    return own, right


def _number(table: Path, line: int, cell: str, column: str) -> float:
    try:
        found = float(cell)
    except ValueError:
        found = float("nan")
    if not np.isfinite(found):
        raise BadInput(f"line {line} of {table} has {cell!r} as {column!r}: it must be a number")
    return found


def _of_lists(table: Path, cells: list[str], names: tuple[str, ...]) -> list[np.ndarray]:
    lists = [[part.strip() for part in re.split(r"[|;,]", cell) if part.strip()] for cell in cells]
    used = tuple(sorted({name for each in lists for name in each}))
    positions = match(used, names, what=f"the labels in {table}", who="the network")
    return [np.isin(np.arange(len(names)), [positions[name] for name in each]) for each in lists]
