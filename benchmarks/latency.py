"""One image through each network's files on one thread: size, median latency, INT8 over float.

    python benchmarks/latency.py

Weights are random (they do not change the time), inputs have the papers' sizes, and of each network
the two files take turns within one process: the ratio of their medians is the figure to quote.
"""

import tempfile
from pathlib import Path

import numpy as np
import tf_keras

import keras_inception as ki
from keras_inception.applications import configure
from keras_inception.measure import total
from keras_inception.networks import FAMILY
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.convert import convert
from keras_inception.tflite.evaluate import median_latencies
from keras_inception.tflite.stem import faster_stem
from keras_inception.tflite.subject import open_subject
from keras_inception.transform import fold_scales

ROWS = [(name, 1.0) for name in FAMILY] + [("googlenet", 0.5), ("googlenet", 0.25)]


def row(name: str, width: float) -> str:
    """A network's line of the table."""
    net = fold_scales(configure(FAMILY[name], norm="batch", width=width))
    cost = total(net)
    preprocessing = Preprocessing()
    noise = np.random.default_rng(0).integers(0, 256, (8, *net.input_shape))
    model = ki.build(net, tf_keras)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "float32.tflite", Path(folder) / "int8.tflite"]
        paths[0].write_bytes(convert(model, "float32", preprocessing))
        paths[1].write_bytes(faster_stem(convert(model, "int8", preprocessing, "uint8", noise)))
        slow, fast = median_latencies([open_subject(path) for path in paths], rounds=60)
        sizes = [f"{path.stat().st_size / 1e6:.1f}" for path in paths]
    title = name if width == 1 else f"{name}, width {width:g}"
    return (
        f"| {title} | {net.year} | {net.input_shape[0]} | {cost.parameters:,} "
        f"| {cost.macs / 1e9:.2f} G | {' | '.join(sizes)} "
        f"| {slow:.1f} | {fast:.1f} | {slow / fast:.1f}× |"
    )


def main() -> None:
    print("| network | year | input | parameters | multiply-adds | float32 MB | INT8 MB ", end="")
    print("| float32 ms | INT8 ms | faster |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, width in ROWS:
        print(row(name, width), flush=True)


if __name__ == "__main__":
    main()
