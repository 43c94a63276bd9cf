"""Our INT8 file beside MobileNetV2's: accuracy on photographs, latency, memory, size.

    python benchmarks/mobilenet.py OURS.tflite PHOTOS [MOBILENET.tflite]

Both are classifiers of ImageNet with uint8 input that take raw pixels; 1001 classes are the 1000
after one for the background. PHOTOS is a folder of photographs with a `labels.csv`: `file`, `index`
of the class from 0, and `acceptable`, all indices that a fair judge would accept. Each file sees
the centre of a photograph whose short side was scaled to 8/7 of its input. Latency is that of
`keras-inception benchmark`, on one thread, the files taking turns. Without a third argument
MobileNetV2 is keras.applications', 224x224, with random weights, quantized here: it costs what the
published one does, and its accuracy is none.
"""

import csv
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from keras_inception.images import centre, decode
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite import exporting
from keras_inception.tflite.benchmarking.latency import benchmark, this_machine
from keras_inception.tflite.file.interpreter import File


def untrained(folder: str) -> str:
    """The INT8 file of a MobileNetV2 with random weights, calibrated on noise."""
    model = keras.applications.MobileNetV2(weights=None)
    noise = np.random.default_rng(0).integers(0, 256, (8, 224, 224, 3), np.uint8)
    names = [f"class {k}" for k in range(1000)]
    options = {"preprocessing": "tf", "classes": names, "out": folder, "images": noise}
    return str(exporting.export(model, scheme="int8", **options))


def accuracy(path: str, photographs: Path) -> str:
    """How many photographs have the label first, an acceptable one first, the label in five."""
    file = File(path)
    height, width, _ = file.input_shape
    if height != width or file.types[0] != "uint8":
        raise SystemExit(f"{path} needs a square uint8 input")
    first = acceptable = five = 0
    rows = list(csv.DictReader((photographs / "labels.csv").open()))
    for row in rows:
        image = decode((photographs / row["file"]).read_bytes(), "RGB")
        pixels = np.asarray(centre(image, height, Preprocessing(crop=7 / 8)))
        # `scores` takes what the input's scale and zero point make of pixels.
        scale, zero_point = file.input_quantization
        scores = file.scores((pixels[None] - np.float32(zero_point)) * scale)[0, -1000:]
        order = np.argsort(-scores, kind="stable")
        first += order[0] == int(row["index"])
        acceptable += order[0] in map(int, row["acceptable"].split())
        five += int(row["index"]) in order[:5]
    return f"{first}/{len(rows)} | {acceptable}/{len(rows)} | {five}/{len(rows)}"


def main(ours: str, photographs: str, theirs: str | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [ours, theirs or untrained(folder)]
        shown = Path(photographs)
        rows = [accuracy(ours, shown), accuracy(theirs, shown) if theirs else "- | - | -"]
        measured = benchmark(paths)["files"]
    print(this_machine())
    print("| file | top-1 | acceptable | top-5 | ms, one image | memory MB | MB |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for each, found in zip(measured, rows, strict=True):
        (latency,) = each["latency"]
        memory, size = ((each[name] or 0) / 1e6 for name in ("peak_memory_bytes", "bytes"))
        print(
            f"| {Path(each['file']).name} | {found} "
            f"| {latency['median']:.2f} | {memory:.1f} | {size:.2f} |"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
