"""Every network of keras.applications as an INT8 file, three ways, beside TensorFlow's converter.

    nice python benchmarks/applications.py ROWS.jsonl [NAME:SIZE ...]
    python benchmarks/applications.py ROWS.jsonl --table

Without names: all at the smallest input they take, and one of each family at its own. A row is
appended as soon as it is measured, and what has one is not measured again, so that it may be
stopped at any time. Weights are random, batch statistics those of the images, which are coarse
noise. First classes of such networks say little, so the spread is what to look at: by how much the
outputs before the softmax differ from the float network's, over how much these differ from image
to image, both as standard deviations.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import keras
import numpy as np
import tensorflow as tf

from keras_inception.errors import BadInput
from keras_inception.inference import outputs_of
from keras_inception.preprocess import named
from keras_inception.tflite import checks, exporting
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.graph import Graph
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph.integer_operators import in_integers
from keras_inception.tflite.keras_graph.to_keras import outputs
from keras_inception.tflite.qat import ENGINES, engine
from keras_inception.tflite.source import open_source

#: Preprocessing, None where the network begins with it: smallest input, own input, networks.
FAMILIES = [
    ("tf", 32, 224, "MobileNet"),
    ("tf", 32, 224, "MobileNetV2"),
    (None, 32, 224, "MobileNetV3Small MobileNetV3Large"),
    ("tf", 75, 299, "InceptionV3"),
    ("tf", 75, 299, "InceptionResNetV2"),
    ("tf", 71, 299, "Xception"),
    ("caffe", 32, 224, "VGG16 VGG19"),
    ("caffe", 32, 224, "ResNet50 ResNet101 ResNet152"),
    ("tf", 32, 224, "ResNet50V2 ResNet101V2 ResNet152V2"),
    ("torch", 32, 224, "DenseNet121 DenseNet169 DenseNet201"),
    (None, 32, 224, " ".join(f"EfficientNetB{k}" for k in range(8))),
    (
        None,
        32,
        224,
        " ".join(f"EfficientNetV2{k}" for k in ("B0", "B1", "B2", "B3", "S", "M", "L")),
    ),
    (None, 32, 224, " ".join(f"ConvNeXt{k}" for k in ("Tiny", "Small", "Base", "Large", "XLarge"))),
    ("tf", 32, 224, "NASNetMobile NASNetLarge"),
]
EXPECTS = {name: family[0] for family in FAMILIES for name in family[3].split()}
SMALLEST = [f"{name}:{family[1]}" for family in FAMILIES for name in family[3].split()]
OWN = [f"{family[3].split()[0]}:{family[2]}" for family in FAMILIES]
IMAGES, CLASSES = 32, 10


def untrained(name: str, size: int):
    """The network, and uint8 images that its batch statistics are those of."""
    keras.utils.set_random_seed(0)
    make = getattr(keras.applications, name)
    model = make(weights=None, input_shape=(size, size, 3), classes=CLASSES)
    coarse = np.random.default_rng(0).integers(0, 256, (IMAGES, size // 8 + 1, size // 8 + 1, 3))
    pixels = np.kron(coarse, np.ones((1, 8, 8, 1)))[:, :size, :size].astype(np.uint8)
    norms = [each for each in model.layers if "BatchNorm" in type(each).__name__]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    if norms:
        model(given(name, pixels), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    return model, pixels


def given(name: str, pixels: np.ndarray) -> np.ndarray:
    """What the network takes of pixels."""
    expects = EXPECTS[name]
    return named(expects)(pixels) if expects else pixels.astype(np.float32)


def by_tensorflow(model, images: np.ndarray) -> bytes:
    """The file that TensorFlow's converter makes by itself, as its guide says."""
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
        return converter.convert()


def measured(make: Callable[[], tuple[bytes, np.ndarray]], logits: np.ndarray) -> dict:
    """A file and how far its logits are from the float network's, or why there is none."""
    began = perf_counter()
    try:
        content, images = make()
        seconds = perf_counter() - began
        graph = Graph.read(content)
        found = File(graph.without_softmax()).scores(images)
    except Exception as error:
        return {"fault": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
    return {
        "same": int((found.argmax(axis=1) == logits.argmax(axis=1)).sum()),
        "spread": float(np.std(found - logits) / np.std(logits - logits.mean(axis=0))),
        "seconds": round(seconds, 1),
        "bytes": len(content),
    }


def row(name: str, size: int) -> dict:
    model, pixels = untrained(name, size)
    found = {"name": name, "size": size, "parameters": model.count_params(), "images": IMAGES}
    names = [f"class {k}" for k in range(CLASSES)]
    with tempfile.TemporaryDirectory() as folder:
        options = {"preprocessing": EXPECTS[name], "classes": names, "out": folder}
        try:
            source = open_source(model, images=pixels, **options)
        except BadInput as error:
            ways = ("export", *ENGINES, "tensorflow")
            return found | {way: {"fault": str(error)} for way in ways}
        expected = source.on_whole_pixels.preprocessing
        theirs = outputs_of(model, given(name, pixels))
        ours = source.classifier.of_pixels(pixels)
        found["evaluated"] = float(np.abs(ours - theirs).max())
        end = source.network.maker[source.network.output].inputs[0]
        logits = outputs(source.network, source.images, {"logits": end})["logits"]

        def exported() -> tuple[bytes, np.ndarray]:
            path = exporting.export(source, scheme="int8").path
            return path.read_bytes(), expected.caller(pixels)

        def quantized(engine_name: str) -> tuple[bytes, np.ndarray]:
            whole = source.on_whole_pixels
            network = in_integers(whole.network, whole.images)
            copy = engine(engine_name)(network, whole.images, expected.range)
            ranges = copy.ranges()
            graph = convert(copy.trained(), "int8", expected, "uint8", ranges=ranges)
            checks.require(graph, copy.trained(), pixels, expected, ranges)
            return graph.content, expected.caller(pixels)

        found["export"] = measured(exported, logits)
        for each in ENGINES:
            found[each] = measured(lambda each=each: quantized(each), logits)
    images = given(name, pixels)
    found["tensorflow"] = measured(lambda: (by_tensorflow(model, images), images), logits)
    return found


def read(path: Path) -> list[dict]:
    return (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    )


def table(rows: list[dict]) -> str:
    """Markdown: of each way the first classes that are the network's, and the spread."""

    def cell(made: dict) -> str:
        if "fault" in made:
            return "none"
        return f"{made['same']}, {made['spread']:.1%}"

    lines = [
        "| network | input | parameters | `export` | tfmot | keras | TensorFlow alone "
        "| `export`, s | TensorFlow, s | `export`, MB | TensorFlow, MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in rows:
        ways = [each[key] for key in ("export", "tfmot", "keras", "tensorflow")]
        mine, other = each["export"], each["tensorflow"]
        seconds = [made.get("seconds", "-") for made in (mine, other)]
        sizes = [f"{made['bytes'] / 1e6:.1f}" if "bytes" in made else "-" for made in (mine, other)]
        figures = [each["size"], f"{each['parameters']:,}", *map(cell, ways), *seconds, *sizes]
        lines.append(f"| {each['name']} | {' | '.join(map(str, figures))} |")
    return "\n".join(lines)


def main(path: Path, wanted: list[str]) -> None:
    for each in wanted or SMALLEST + OWN:
        name, size = each.split(":")
        if (name, int(size)) in {(row["name"], row["size"]) for row in read(path)}:
            continue
        # A process of its own gives its memory back.
        subprocess.run([sys.executable, __file__, path, "--row", name, size], check=False)


if __name__ == "__main__":
    rows = Path(sys.argv[1])
    if sys.argv[2:] == ["--table"]:
        print(table(read(rows)))
    elif sys.argv[2:3] == ["--row"]:
        line = json.dumps(row(sys.argv[3], int(sys.argv[4])))
        with rows.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    else:
        main(rows, sys.argv[2:])
