"""One image through each network's files on one thread: size, median latency, INT8 over float.

    python benchmarks/latency.py

Weights are random (they do not change the time), inputs have the papers' sizes, and of each network
the two files take turns within one process: the ratio of their medians is the figure to quote. All
files are made first, so that the measuring is over in a few minutes.
"""

import tempfile
from pathlib import Path

import numpy as np

import keras_inception as ki
from keras_inception.applications import configure
from keras_inception.costs import total
from keras_inception.networks import FAMILY
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.benchmarking.latency import in_turns, this_machine
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph.lowering import lower
from keras_inception.tflite.keras_graph.read import read

ROWS = [(name, 1.0) for name in FAMILY] + [("googlenet", 0.5), ("googlenet", 0.25)]


def network(name: str, width: float):
    """The member as it is converted: with batch normalization."""
    return configure(FAMILY[name], norm="batch", width=width)


def files(net, folder: Path) -> tuple[Path, Path]:
    """The float32 and the INT8 file of a network, in `folder`."""
    noise = np.random.default_rng(0).integers(0, 256, (8, *net.input_shape))
    model, expected = lower(read(ki.build(net))), Preprocessing()
    folder.mkdir()
    slow, fast = folder / "float32.tflite", folder / "int8.tflite"
    slow.write_bytes(convert(model, "float32", expected).content)
    fast.write_bytes(convert(model, "int8", expected, "uint8", noise).content)
    return slow, fast


def row(title: str, net, paths: tuple[Path, Path]) -> str:
    """A network's line of the table."""
    cost = total(net)
    opened = [File(path.read_bytes()).seconds for path in paths]
    slow, fast = (each["median"] for each in in_turns(opened, 60))
    sizes = [f"{path.stat().st_size / 1e6:.1f}" for path in paths]
    return (
        f"| {title} | {net.year} | {net.input_shape[0]} | {cost.parameters:,} "
        f"| {cost.macs / 1e9:.2f} G | {' | '.join(sizes)} "
        f"| {slow:.1f} | {fast:.1f} | {slow / fast:.1f}× |"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = []
        for name, width in ROWS:
            title, net = name if width == 1 else f"{name}, width {width:g}", network(name, width)
            made.append((title, net, files(net, Path(folder) / title)))
        print(this_machine(), end="\n\n")
        print(
            "| network | year | input | parameters | multiply-adds | float32 MB | INT8 MB ", end=""
        )
        print("| float32 ms | INT8 ms | faster |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
        for each in made:
            print(row(*each), flush=True)


if __name__ == "__main__":
    main()
