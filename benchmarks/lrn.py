"""What local response normalization costs in an INT8 GoogLeNet, in integers and in float.

    python benchmarks/lrn.py

The same network with random weights three times: with the normalization made of integer
operators, with TFLite's own float operator, and without it. One thread, the files taking turns.
"""

import sys

import numpy as np
import tf_keras

from keras_inception.builder import build
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.tflite.benchmark import in_turns, this_machine
from keras_inception.tflite.conversion.convert import convert
from keras_inception.tflite.conversion.stem import faster_stem
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.model.lrn import in_integers
from keras_inception.transform import with_norm, without_aux
from keras_inception.weights.presets import CAFFE

ROUNDS = 200


def main() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 224, 224, 3), np.uint8)
    net = without_aux(GOOGLENET)
    model = build(net, tf_keras)
    models = {
        "integer": in_integers(model, CAFFE(pixels)),
        "float": model,
        "none": build(with_norm(net, None), tf_keras),
    }
    files = [
        File(faster_stem(convert(each, "int8", CAFFE, "uint8", pixels))) for each in models.values()
    ]
    medians = [each["median"] for each in in_turns([file.invoke for file in files], ROUNDS)]
    times = dict(zip(models, medians, strict=True))
    print(this_machine())
    print("normalization        ms  ratio to none")
    for name, milliseconds in times.items():
        print(f"{name:<13}  {milliseconds:9.2f}  {milliseconds / times['none']:13.2f}")


if __name__ == "__main__":
    sys.exit(main())
