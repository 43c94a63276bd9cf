"""Flatbuffer tables by hand: plain values in, bytes out, and back.

A table is a dict of field number to value; the value's type says how the field is stored. Reading
trusts nothing: an offset or a length that leaves the bytes is a BadInput.
"""

from __future__ import annotations

import struct

import flatbuffers

from keras_inception.errors import BadInput

from ..file.graph import aligned_bytes


def write(root: dict, identifier: bytes) -> bytes:
    """The bytes of the table `root`.

    Its values are str, bytes, int (one byte, as enumerations are), float (32 bits), dict (a table),
    and lists of dicts or of floats; None and empty lists are left out.
    """
    builder = flatbuffers.Builder()
    builder.Finish(_table(builder, root), identifier)
    return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, fields: dict) -> int:
    fields = {number: value for number, value in fields.items() if value not in (None, [], ())}
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
    if isinstance(value, dict):
        return _table(builder, value)
    tables = isinstance(value[0], dict)
    parts = [_table(builder, part) for part in value] if tables else value
    builder.StartVector(4, len(parts), 4)
    for part in reversed(parts):
        if tables:
            builder.PrependUOffsetTRelative(part)
        else:
            builder.PrependFloat32(part)
    return builder.EndVector()


class Table:
    """A table in `content`, at `at`; reads of fields that it lacks give None or nothing."""

    def __init__(self, content: bytes, at: int):
        self._content, self._at = content, at
        self._fields = at - self._number("<i", at)
        self._size = self._number("<H", self._fields)

    @classmethod
    def root(cls, content: bytes) -> Table:
        return cls(content, cls._number_in(content, "<I", 0))

    @staticmethod
    def _number_in(content: bytes, form: str, at: int):
        if not 0 <= at <= len(content) - struct.calcsize(form):
            raise BadInput("it points outside of itself; get the file again")
        return struct.unpack_from(form, content, at)[0]

    def _number(self, form: str, at: int):
        return self._number_in(self._content, form, at)

    def _place(self, field: int) -> int | None:
        entry = 4 + 2 * field
        offset = self._number("<H", self._fields + entry) if entry < self._size else 0
        return self._at + offset if offset else None

    def number(self, field: int, form: str = "<b", default=None):
        """A scalar, by `struct`'s letter."""
        place = self._place(field)
        return default if place is None else self._number(form, place)

    def _vector(self, field: int, width: int) -> tuple[int, int]:
        """Where its elements begin and how many there are."""
        place = self._place(field)
        if place is None:
            return 0, 0
        place += self._number("<I", place)
        count = self._number("<I", place)
        if count * width > len(self._content) - place - 4:
            raise BadInput("a list in it ends after the file; get the file again")
        return place + 4, count

    def data(self, field: int) -> bytes:
        begin, count = self._vector(field, 1)
        return self._content[begin : begin + count]

    def string(self, field: int) -> str:
        try:
            return self.data(field).decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"a text in it is not UTF-8 ({error}); get the file again") from error

    def numbers(self, field: int, form: str = "f") -> tuple:
        """A vector of scalars, by `struct`'s letter."""
        begin, count = self._vector(field, struct.calcsize(form))
        return struct.unpack_from(f"<{count}{form}", self._content, begin)

    def table(self, field: int) -> Table | None:
        place = self._place(field)
        return None if place is None else Table(self._content, place + self._number("<I", place))

    def count(self, field: int) -> int:
        return self._vector(field, 4)[1]

    def tables(self, field: int):
        begin, count = self._vector(field, 4)
        for place in range(begin, begin + 4 * count, 4):
            yield Table(self._content, place + self._number("<I", place))
