"""safetensors files: checked by their own package, and bfloat16, which it leaves to others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import deserialize

from ...errors import BadInput
from .numpy_arrays import widened

_PAIRS = (
    "F64:<f8 F32:<f4 F16:<f2 BF16:<u2 I64:<i8 I32:<i4 I16:<i2 I8:i1 U64:<u8 U32:<u4 U16:<u2 U8:u1 "
    "BOOL:?"
)
DTYPES = dict(pair.split(":") for pair in _PAIRS.split())


def read(path: Path) -> dict[str, np.ndarray]:
    """Every tensor under its name, in the file's dtype; bfloat16 as float32.

    Raises BadInput if a tensor has a dtype that NumPy cannot hold.
    """
    arrays = {}
    for name, tensor in deserialize(path.read_bytes()):
        kind = tensor["dtype"]
        if kind not in DTYPES:
            raise BadInput(f"its tensor {name} is {kind}; give one of {', '.join(DTYPES)}")
        array = np.frombuffer(tensor["data"], DTYPES[kind]).reshape(tensor["shape"])
        arrays[name] = widened(array) if kind == "BF16" else array
    return arrays
