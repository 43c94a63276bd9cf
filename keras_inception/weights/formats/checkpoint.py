"""TensorFlow checkpoints: the one file of the V1 format, or a V2 prefix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import BadInput, needed_by

# The last eight bytes of a table file: a V1 checkpoint is one, and so is a V2 index.
# https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/io/format.h
MAGIC = bytes.fromhex("57fb808b247547db")


def read(path: Path) -> dict[str, np.ndarray]:
    """Every numeric tensor under its name, sorted by name as the file is; bfloat16 as float32.

    Raises BadInput if the file is no checkpoint.
    """
    table = path if path.is_file() else Path(f"{path}.index")
    if not table.read_bytes().endswith(MAGIC):
        raise BadInput("it does not end as a checkpoint does; get the whole file again")
    with needed_by("a TensorFlow checkpoint"):
        import tensorflow as tf

    reader = tf.train.load_checkpoint(str(path))
    # The strings of an object-based checkpoint describe its objects and are no weights.
    kinds = reader.get_variable_to_dtype_map()
    arrays = {n: np.asarray(reader.get_tensor(n)) for n in sorted(kinds) if kinds[n] != tf.string}
    return {
        name: array.astype(np.float32) if kinds[name] == tf.bfloat16 else array
        for name, array in arrays.items()
    }
