"""The pickles of `torch.save`, as data: a small interpreter that has nothing it could execute.

Python's own unpickler calls what a file tells it to. This one knows the instructions that state
dicts are written with, and a file's globals are words to it, of which it understands a few.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import BinaryIO

from ...errors import BadInput

# The storage types, each by the dtype of its numbers; bfloat16 as its bits.
STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
ORDERED_DICT = "collections OrderedDict"
TENSOR = "torch._utils _rebuild_tensor_v2"
PARAMETER = "torch._utils _rebuild_parameter"
GLOBALS = {ORDERED_DICT, TENSOR, PARAMETER, *(f"torch {name}" for name in STORAGES)}

CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}
LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
}
PUT, GET = {"BINPUT", "LONG_BINPUT", "MEMOIZE"}, {"BINGET", "LONG_BINGET"}


@dataclass(frozen=True)
class Global:
    """A name in a pickle, `module name`: one of GLOBALS."""

    name: str


@dataclass(frozen=True)
class Storage:
    """Where a tensor's numbers lie: one of STORAGES, the key of its bytes, how many numbers."""

    kind: str
    key: str
    numel: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage: offset, size and stride count numbers, not bytes."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def _global(name: str) -> Global:
    if name not in GLOBALS:
        raise BadInput(
            f"it asks for {name.replace(' ', '.')}, which no state dict needs and nothing here "
            "runs; save model.state_dict() alone"
        )
    return Global(name)


def _is_count(value) -> bool:
    return type(value) is int and value >= 0


def _storage(reference) -> Storage:
    match reference:
        case ("storage", Global(name), str(key), str(), numel, *view) if _is_count(numel):
            kind = name.removeprefix("torch ")
            if kind in STORAGES and view in ([], [None]):
                return Storage(kind, key, numel)
    raise BadInput("it refers to what is no storage of numbers; save model.state_dict() alone")


def _reduce(function, arguments):
    match function, arguments:
        case Global(name), () if name == ORDERED_DICT:
            return {}
        case Global(name), (list(items),) if name == ORDERED_DICT:
            return _with({}, [part for key, value in items for part in (key, value)])
        case Global(name), (Storage(), offset, tuple(size), tuple(stride), *_) if name == TENSOR:
            if len(size) == len(stride) and all(map(_is_count, (offset, *size, *stride))):
                return Tensor(arguments[0], offset, size, stride)
        case Global(name), (Tensor() as tensor, *_) if name == PARAMETER:
            return tensor
    raise BadInput("it calls what state dicts do not call; save model.state_dict() alone")


def _with(target, flat: list) -> dict:
    keys = flat[::2]
    # Other keys could be tuples of tuples of tuples, which take forever to hash.
    if not isinstance(target, dict) or not all(isinstance(key, str | int) for key in keys):
        raise BadInput("it has entries without a name; save model.state_dict() alone")
    target.update(zip(keys, flat[1::2], strict=True))
    return target


def load(file: BinaryIO, storages: dict[str, Storage] | None = None):
    """The value of the pickle that starts here, `file` left behind its end.

    Tensors come as `Tensor`, dicts of every kind as dict; every storage that is referred to is
    added to `storages` under its key. Raises BadInput at the first
    instruction or global that state dicts are not written with, and whatever
    `pickletools.genops`, an empty stack or an unknown memo raise on damage.
    """
    stack, marks, memo = [], [], {}

    def cut(start: int) -> list:
        values = stack[start:]
        del stack[start:]
        return values

    for instruction, argument, _ in pickletools.genops(file):
        name = instruction.name
        if name in LITERALS:
            stack.append(argument)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in EMPTY:
            stack.append(EMPTY[name]())
        elif name in PUT:
            memo[len(memo) if argument is None else argument] = stack[-1]
        elif name in GET:
            stack.append(memo[argument])
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "TUPLE":
            stack.append(tuple(cut(marks.pop())))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(cut(-int(name[-1]))))
        elif name in ("APPEND", "APPENDS"):
            values = cut(-1 if name == "APPEND" else marks.pop())
            stack[-1].extend(values)
        elif name in ("SETITEM", "SETITEMS"):
            values = cut(-2 if name == "SETITEM" else marks.pop())
            _with(stack[-1], values)
        elif name == "GLOBAL":
            stack.append(_global(argument))
        elif name == "STACK_GLOBAL":
            stack.append(_global(" ".join(cut(-2))))
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
            if storages is not None:
                storages[stack[-1].key] = stack[-1]
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_reduce(stack.pop(), arguments))
        elif name == "BUILD":
            # An OrderedDict's attributes: the versions of its modules, which are no weights.
            stack.pop()
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise BadInput(f"it has the instruction {name}, which state dicts are written without")
