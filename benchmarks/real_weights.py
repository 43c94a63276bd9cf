"""Trained networks of strangers as INT8 files, three ways, beside TensorFlow's converter.

    npm pack nsfwjs && tar xzf nsfwjs-*.tgz
    nice python benchmarks/real_weights.py package PHOTOS [NAME ...]

`package` has trained networks as Keras 2 layers for TensorFlow.js in dist/models, of which
`mobilenet_v2` and `inception_v3` are taken if none is named; their weights are of 8 bits. Each is
written as the `.h5` that Keras 2 would have, in a temporary folder, which is what is opened here.
PHOTOS is a folder of photographs: views of every second one calibrate, 108 views of the others
are what the files are compared with the float network on.
"""

import base64
import json
import re
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from int8_ways import WAYS, measured

from keras_inception.crops import stacked, views
from keras_inception.images import decode
from keras_inception.preprocess import named
from keras_inception.saving import load_model
from keras_inception.tflite.source import open_source

CLASSES = [f"class {k}" for k in range(5)]
UNIT = named("unit")


def exported_by(path: Path) -> str:
    """What a bundle of JavaScript exports, as it is written there; nothing of it is run."""
    written = path.read_text(encoding="utf-8")
    return re.search(r"\.exports=((?:\{modelTopology|\").*)\},\{\}\]\}", written)[1]


def as_json(written: str) -> dict:
    """The value that JavaScript without spaces writes."""
    quoted = re.sub(r"([{,])(\w+):", r'\1"\2":', written)
    truths = quoted.replace("!0", "true").replace("!1", "false")
    return json.loads(re.sub(r"([:,\[]-?)\.(\d)", r"\g<1>0.\2", truths))


def arrays(manifest: list[dict], folder: Path) -> dict[str, np.ndarray]:
    """Every weight by its name, as float32."""
    found = {}
    for group in manifest:
        shards = (exported_by(folder / f"{path}.min.js") for path in group["paths"])
        content = b"".join(base64.b64decode(shard.strip('"')) for shard in shards)
        at = 0
        for weight in group["weights"]:
            how = weight.get("quantization", {"dtype": weight["dtype"], "scale": 1, "min": 0})
            stored = np.dtype(how["dtype"])
            count = int(np.prod(weight["shape"]))
            values = np.frombuffer(content, stored, count, at).astype(np.float32)
            found[weight["name"]] = (values * how["scale"] + how["min"]).reshape(weight["shape"])
            at += count * stored.itemsize
    return found


def write_h5(path: Path, bundle: Path) -> None:
    """The model of `bundle` as Keras 2 writes whole models."""
    written = as_json(exported_by(bundle / "model.min.js"))
    topology = written["modelTopology"]
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = topology["keras_version"]
        file.attrs["backend"] = topology["backend"]
        file.attrs["model_config"] = json.dumps(topology["model_config"])
        layers: dict[str, dict[str, np.ndarray]] = {}
        for name, array in arrays(written["weightsManifest"], bundle).items():
            layers.setdefault(name.split("/")[0], {})[name] = array
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, weights in layers.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = [name.encode() for name in weights]
            for name, array in weights.items():
                inner[name] = array


def seen(paths: list[Path], size: int, count: int) -> np.ndarray:
    """`count` views of photographs, as many of each."""
    each = count // len(paths)
    found = []
    for path in paths:
        all_views = views(decode(path.read_bytes(), "RGB"), size, UNIT, 144)
        found += all_views[:: len(all_views) // each][:each]
    return stacked(found, 3)


def rows(name: str, package: Path, photographs: list[Path]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.h5")
        write_h5(path, package / "dist" / "models" / name)
        model = load_model(path)
        size = model.input_shape[1]
        calibration, pixels = seen(photographs[::2], size, 100), seen(photographs[1::2], size, 108)
        options = {"preprocessing": "unit", "classes": CLASSES, "out": folder}
        source = open_source(path, images=calibration, **options)
        found = measured(source, model, pixels, UNIT)
    return [_row(f"{name}, {size}", way, found[way], len(pixels)) for way in WAYS]


def _row(network: str, way: str, made: dict, images: int) -> str:
    if "fault" in made:
        return f"| {network} | {way} | {made['fault']} |"
    figures = f"{made['same']} of {images} | {made['spread']:.1%} | {made['median']:.4f}"
    cost = f"{made['largest']:.3f} | {made['seconds']} | {made['bytes'] / 1e6:.2f}"
    return f"| {network} | {way} | {figures} | {cost} |"


def main(package: str, folder: str, *names: str) -> None:
    print("| network | way | first class | spread | median | largest | seconds | MB |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    photographs = sorted(Path(folder).glob("*.jpg"))
    for name in names or ("mobilenet_v2", "inception_v3"):
        print("\n".join(rows(name, Path(package), photographs)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
