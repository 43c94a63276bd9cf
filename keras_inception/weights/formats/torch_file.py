"""PyTorch's state dicts, from both of the containers that `torch.save` has written."""

from __future__ import annotations

import io
import logging
import pickle
import zipfile
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...errors import BadInput
from .numpy_arrays import require_plausible, widened

log = logging.getLogger(__name__)

# https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
#: The kinds of storages, and their numbers' dtypes; bfloat16 as its bits.
STORAGES = (
    "Double:<f8 Float:<f4 Half:<f2 BFloat16:<u2 Long:<i8 Int:<i4 Short:<i2 Char:i1 Byte:u1 Bool:?"
)
#: What state dicts are written with, beside EMPTY_DICT and BUILD.
_NAMES = (
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE "
    "SHORT_BINUNICODE BINSTRING SHORT_BINSTRING EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST "
    "APPEND APPENDS SETITEM SETITEMS BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET GLOBAL "
    "STACK_GLOBAL BINPERSID REDUCE BINBYTES SHORT_BINBYTES"
)
OPCODES = [ord(getattr(pickle, name)) for name in _NAMES.split()]


class _Storage(NamedTuple):
    """Where a tensor's numbers lie: what they are, the key of their bytes, how many they are."""

    dtype: np.dtype
    key: str
    numel: int


class _Tensor(NamedTuple):
    """A view of a storage: offset, size and stride count numbers, not bytes."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _Dict(dict):
    def __setitem__(self, key, value):
        # Other keys could be tuples of tuples of tuples, which take forever to hash.
        if not isinstance(key, str | int):
            raise BadInput("it has entries without a name; save model.state_dict() alone")
        super().__setitem__(key, value)


def _ordered_dict(items=()) -> _Dict:
    found = _Dict()
    for key, value in items:
        found[key] = value
    if items:
        # Used once, or else a small file makes many large dicts of it.
        items.clear()
    return found


def _tensor(storage, offset, size, stride, *_) -> _Tensor:
    known = isinstance(storage, _Storage) and len(size) == len(stride) <= 64
    if known and all(type(n) is int and n >= 0 for n in (offset, *size, *stride)):
        return _Tensor(storage, offset, tuple(size), tuple(stride))
    raise BadInput("it has a tensor of no storage or shape; save model.state_dict() alone")


class _Dropped:
    """What stands for all that is no tensor: it takes what it is given, and keeps nothing."""

    def __init__(self, *_):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, _):
        pass

    extend = append


#: What training scripts save beside the weights: their arguments, counters, best accuracy, paths.
_BESIDE = """
    argparse.Namespace collections.Counter collections.defaultdict
    collections.deque datetime.datetime numpy.dtype numpy.core.multiarray.scalar
    numpy._core.multiarray.scalar _codecs.encode pathlib.PosixPath pathlib.WindowsPath
    pathlib._local.PosixPath pathlib._local.WindowsPath torch.Size torch.device torch.float16
    torch.float32 torch.bfloat16 lightning.fabric.utilities.data.AttributeDict
    lightning_fabric.utilities.data.AttributeDict pytorch_lightning.utilities.parsing.AttributeDict
"""
#: What the names in a file stand for: nothing of PyTorch's, and nothing that could do harm.
GLOBALS = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    **dict.fromkeys(_BESIDE.split(), _Dropped),
} | {
    f"torch.{kind}Storage": np.dtype(dtype)
    for kind, dtype in (pair.split(":") for pair in STORAGES.split())
}


def _new_object(unpickler) -> None:
    """An object of a class and its arguments, neither of which is looked at."""
    del unpickler.stack[-2:]
    unpickler.append(_Dropped())


class _Unpickler(pickle._Unpickler):
    """Python's unpickler with no more than the opcodes and the globals of state dicts.

    It is the one written in Python: that in C makes its memo as long as a file says, and leaves no
    say in what becomes of an opcode. `storages` are those that the pickle refers to, by key.
    """

    dispatch = {code: pickle._Unpickler.dispatch[code] for code in OPCODES} | {
        ord(pickle.EMPTY_DICT): lambda self: self.append(_Dict()),
        # Attributes are dropped: the versions of an OrderedDict's modules, which are no weights.
        ord(pickle.BUILD): pickle._Unpickler.load_pop,
        ord(pickle.NEWOBJ): _new_object,
    }

    def __init__(self, file):
        super().__init__(file, encoding="latin-1")
        self.storages: dict[str, _Storage] = {}

    def load(self):
        try:
            return super().load()
        except KeyError as error:
            raise BadInput(
                f"it has the instruction {error}, which state dicts are written without"
            ) from error

    def find_class(self, module, name):
        asked = f"{module}.{name}"
        if asked not in GLOBALS:
            raise BadInput(
                f"it asks for {asked[:100]!r}, which no state dict needs and nothing here runs; "
                "save model.state_dict() alone"
            )
        return GLOBALS[asked]

    def persistent_load(self, pid) -> _Storage:
        match pid:
            case ("storage", np.dtype() as dtype, str(key), str(), int(numel), *view):
                if numel >= 0 and view in ([], [None]):
                    self.storages[key] = storage = _Storage(dtype, key, numel)
                    return storage
        raise BadInput("it refers to what is no storage of numbers; save model.state_dict() alone")


def _from_zip(path: Path) -> tuple[object, dict[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        # torch.save compresses nothing, so that a member that unfolds is none of its own.
        if any(member.compress_type != zipfile.ZIP_STORED for member in members) or (
            sum(member.file_size for member in members) > path.stat().st_size
        ):
            raise BadInput("it is compressed, which torch.save does not do; save it with that")
        contents = {member.filename: archive.read(member) for member in members}
    names = [name for name in contents if name.endswith("/data.pkl")]
    if len(names) != 1:
        raise BadInput("it holds no data.pkl; give a file that torch.save wrote")
    folder = names[0].removesuffix("data.pkl")
    if contents.get(f"{folder}byteorder", b"little") != b"little":
        raise BadInput("it was written big-endian; save it on a little-endian machine")
    value = _Unpickler(io.BytesIO(contents[names[0]])).load()
    return value, {name.removeprefix(f"{folder}data/"): data for name, data in contents.items()}


def _from_legacy(path: Path) -> tuple[object, dict[str, bytes]]:
    file = io.BytesIO(path.read_bytes())
    magic, protocol, system = (_Unpickler(file).load() for _ in range(3))
    if magic != LEGACY_MAGIC or protocol != LEGACY_PROTOCOL:
        raise BadInput("it is a pickle, but not of torch.save's; give one that torch.save wrote")
    if system["little_endian"] is not True:
        raise BadInput("it was written big-endian; save it on a little-endian machine")
    unpickler = _Unpickler(file)
    value, keys = unpickler.load(), _Unpickler(file).load()
    # Every storage follows as its count of numbers and then those, and only the pickle knows
    # what kind of numbers they are.
    contents = {}
    for key in keys:
        if not isinstance(key, str) or key not in unpickler.storages:
            raise BadInput("it holds a storage that nothing refers to; get the whole file again")
        numel = int.from_bytes(file.read(8), "little")
        contents[key] = file.read(numel * unpickler.storages[key].dtype.itemsize)
    return value, contents


#: What training scripts call the weights among the rest; others of the same file are averages.
_STATES = ("state_dict", "model_state_dict", "model")


def _state(value) -> dict[str, _Tensor]:
    """The state dict in what was saved: itself, or the one in a training checkpoint."""
    if not isinstance(value, dict) or not value:
        raise BadInput("it holds no state dict; save model.state_dict()")
    inner = [key for key, each in value.items() if _has_tensors(each)]
    known = [key for key in _STATES if key in inner] or inner
    if known:
        others = [key for key in inner if key != known[0]]
        if len(inner) > 1 and known == inner:
            raise BadInput(f"it holds {len(inner)} state dicts, {inner[:5]}; save the one alone")
        log.info("the weights are read from its entry %r", known[0])
        if others:
            log.warning("left out: %s, further weights in it", ", ".join(map(repr, others)))
        value = value[known[0]]
    for name, tensor in value.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise BadInput(f"its entry {name!r} is no tensor; save model.state_dict() alone")
    return value


def _has_tensors(value) -> bool:
    return isinstance(value, dict) and any(isinstance(each, _Tensor) for each in value.values())


def _array(tensor: _Tensor, contents: dict[str, bytes]) -> np.ndarray:
    (dtype, key, numel), offset, size, stride = tensor
    if not prod(size):
        return np.empty(size, dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if len(contents[key]) < numel * dtype.itemsize or last >= numel:
        raise BadInput("a tensor of it reaches beyond its storage; get the whole file again")
    strides = [step * dtype.itemsize for step in stride]
    return np.ndarray(size, dtype, contents[key], offset * dtype.itemsize, strides).copy()


def read(path: Path) -> dict[str, np.ndarray]:
    """Every tensor of the state dict under its name, in the file's dtype; bfloat16 as float32.

    Executes nothing: a file that asks for more than tensors is refused. Raises BadInput if it
    does, if it holds no state dict, or if its tensors do not lie within its storages.
    """
    with open(path, "rb") as file:
        zipped = file.read(2) == b"PK"
    value, contents = (_from_zip if zipped else _from_legacy)(path)
    state = _state(value)
    # Tensors may share a storage, or repeat a number of it with a stride of zero.
    size = sum(prod(t.size) * t.storage.dtype.itemsize for t in state.values())
    require_plausible(path.stat().st_size, size)
    arrays = {name: _array(tensor, contents) for name, tensor in state.items()}
    return {n: widened(a) if a.dtype == np.uint16 else a for n, a in arrays.items()}
