"""PyTorch's state dicts, from both of the containers that `torch.save` has written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np

from ...errors import BadInput
from . import torch_pickle
from .bfloat16 import widened
from .bounds import require_plausible
from .torch_pickle import STORAGES, Storage, Tensor

# https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
# The bytes of a storage, at least as many as its numbers take.
Bytes = Callable[[Storage], bytes | memoryview]


def _from_zip(path: Path) -> tuple[object, Bytes]:
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
    value = torch_pickle.load(io.BytesIO(contents[names[0]]))
    return value, lambda storage: contents[f"{folder}data/{storage.key}"]


def _from_legacy(path: Path) -> tuple[object, Bytes]:
    file = io.BytesIO(path.read_bytes())
    magic, protocol, system = (torch_pickle.load(file) for _ in range(3))
    if magic != LEGACY_MAGIC or protocol != LEGACY_PROTOCOL:
        raise BadInput("it is a pickle, but not of torch.save's; give one that torch.save wrote")
    if system["little_endian"] is not True:
        raise BadInput("it was written big-endian; save it on a little-endian machine")
    storages: dict[str, Storage] = {}
    value, keys = torch_pickle.load(file, storages), torch_pickle.load(file)
    # Every storage follows as its count of numbers and then those, and only the pickle knows
    # what kind of numbers they are.
    contents = {}
    for key in keys:
        if not isinstance(key, str) or key not in storages:
            raise BadInput("it holds a storage that nothing refers to; get the whole file again")
        numel = int.from_bytes(file.read(8), "little")
        contents[key] = file.read(numel * np.dtype(STORAGES[storages[key].kind]).itemsize)
    return value, lambda storage: contents[storage.key]


def _state(value) -> dict[str, Tensor]:
    """The state dict in what was saved: itself, or the `state_dict` of a training checkpoint."""
    if isinstance(value, dict) and isinstance(value.get("state_dict"), dict):
        value = value["state_dict"]
    if not isinstance(value, dict) or not value:
        raise BadInput("it holds no state dict; save model.state_dict()")
    for name, tensor in value.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise BadInput(f"its entry {name!r} is no tensor; save model.state_dict() alone")
    return value


def _array(tensor: Tensor, content: bytes | memoryview) -> np.ndarray:
    dtype, storage = np.dtype(STORAGES[tensor.storage.kind]), tensor.storage
    last = tensor.offset + sum(
        (n - 1) * step for n, step in zip(tensor.size, tensor.stride, strict=True)
    )
    if len(content) < storage.numel * dtype.itemsize or (
        prod(tensor.size) and last >= storage.numel
    ):
        raise BadInput("a tensor of it reaches beyond its storage; get the whole file again")
    if not prod(tensor.size):
        return np.empty(tensor.size, dtype)
    strides = [step * dtype.itemsize for step in tensor.stride]
    start = tensor.offset * dtype.itemsize
    return np.ndarray(tensor.size, dtype, content, start, strides).copy()


def read(path: Path) -> dict[str, np.ndarray]:
    """Every tensor of the state dict under its name, in the file's dtype; bfloat16 as float32.

    Executes nothing: a file that asks for more than tensors is refused. Raises BadInput if it
    does, if it holds no state dict, or if its tensors do not lie within its storages.
    """
    with open(path, "rb") as file:
        zipped = file.read(2) == b"PK"
    value, content = (_from_zip if zipped else _from_legacy)(path)
    state = _state(value)
    # Tensors may share a storage, or repeat a number of it with a stride of zero.
    require_plausible(
        path,
        sum(prod(t.size) * np.dtype(STORAGES[t.storage.kind]).itemsize for t in state.values()),
    )
    arrays = {}
    for name, tensor in state.items():
        array = _array(tensor, content(tensor.storage))
        arrays[name] = widened(array) if tensor.storage.kind == "BFloat16Storage" else array
    return arrays
