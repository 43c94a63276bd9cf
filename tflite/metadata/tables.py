"""Flatbuffer tables by hand: plain values in, bytes out, and back.

A table is a named tuple; the type of a value says how the field is stored. Reading trusts nothing:
an offset that leaves the bytes, or a list that is longer than what its reader asks for, is a
BadInput. Lists in one file may overlap, so that no sum of their lengths is bounded by its size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import flatbuffers

from keras_inception.errors import BadInput

from ..file.graph import aligned_bytes

#: Tables in a list, bytes of a text.
MOST, LONGEST = 1000, 100_000


def write(root: tuple, identifier: bytes) -> bytes:
    """The bytes of the table `root`.

    Its values are str, bytes, int (one byte, as enumerations are), float (32 bits), tables, and
    lists of tables or of floats; None, empty texts and empty lists are left out.
    """
    builder = flatbuffers.Builder()
    builder.Finish(_table(builder, root), identifier)
    return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, table: tuple) -> int:
    fields = {number: value for number, value in enumerate(table) if value not in (None, "", [])}
    # What a table points to is written before the table.
    offsets = {n: _apart(builder, v) for n, v in fields.items() if not isinstance(v, int | float)}
    builder.StartObject(max(fields, default=-1) + 1)
    for number, value in fields.items():
        if number in offsets:
            builder.PrependUOffsetTRelativeSlot(number, offsets[number], 0)
        elif isinstance(value, float):
            builder.PrependFloat32Slot(number, value, 0.0)
        else:
            builder.PrependInt8Slot(number, value, 0)
    return builder.EndObject()


def _apart(builder: flatbuffers.Builder, value) -> int:
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, bytes):
        return aligned_bytes(builder, value)
    if isinstance(value, tuple):
        return _table(builder, value)
    tables = isinstance(value[0], tuple)
    parts = [_table(builder, part) for part in value] if tables else value
    builder.StartVector(4, len(parts), 4)
    for part in reversed(parts):
        if tables:
            builder.PrependUOffsetTRelative(part)
        else:
            builder.PrependFloat32(part)
    return builder.EndVector()


class Table:
    """A table of some kind, a class of named tuples, that is in `content` where the offset at
    `pointer` says; reads of fields that it lacks give None or nothing."""

    def __init__(self, content: bytes, kind: Any, pointer: int = 0):
        self._content, self._kind = content, kind
        self._at = pointer + self._number("<I", pointer)
        self._fields = self._at - self._number("<i", self._at)
        self._size = self._number("<H", self._fields)

    def _number(self, form: str, at: int):
        if not 0 <= at <= len(self._content) - struct.calcsize(form):
            raise BadInput("it points outside of itself; get the file again")
        return struct.unpack_from(form, self._content, at)[0]

    def _place(self, field: str) -> int | None:
        entry = 4 + 2 * self._kind._fields.index(field)
        offset = self._number("<H", self._fields + entry) if entry < self._size else 0
        return self._at + offset if offset else None

    def number(self, field: str, form: str = "<b", default=None):
        """A scalar, by `struct`'s letter."""
        place = self._place(field)
        return default if place is None else self._number(form, place)

    def _vector(self, field: str, width: int, most: int) -> tuple[int, int]:
        """Where its elements begin and how many there are, which are `most` or fewer."""
        place = self._place(field)
        if place is None:
            return 0, 0
        place += self._number("<I", place)
        count = self._number("<I", place)
        if count * width > len(self._content) - place - 4:
            raise BadInput("a list in it ends after the file; get the file again")
        if count > most:
            raise BadInput(f"its {field} is longer than {most:,}: it has {count:,}")
        return place + 4, count

    def data(self, field: str, most: int = LONGEST) -> bytes:
        begin, count = self._vector(field, 1, most)
        return self._content[begin : begin + count]

    def string(self, field: str) -> str:
        try:
            return self.data(field).decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"a text in it is not UTF-8 ({error}); get the file again") from error

    def numbers(self, field: str, form: str, most: int) -> tuple:
        """A list of four-byte numbers, by `struct`'s letter."""
        begin, count = self._vector(field, 4, most)
        return struct.unpack_from(f"<{count}{form}", self._content, begin)

    def table(self, field: str, kind: Any) -> Table | None:
        place = self._place(field)
        return None if place is None else Table(self._content, kind, place)

    def tables(self, field: str, kind: Any) -> Iterator[Table]:
        begin, count = self._vector(field, 4, MOST)
        for place in range(begin, begin + 4 * count, 4):
            yield Table(self._content, kind, place)

    def at(self, field: str, number: int, kind: Any) -> Table:
        """The table of that number in a list, however long."""
        begin, count = self._vector(field, 4, len(self._content))
        if not 0 <= number < count:
            raise BadInput(f"it has no number {number} among its {field}; get the file again")
        return Table(self._content, kind, begin + 4 * number)
