"""keras.applications' networks become INT8 files that are integer throughout."""

import keras
import numpy as np
import pytest
from helpers.tflite_files import graph_of
from keras import applications

from keras_inception.preprocess import named
from keras_inception.tflite import exporting
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.checks.layer_errors import DEPARTED
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph.integer_operators import in_integers
from keras_inception.tflite.qat import engine
from keras_inception.tflite.source import open_source

#: Size, preprocessing, and a layer so early that roundings have not yet added up.
NETWORKS = {
    "MobileNetV2": (96, "tf", "block_2_add"),
    "InceptionV3": (75, "tf", "mixed0"),
    "InceptionResNetV2": (75, "tf", "block35_1_ac"),
    "ResNet50V2": (64, "tf", "conv2_block2_out"),
    "DenseNet121": (64, "torch", "conv2_block2_concat"),
    "MobileNetV3Small": (32, "raw", "expanded_conv_2_add"),
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=list(NETWORKS))
def source(request, tmp_path_factory):
    """Random weights, with the batch statistics that they have on the calibration images."""
    size, preprocessing, _ = NETWORKS[request.param]
    options = {"alpha": 0.35} if request.param == "MobileNetV2" else {}
    keras.utils.set_random_seed(0)
    make = getattr(applications, request.param)
    model = make(weights=None, input_shape=(size, size, 3), classes=4, **options)
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (32, size // 8 + 1, size // 8 + 1, 3))
    pixels = np.kron(blocks, np.ones((1, 8, 8, 1)))[:, :size, :size].astype("uint8")
    norms = [layer for layer in model.layers if "BatchNorm" in type(layer).__name__]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(named(preprocessing)(pixels), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    # Untrained, a deep network magnifies float rounding more than its outputs may differ.
    model.layers[-1].kernel.assign(0.1 * model.layers[-1].kernel)
    classes = ("a", "b", "c", "d")
    folder = tmp_path_factory.mktemp(request.param)
    return open_source(
        model, preprocessing=preprocessing, classes=classes, out=folder, images=pixels
    )


def test_export(source):
    path = exporting.export(source, scheme="int8").path
    assert audit(graph_of(path)).integer
    assert path.stat().st_size < 0.4 * 4 * source.classifier.model.count_params()


def test_quantization_aware(source):
    """The engine itself refuses a network that is not the same before anything is rounded."""
    source = source.on_whole_pixels
    expected = source.preprocessing
    network = in_integers(source.network, source.images)
    quantized = engine("tfmot")(network, source.images, expected.range)
    ranges = quantized.ranges()
    content = convert(quantized.trained(), "int8", expected, "uint8", ranges=ranges)
    assert audit(content).integer, str(audit(content))
    # With random weights every rounding grows from layer to layer, so the last are no measure.
    (early,) = (each.output for each in network.layers if each.name == NETWORKS[source.name][2])
    wanted = quantized.outputs(source.images[:8], {"early": early})["early"]
    part = quantized.trained().until(early)
    file = File(convert(part, "int8", expected, "int8", ranges=ranges))
    found = file.scores(expected.caller(source.calibration[:8])).reshape(wanted.shape)
    assert (np.abs(found - wanted) <= 1.001 * file.output_step).mean() > DEPARTED
