"""What local response normalization costs in an INT8 GoogLeNet, in integers and in float.

    python benchmarks/lrn.py

The same network with random weights three times: with the normalization made of integer
operators, with TFLite's own float operator, and without it. One thread, the files taking turns.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import tf_keras

from keras_inception.build import build
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.tflite.convert import convert
from keras_inception.tflite.evaluate import median_latencies
from keras_inception.tflite.lrn import in_integers
from keras_inception.tflite.subject import open_subject
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
    with tempfile.TemporaryDirectory() as folder:
        subjects = []
        for name, each in models.items():
            path = Path(folder, f"{name}.tflite")
            path.write_bytes(convert(each, "int8", CAFFE, "uint8", pixels))
            subjects.append(open_subject(path))
        times = dict(zip(models, median_latencies(subjects, ROUNDS), strict=True))
    print("normalization        ms  ratio to none")
    for name, milliseconds in times.items():
        print(f"{name:<13}  {milliseconds:9.2f}  {milliseconds / times['none']:13.2f}")


if __name__ == "__main__":
    sys.exit(main())
