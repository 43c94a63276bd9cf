"""The bytes of a `.tflite` file."""

from __future__ import annotations

import os
from pathlib import Path

from keras_inception.errors import BadInput

IDENTIFIER = b"TFL3"
#: Bytes of a file: offsets in it have 31 bits.
LARGEST = (1 << 31) - 1


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a `.tflite` file. Raises BadInput if there is none, or if it is not one."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"there is no file {str(path)!r}; give a .tflite file")
    with open(path, "rb") as file:
        if file.read(8)[4:] != IDENTIFIER:
            raise BadInput(f"{path} is not a .tflite file: it lacks the mark {IDENTIFIER.decode()}")
        if os.fstat(file.fileno()).st_size > LARGEST:
            raise BadInput(f"{path} has more than {LARGEST:,} bytes, as no .tflite file has")
        file.seek(0)
        return file.read()
