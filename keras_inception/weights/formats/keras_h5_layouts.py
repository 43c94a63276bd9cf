"""Keras' HDF5 layouts: that of its first ten years, and that of Keras 3's `save_weights`.

`keras_h5` runs this module as a program of its own:

    python -m keras_inception.weights.formats.keras_h5_layouts weights.h5 arrays.npz

writes the arrays under their names and in their order, or ends with 1 and a sentence.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import h5py
import numpy as np

from ...errors import BadInput
from .numpy_arrays import require_plausible, widened

# Keras numbers the layers nobody named through a whole session: only their order means anything.
NUMBERED = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")


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


def _legacy(root: h5py.Group) -> dict[tuple[str, str], h5py.Dataset]:
    found = {}
    for layer in _names(root, "layer_names"):
        # A scope is written once or twice, with a number when the session had used it before.
        scopes = re.compile(rf"^({re.escape(layer)}(_\d+)?/)+")
        for name in _names(root[layer], "weight_names"):
            key = layer, scopes.sub("", name, count=1).removesuffix(":0")
            if key in found:
                raise BadInput(f"two of its weights are called {'/'.join(key)}; save it again")
            found[key] = root[layer][name]
    return found


def _keras3(root: h5py.Group) -> dict[tuple[str, str], h5py.Dataset]:
    found = {}

    def visit(path, item):
        if not isinstance(item, h5py.Dataset) or "seed_generator" in path.split("/"):
            return
        parts = path.split("/")
        layer = item.parent.attrs.get("name")
        if len(parts) != 3 or parts[1] != "vars" or not isinstance(layer, str):
            raise BadInput(
                f"its weight layers/{path} is nested or without its layer's name; "
                "load it into the model it came from with Keras' own load_weights"
            )
        found[layer, parts[2]] = item

    root["layers"].visititems(visit)
    return found


def _by_order(layers: list[str]) -> dict[str, str]:
    """What each layer is called here: `conv2d_7`, `conv2d_12` become `conv2d:0`, `conv2d:1`."""
    kinds: dict[str, list[tuple[int, str]]] = {}
    for layer in layers:
        if match := NUMBERED.fullmatch(layer):
            kinds.setdefault(match[1], []).append((int(match[2] or 0), layer))
    names = dict(zip(layers, layers, strict=True))
    for kind, found in kinds.items():
        names |= {layer: f"{kind}:{i}" for i, (_, layer) in enumerate(sorted(found))}
    return names


def _array(item: h5py.Dataset) -> np.ndarray:
    if item.dtype.hasobject:
        raise BadInput(f"its weight {item.name} is {item.dtype}; a weight is numbers")
    array = np.asarray(item[()])
    # HDF5 has no bfloat16 either: Keras 3 keeps the bits and says what they are.
    return widened(array.view(np.uint16)) if item.attrs.get("dtype") == "bfloat16" else array


def arrays(path: Path) -> dict[str, np.ndarray]:
    """What `keras_h5.read` returns. Raises BadInput, and whatever h5py raises on damage."""
    with h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        if "layer_names" in root.attrs or "layer_names0" in root.attrs:
            found = _legacy(root)
        elif "layers" in root:
            found = _keras3(root)
        else:
            raise BadInput("no layers are named in it; give a file that Keras saved weights in")
        for key, item in found.items():
            # HDF5 can point into other files; weights that somebody published have no reason to.
            if item.external or item.is_virtual or item.file.filename != file.filename:
                raise BadInput(f"its weight {'/'.join(key)} lies in another file; save it again")
        require_plausible(path, sum(item.nbytes for item in found.values()))
        names = _by_order(list(dict.fromkeys(layer for layer, _ in found)))
        return {f"{names[layer]}/{name}": _array(item) for (layer, name), item in found.items()}


if __name__ == "__main__":
    try:
        np.savez(sys.argv[2], **arrays(Path(sys.argv[1])))
    except Exception as error:
        kind = "" if isinstance(error, BadInput) else f"{type(error).__name__}: "
        sys.exit(kind + " ".join(str(error).split())[:200])
