"""What local response normalization costs in an INT8 GoogLeNet, in integers and in float.

    python benchmarks/lrn.py

The same network with random weights three times: with the normalization made of integer
operators, with TFLite's own float operator, and without it. One thread, the files taking turns.
"""

import sys

import numpy as np

from keras_inception.builder import build
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.tflite.benchmarking.latency import in_turns, this_machine
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph.integer_operators import in_integers
from keras_inception.tflite.keras_graph.lowering import lower
from keras_inception.tflite.keras_graph.read import read
from keras_inception.transform import with_norm, without_aux
from keras_inception.weights.presets import CAFFE

ROUNDS = 200


def main() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 224, 224, 3), np.uint8)
    net = without_aux(GOOGLENET)
    network = lower(read(build(net)))
    models = {
        "integer": in_integers(network, CAFFE(pixels)),
        "float": network,
        "none": lower(read(build(with_norm(net, None)))),
    }
    files = [File(convert(each, "int8", CAFFE, "uint8", pixels)) for each in models.values()]
    medians = [each["median"] for each in in_turns([file.seconds for file in files], ROUNDS)]
    times = dict(zip(models, medians, strict=True))
    print(this_machine())
    print("normalization        ms  ratio to none")
    for name, milliseconds in times.items():
        print(f"{name:<13}  {milliseconds:9.2f}  {milliseconds / times['none']:13.2f}")


if __name__ == "__main__":
    sys.exit(main())
