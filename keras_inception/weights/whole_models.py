"""Whole models as Keras 2 and `.h5` files have them: their configs as Keras 3 writes them into a
`.keras`, and their weights by name.

Nothing is built here of what strangers wrote: configs are read by the same list as any other
(`saving`). A SavedModel is a program, which TensorFlow runs, and needs trust.
"""

from __future__ import annotations

import logging
import mmap
import re
from collections import Counter
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from .. import records
from ..errors import BadInput, needed_by
from . import store
from .formats import keras_file, keras_h5

log = logging.getLogger(__name__)

H5 = (".h5", ".hdf5")
_MODELS = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}
#: Layers that stand elsewhere than in keras.layers.
_HOMES = {
    "LayerScale": "keras.src.applications.convnext",
    "StochasticDepth": "keras.src.applications.convnext",
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
}
_KINDS = ("initializer", "regularizer", "constraint")
#: TensorFlow's operators on a tensor and a number: what Rescaling's two numbers are.
_ARITHMETIC = {
    "math.truediv": lambda y: (1 / y, 0.0),
    "math.multiply": lambda y: (y, 0.0),
    "math.subtract": lambda y: (1.0, -y),
    "math.add": lambda y: (1.0, y),
    "__operators__.add": lambda y: (1.0, y),
}
#: What Keras 2 writes into a layer's config and Keras 3 does not read, where it says nothing.
_NEUTRAL = {"groups": 1, "ragged": False}


def as_keras3(config: Any) -> Any:
    """A model's config, as Keras 3 writes it into a `.keras` file; what it does not know stays."""
    return _object(config, "layer")


def _object(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [_object(each, key) for each in value]
    if not isinstance(value, dict):
        return value
    inner = value.get("config")
    kind = value.get("class_name")
    if not isinstance(kind, str) or not isinstance(inner, dict | list):
        return {name: _object(each, name) for name, each in value.items()}
    if kind in ("Policy", "DTypePolicy") and isinstance(inner, dict):
        return inner.get("name")
    if kind == "TFOpLambda":
        value, inner = _rescaling(value, inner)
        kind = value["class_name"]
    if kind == "Sequential" and isinstance(inner, list):
        inner = {"layers": inner}
    inner = {name: _object(each, name) for name, each in inner.items()}
    said = {name: _object(each, name) for name, each in value.items() if name != "config"}
    return {**said, **_named(kind, value, key), "config": _arguments(kind, inner)}


def _named(kind: str, value: dict, key: str) -> dict:
    """Class, module and registered name as Keras 3 writes them."""
    package, _, name = kind.rpartition(">")
    if package:
        return {"class_name": name, "module": None, "registered_name": kind}
    module = value.get("module")
    if kind in _MODELS:
        kind = _MODELS[kind]
        home = "keras" if kind == "Sequential" else "keras.src.models.functional"
        return {"class_name": kind, "module": home, "registered_name": None}
    if not isinstance(module, str) or module.startswith("tf_keras"):
        ending = key.rpartition("_")[2]
        home = _HOMES.get(kind, "keras.layers")
        module = f"keras.{ending}s" if ending in _KINDS else home
    return {"class_name": kind, "module": module, "registered_name": value.get("registered_name")}


def _arguments(kind: str, config: dict) -> dict:
    if kind in _MODELS:
        return _with_nodes(config)
    config = {
        name: value
        for name, value in config.items()
        if name not in _NEUTRAL or value != _NEUTRAL[name] or kind in ("Conv2D", "InputLayer")
    }
    shape = config.pop("batch_input_shape", None)
    if shape is not None:
        config |= {"batch_shape": shape} if kind == "InputLayer" else {"input_shape": shape[1:]}
    axis = config.get("axis")
    if kind == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    if kind in ("SeparableConv2D", "DepthwiseConv2D"):
        # Said once more of a kernel that they do not have.
        config = {name: v for name, v in config.items() if not name.startswith("kernel_")} | {
            name: v for name, v in config.items() if name == "kernel_size"
        }
    return config


def _with_nodes(config: dict) -> dict:
    """A model's config whose calls count those of models in it from 0, as Keras 3 does."""
    layers = config.get("layers")
    layers = layers if isinstance(layers, list) else []
    inner = {
        layer.get("name"): layer["class_name"]
        for layer in layers
        if isinstance(layer, dict) and layer.get("class_name") in _MODELS.values()
    }

    def counted(value: Any, models) -> Any:
        if not isinstance(value, list):
            return value
        if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
            return [value[0], value[1] - (value[0] in models), *value[2:]]
        return [counted(each, models) for each in value]

    for layer in layers:
        if isinstance(layer, dict) and "inbound_nodes" in layer:
            layer["inbound_nodes"] = counted(layer["inbound_nodes"], inner)
    # There Keras 3 counts Functional models as Keras 2 does.
    sequential = [name for name, kind in inner.items() if kind == "Sequential"]
    joints = {
        key: counted(config[key], sequential)
        for key in ("input_layers", "output_layers")
        if key in config
    }
    return {**config, **joints}


def _rescaling(value: dict, config: dict) -> tuple[dict, dict]:
    """The layer that does what an operator of TensorFlow does with a number; else as it is."""
    nodes = value.get("inbound_nodes")
    numbers = _ARITHMETIC.get(config.get("function"))
    match nodes:
        case [[str(name), int(node), int(tensor), {"y": int() | float() as y, **rest}]] if (
            numbers and y and set(rest) <= {"name"}
        ):
            scale, offset = numbers(y)
            called = {"name": config.get("name"), "scale": scale, "offset": offset}
            said = {
                "class_name": "Rescaling",
                "name": value.get("name"),
                "inbound_nodes": [[[name, node, tensor, {}]]],
            }
            return said, called
    return value, config


def layer_paths(config: Any, within: str = "layers") -> dict[str, str]:
    """Where a `.keras` file has the weights of each layer: path -> name, `model/layer` in a model
    within the model. Keras counts the layers of a class, in their order."""
    counts, found = Counter(), {}
    inner = config.get("config") if isinstance(config, dict) else None
    layers = inner.get("layers") if isinstance(inner, dict) else None
    for layer in layers if isinstance(layers, list) else ():
        own = layer.get("config") if isinstance(layer, dict) else None
        if not isinstance(own, dict):
            continue
        kind = _snake(str(layer.get("class_name")))
        path = f"{within}/{kind}" + (f"_{counts[kind]}" if counts[kind] else "")
        counts[kind] += 1
        for below, name in layer_paths(layer, f"{path}/layers").items():
            found[below] = f"{own.get('name')}/{name}"
        found[path] = str(own.get("name"))
    return found


def _snake(name: str) -> str:
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


def holds_model(path: Path) -> bool:
    """Whether `path` is a whole model, and not weights alone."""
    if path.suffix not in H5 or not path.is_file() or not path.stat().st_size:
        return path.suffix == ".keras" or is_saved_model(path)
    # Looked for and not read: what HDF5 reads, it reads in a process of its own.
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"model_config") >= 0


def is_saved_model(path: Path) -> bool:
    return (path / "saved_model.pb").is_file()


def is_of_keras_2(archive: ZipFile) -> bool:
    """Whether Keras 2 wrote the `.keras` file."""
    if "metadata.json" not in archive.namelist():
        return False
    with keras_file.member(archive, "metadata.json", records.LARGEST) as written:
        said = records.parse(written.read())
    return isinstance(said, dict) and str(said.get("keras_version")).startswith("2.")


def of_keras_2(archive: ZipFile, folder: Path, config: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """The config and the weights of such a file, `layer/0`, `layer/1`, …; `folder` is for what is
    unpacked. Raises BadInput as `keras_file.named` does."""
    return as_keras3(config), keras_file.named(archive, folder, layer_paths(config))


def of_h5(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """The config and the weights of a `.h5` file, `layer/variable`. Raises BadInput if it is
    damaged, or holds weights alone."""
    config, arrays = keras_h5.read_model(path)
    return as_keras3(records.parse(config)), arrays


def require_trust(path: Path, trust: bool) -> None:
    """Raise BadInput, which says the way out, for a SavedModel whose author is not trusted."""
    if not trust:
        raise BadInput(
            f"{path} is a SavedModel, a program that TensorFlow runs: if you trust its author give "
            '--trust (in Python trust=True), or make a file of it that is none: python -c "import '
            f"tf_keras; tf_keras.models.load_model('{path}', compile=False).save("
            f"'{path.name}.h5')\""
        )


def of_saved_model(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """The config and the weights of the Keras model in a SavedModel, which TensorFlow runs.

    Raises BadInput if there is none.
    """
    log.warning("%s is opened by TensorFlow, which may run what its author wrote into it", path)
    with needed_by("a SavedModel"):
        import tf_keras
    model = tf_keras.models.load_model(path, compile=False)
    if not hasattr(model, "to_json"):
        raise BadInput("no Keras model is in it; give the .keras file that it was made of")
    return as_keras3(records.parse(model.to_json())), store.read(model)


def fill(model, arrays: dict[str, np.ndarray]) -> None:
    """Give `model` the weights in a file, `layer/variable` or `layer/number`.

    Raises BadInput as `store.write` does.
    """
    targets = store.variables(model)
    # Keras 2 calls the kernel of a DepthwiseConv2D so.
    known = {key.replace("/kernel", "/depthwise_kernel"): key for key in targets}
    known |= store.by_number(model)
    inner = {layer.name for layer in model.layers if hasattr(layer, "layers")}
    named = {_key(name, inner): array for name, array in arrays.items()}
    store.write(model, {k if k in targets else known.get(k, k): a for k, a in named.items()})


def _key(name: str, inner: set[str]) -> str:
    """The `store.variables` key of a weight in a file; `inner` are the models within the model."""
    layer, *between, last = name.split("/")
    # In between is the scope that it was made in, or the way down to the layer.
    return "/".join([layer, *(between[-1:] if layer in inner else ()), last])
