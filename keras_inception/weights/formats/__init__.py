"""Other people's files of weights, read without the frameworks that wrote them.

A file is taken for what its suffix says only if it begins as such files do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import BadInput
from . import (
    caffemodel,
    checkpoint,
    keras_file,
    keras_h5,
    numpy_arrays,
    safetensors,
    torch_file,
)


@dataclass(frozen=True)
class Format:
    title: str
    suffixes: tuple[str, ...]
    begins: bytes
    read: Callable[[Path], dict[str, np.ndarray]]


ZIP = rb"PK\x03\x04"
#: `.pth.tar` is no archive, it is what an example of PyTorch's calls its files.
TORCH = (".pth", ".pt", ".ckpt", ".bin", ".tar")
CHECKPOINT = Format("a TensorFlow checkpoint", (".ckpt",), rb"\x00", checkpoint.read)
FORMATS = (
    Format("a NumPy archive", (".npz",), ZIP, numpy_arrays.read),
    Format("a Keras HDF5 file", (".h5", ".hdf5"), rb"\x89HDF\r\n\x1a\n", keras_h5.read),
    Format("a .keras file", (".keras",), ZIP, keras_file.read),
    Format("a safetensors file", (".safetensors",), rb"(?s:.{8})\{", safetensors.read),
    # A zip, or a pickle of the number that marked such files before.
    Format("a PyTorch file", TORCH, ZIP + rb"|\x80[\x02-\x05]", torch_file.read),
    # The tags of the first fields that a Caffe NetParameter may have.
    Format("a Caffe model", (".caffemodel",), rb'[\n\x12\x1a "(28B\xa2]', caffemodel.read),
    CHECKPOINT,
)


def _format(path: Path) -> Format:
    if Path(f"{path}.index").is_file():
        return CHECKPOINT
    if not path.is_file():
        raise BadInput(f"there is no file {str(path)!r}; give a file of weights")
    called = [form for form in FORMATS if path.suffix.lower() in form.suffixes]
    if not called:
        known = ", ".join(dict.fromkeys(suffix for form in FORMATS for suffix in form.suffixes))
        raise BadInput(
            f"{str(path)!r} has no suffix of a file of weights; "
            f"give {known} or the prefix of a TensorFlow checkpoint"
        )
    with open(path, "rb") as file:
        head = file.read(16)
    found = next((form for form in called if re.match(form.begins, head)), None)
    if found is None:
        begun = [form.title for form in FORMATS if re.match(form.begins, head)]
        instead = f"it begins as {' or '.join(begun)} does; " if begun else ""
        raise BadInput(
            f"{str(path)!r} does not begin as {' or '.join(f.title for f in called)} does; "
            f"{instead}get the file again or give it the suffix of what it is"
        )
    return found


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Name -> array for every weight in the file, names and order as the file has them.

    NumPy's `.npz`, Keras' `.h5` and `.keras`, `.safetensors`, PyTorch's `.pth`, `.pt`, `.ckpt`,
    `.bin` and `.pth.tar`, `.caffemodel`, and TensorFlow's checkpoints, by their prefix if they
    have one. Shapes are the file's own and so
    are dtypes, but for bfloat16, which comes as float32. Nothing in a file is executed.
    Raises BadInput if there is no such file, or if it is of another kind or damaged.
    """
    path = Path(path)
    form = _format(path)
    try:
        arrays = form.read(path)
        for name, array in arrays.items():
            # np.savez's archives may hold other things beside arrays.
            if (dtype := np.asarray(array).dtype).kind not in "biuf":
                raise BadInput(f"{name!r} in it is {dtype}; a weight is numbers")
        return arrays
    except BadInput as error:
        raise type(error)(f"{str(path)!r} cannot be read as {form.title}: {error}") from error
    except Exception as error:
        # What h5py, zipfile, NumPy and TensorFlow raise on a damaged file, none of them says.
        reason = (str(error).splitlines() or [""])[0][:200]
        raise BadInput(
            f"{str(path)!r} is damaged or not {form.title} ({type(error).__name__}: {reason}); "
            "get the file again"
        ) from error
