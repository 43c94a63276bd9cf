"""JSON that others may have written: bounded in size and depth, its fields of their types.

The reasons that are raised name no file: who reads says which it is, and what to do.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .errors import BadInput

T = TypeVar("T")

#: Bytes: a hundred thousand names of classes in ten languages. Levels: a network has a dozen.
LARGEST, DEEPEST = 16 << 20, 64


def read(path: Path, largest: int = LARGEST) -> Any:
    """The value in the JSON file `path`. Raises BadInput if it cannot be read, as `parse` does."""
    try:
        if not path.is_file():
            raise BadInput("it is no file")
        with open(path, "rb") as file:
            return parse(file.read(largest + 1), largest)
    except OSError as error:
        raise BadInput(error.strerror) from error


def parse(content: bytes | str, largest: int = LARGEST) -> Any:
    """The value that `content` writes down, in UTF-8.

    Raises BadInput for what is not JSON, has more than `largest` bytes or DEEPEST levels, or a
    number that floats do not hold.
    """
    if len(content) > largest:
        raise BadInput(f"it has more than {largest:,} bytes")
    try:
        value = json.loads(content)
    except RecursionError:
        raise BadInput(f"it is nested more than {DEEPEST} deep") from None
    except ValueError as error:
        raise BadInput(f"it is no JSON: {error}") from error
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise BadInput(f"it is nested more than {DEEPEST} deep")


def _inside(value: Any) -> list:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list):
        return value
    if isinstance(value, int) and value.bit_length() > 1023:
        raise BadInput(f"it has an integer of {value.bit_length()} bits")
    return []


def convert(value: Any, kind: type[T]) -> T:
    """`value`, which JSON gave, as a `kind`: a dataclass, whose own checks are made, a tuple, …

    Raises BadInput, which says where another type stands, and for a dataclass also for numbers that
    are not finite, and for fields that it does not have.
    """
    if is_dataclass(kind) and isinstance(value, dict):
        if not _finite(value):
            raise BadInput("it has a number that is not finite")
        unknown = value.keys() - {field.name for field in fields(kind)}
        if unknown:
            raise BadInput(f"{kind.__name__} has no {min(unknown)!r}")
    try:
        return msgspec.convert(value, kind)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
        raise BadInput(str(error)) from error


def part(record: Any, name: str, kind: type[T] = Any) -> T:
    """The field `name` of `record` as `convert` gives it. Raises BadInput if it has none."""
    if not isinstance(record, dict) or name not in record:
        raise BadInput(f"it has no {name!r}")
    return convert(record[name], kind)


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    if isinstance(value, int):
        return value.bit_length() < 1024
    return not isinstance(value, float) or isfinite(value)
