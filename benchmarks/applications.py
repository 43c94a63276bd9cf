"""Every network of keras.applications as an INT8 file, three ways, beside TensorFlow's converter.

    nice python benchmarks/applications.py ROWS.jsonl [NAME:SIZE ...]
    python benchmarks/applications.py ROWS.jsonl --table

Without names: one of each family at an input of 96, then all at the smallest that they take, then
one of each family at its own. A row is appended as soon as it is measured, and what has one is not
measured again, so that it may be stopped at any time. Weights are random, batch statistics those of
the images, which are coarse noise, and calibrate. First classes of such networks say little, so the
spread is what to look at: by how much the outputs before the softmax differ from the float
network's, over how much these differ from image to image, both as standard deviations.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
from int8_ways import WAYS, measured

from keras_inception.errors import BadInput
from keras_inception.preprocess import named
from keras_inception.tflite.source import open_source

#: Preprocessing, None where the network begins with it: smallest input, own input, networks.
FAMILIES = [
    ("tf", 32, 224, "MobileNet"),
    ("tf", 32, 224, "MobileNetV2"),
    (None, 32, 224, "MobileNetV3Small MobileNetV3Large"),
    ("tf", 75, 299, "InceptionV3"),
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
    ("tf", 75, 299, "InceptionResNetV2"),
    ("tf", 32, 224, "NASNetMobile NASNetLarge"),
]
EXPECTS = {name: family[0] for family in FAMILIES for name in family[3].split()}
SMALLEST = [f"{name}:{family[1]}" for family in FAMILIES for name in family[3].split()]
#: At 32 pixels most maps are of one pixel, and little but rounding is seen.
FIRST = [f"{family[3].split()[0]}:96" for family in FAMILIES]
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


def row(name: str, size: int) -> dict:
    model, pixels = untrained(name, size)
    found = {"name": name, "size": size, "parameters": model.count_params(), "images": IMAGES}
    names = [f"class {k}" for k in range(CLASSES)]
    with tempfile.TemporaryDirectory() as folder:
        options = {"preprocessing": EXPECTS[name], "classes": names, "out": folder}
        try:
            source = open_source(model, images=pixels, **options)
        except BadInput as error:
            return found | {way: {"fault": str(error)} for way in WAYS}
        theirs = model.predict(given(name, pixels), verbose=0)
        found["evaluated"] = float(np.abs(source.classifier.of_pixels(pixels) - theirs).max())
        return found | measured(source, model, pixels, lambda images: given(name, images))


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
        ways = [each[way] for way in WAYS]
        mine, other = each["export"], each["tensorflow"]
        seconds = [made.get("seconds", "-") for made in (mine, other)]
        sizes = [f"{made['bytes'] / 1e6:.1f}" if "bytes" in made else "-" for made in (mine, other)]
        figures = [each["size"], f"{each['parameters']:,}", *map(cell, ways), *seconds, *sizes]
        lines.append(f"| {each['name']} | {' | '.join(map(str, figures))} |")
    return "\n".join(lines)


def main(path: Path, wanted: list[str]) -> None:
    for each in wanted or FIRST + SMALLEST + OWN:
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
