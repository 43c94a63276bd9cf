"""Keras' HDF5 layouts: that of its first ten years, and that of Keras 3's `save_weights`.

`keras_h5` runs this module as a program of its own:

    python -m keras_inception.weights.formats.keras_h5_layouts KEY GIVEN < weights.h5 | cat > a.npz

writes the arrays in their order, or ends with 1 and a sentence, with NAMELESS for a file that is.
KEY is "layers", for what Keras calls weights, "model", for these and the config of their model, or
"paths", for all that the file holds. GIVEN is the size of the file that somebody gave, which the
other is or was packed in: what unfolds to a hundred times its size is not read.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from typing import BinaryIO

import h5py
import numpy as np

from ... import sandbox
from ...errors import BadInput
from .numpy_arrays import INFLATION, MOST, require_plausible, widened

#: What the config of a whole model is called in its file, and here.
CONFIG = "model_config"
NAMELESS = 3
#: Bytes of memory beside the arrays.
MEMORY = 1 << 30


class Nameless(BadInput):
    """Weights as Keras 2 saves them by Keras 3's layout: without the names of their layers."""


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names, which Keras splits into `attribute`0, `attribute`1, … when it is long."""
    if attribute in group.attrs:
        found = list(group.attrs[attribute])
    else:
        found = []
        while (part := f"{attribute}{len(found)}") in group.attrs:
            found.append(group.attrs[part])
        found = [name for part in found for name in part]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in found]


def _legacy(root: h5py.Group) -> dict[str, h5py.Dataset]:
    found = {}
    for layer in _names(root, "layer_names"):
        # A scope is written once or twice, with a number when the session had used it before.
        scopes = re.compile(rf"^({re.escape(layer)}(_\d+)?/)+")
        for name in _names(root[layer], "weight_names"):
            key = f"{layer}/{scopes.sub('', name, count=1).removesuffix(':0')}"
            if key in found:
                raise BadInput(f"two of its weights are called {key}; save it again")
            found[key] = root[layer].get(name)
            if found[key] is None:
                raise BadInput(f"its weight {layer}/{name} is missing, or lies in another file")
    return found


def _keras3(root: h5py.Group) -> dict[str, h5py.Dataset]:
    found = {}

    def name_of(group: str) -> str:
        own = root.get(f"layers/{group}/vars")
        name = own.attrs.get("name") if isinstance(own, h5py.Group) else None
        if not isinstance(name, str):
            raise Nameless(
                f"its layer layers/{group} does not say its name; "
                "load it into the model it came from with Keras' own load_weights"
            )
        return name

    def visit(path, item):
        if not isinstance(item, h5py.Dataset) or "seed_generator" in path.split("/"):
            return
        group, _, number = path.rpartition("/vars/")
        # A model within the model has layers of its own.
        parts = group.split("/layers/")
        within = ["/layers/".join(parts[: i + 1]) for i in range(len(parts))]
        key = "/".join([*map(name_of, within), number])
        if key in found:
            raise BadInput(f"two of its weights are called {key}; save it again")
        found[key] = item

    root["layers"].visititems(visit)
    return found


def _array(item: h5py.Dataset) -> np.ndarray:
    # HDF5 has no bfloat16 either: Keras 3 keeps the bits and says what they are.
    halves = item.dtype.itemsize == 2 and item.attrs.get("dtype") == "bfloat16"
    if not halves and item.dtype.kind not in "biuf":
        raise BadInput(f"its weight {item.name} is {item.dtype}; a weight is numbers")
    array = np.asarray(item[()])
    return widened(array.view(np.uint16)) if halves else array


def _items(group: h5py.Group, seen: set) -> Iterator[tuple[str, h5py.Dataset]]:
    """Every dataset by its path, all of whose links lead on inside the file, and to no circle."""
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise BadInput(f"it has a link at {group.name}/{name}; Keras writes none")
        item = group[name]
        where = h5py.h5o.get_info(item.id).addr
        if where in seen or len(seen) == MOST:
            raise BadInput(f"it names {item.name} twice, or has more than {MOST:,} entries")
        seen.add(where)
        if isinstance(item, h5py.Group):
            yield from _items(item, seen)
        elif isinstance(item, h5py.Dataset):
            yield item.name.strip("/"), item
        else:
            raise BadInput(f"its {item.name} is neither a group nor an array")


def _layers(file: h5py.File) -> dict[str, h5py.Dataset]:
    root = file.get("model_weights", file)
    if "layer_names" in root.attrs or "layer_names0" in root.attrs:
        return _legacy(root)
    if "layers" in root:
        # Its layers' names are looked up by path: no link may lead elsewhere.
        for _ in _items(root, set()):
            pass
        return _keras3(root)
    raise BadInput("no layers are named in it; give a file that Keras saved weights in")


def _config(file: h5py.File) -> np.ndarray:
    text = file.attrs.get(CONFIG, "")
    return np.frombuffer(text if isinstance(text, bytes) else str(text).encode(), np.uint8)


def write(key: str, given: int, seconds: int, weights: BinaryIO, out: BinaryIO) -> None:
    """As the module says. Raises BadInput, and whatever h5py raises on damage."""
    # Every array twice, as bfloat16 is widened, and once more while it is written.
    # What is imported for these is imported now.
    with h5py.File(io.BytesIO(), "w") as nothing:
        np.savez(io.BytesIO(), x=len(nothing))
    used = sandbox.close(MEMORY + 3 * INFLATION * given, seconds)
    sandbox.bound(used + MEMORY)
    with h5py.File(weights, "r") as file:
        found = dict(_items(file, set())) if key == "paths" else _layers(file)
        for name, item in found.items():
            # HDF5 can point into other files; weights that somebody published have no reason to.
            if item.external or item.is_virtual or item.file.filename != file.filename:
                raise BadInput(f"its weight {name} lies in another file; save it again")
        size = sum(item.nbytes for item in found.values())
        require_plausible(given, size)
        sandbox.bound(used + MEMORY + 3 * size)
        arrays = {name: _array(item) for name, item in found.items()}
        if key == "model":
            arrays[CONFIG] = _config(file)
        np.savez(out, **arrays)


if __name__ == "__main__":
    try:
        write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer, sys.stdout.buffer)
    except Exception as error:
        kind = "" if isinstance(error, BadInput) else f"{type(error).__name__}: "
        print(kind + " ".join(str(error).split())[:300], file=sys.stderr)
        sys.exit(NAMELESS if isinstance(error, Nameless) else 1)
