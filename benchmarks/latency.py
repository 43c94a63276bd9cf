"""One image through each network's files on one thread: size, median latency, INT8 over float.

    python benchmarks/latency.py

Weights are random (they do not change the time), the input has the paper's size, the files take
turns within one process, and the ratio of two medians of the same run is the figure to quote.
"""

import tempfile
from pathlib import Path

import numpy as np
import tf_keras

import keras_inception as ki
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.convert import convert
from keras_inception.tflite.evaluate import median_latencies, open_subject

VARIANTS = {
    "GoogLeNet": {"norm": "batch"},
    "GoogLeNet, width 1/2": {"norm": "batch", "width": 0.5},
    "GoogLeNet, width 1/4": {"norm": "batch", "width": 0.25},
}


def main() -> None:
    preprocessing = Preprocessing()
    noise = np.random.default_rng(0).integers(0, 256, (8, 224, 224, 3))
    images = preprocessing(noise)
    print("| network | parameters | float32 MB | INT8 MB | float32 ms | INT8 ms | faster |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, arguments in VARIANTS.items():
        model = ki.GoogLeNet(keras=tf_keras, **arguments)
        files = {
            "float32": convert(model, "float32"),
            "int8": convert(model, "int8", "uint8", images, preprocessing.range),
        }
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{scheme}.tflite" for scheme in files]
            for path, content in zip(paths, files.values(), strict=True):
                path.write_bytes(content)
            slow, fast = median_latencies([open_subject(path) for path in paths], rounds=100)
        sizes = [f"{len(content) / 1e6:.2f}" for content in files.values()]
        print(
            f"| {name} | {model.count_params():,} | {' | '.join(sizes)} "
            f"| {slow:.1f} | {fast:.1f} | {slow / fast:.1f}x |"
        )


if __name__ == "__main__":
    main()
