"""keras.applications' networks become INT8 files that are integer throughout."""

import keras
import numpy as np
import pytest
import tf_keras
from keras import applications

from keras_inception.preprocess import named
from keras_inception.tflite import deliver, qat
from keras_inception.tflite.agreement import without_softmax
from keras_inception.tflite.audit import audit
from keras_inception.tflite.convert import convert
from keras_inception.tflite.interpreter import File
from keras_inception.tflite.source import of_model
from keras_inception.tflite.twin import twin

NETWORKS = {
    "MobileNetV2": (96, "tf", {"alpha": 0.35}),
    "InceptionV3": (75, "tf", {}),
    "InceptionResNetV2": (75, "tf", {}),
    "ResNet50V2": (64, "tf", {}),
    "DenseNet121": (64, "torch", {}),
    "EfficientNetB0": (64, None, {}),
}
QUICK = ("MobileNetV2",)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in NETWORKS
    ],
)
def source(request, tmp_path_factory):
    """Random weights, with the batch statistics that they have on the calibration images."""
    size, preprocessing, options = NETWORKS[request.param]
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
    model(named(preprocessing or "raw")(pixels), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    classes = ("a", "b", "c", "d")
    folder = tmp_path_factory.mktemp(request.param)
    return of_model(model, preprocessing, classes, folder, images=pixels)


def test_export(source):
    path = deliver.export(source, "int8")
    assert audit(path.read_bytes()).integer
    assert path.stat().st_size < 0.35 * 4 * source.model.count_params()


def test_quantization_aware(source):
    """`qat.quantize` itself refuses a network that is not the same with fake quantization off."""
    expected = source.preprocessing
    images = expected(source.calibration)
    quantized = qat.quantize(twin(source.model, images), images, expected.range)
    content = convert(quantized, "int8", expected, "uint8")
    assert audit(content).integer, str(audit(content))
    # Random weights let every rounding grow: the logits are held to their spread.
    logits = tf_keras.Model(quantized.inputs, quantized.layers[-1].input)
    wanted = logits.predict(images, verbose=0)
    shown = images if expected.is_quantization else source.calibration
    noise = File(without_softmax(content)).scores(shown) - wanted
    assert np.std(noise) < 0.35 * np.std(wanted), (np.std(noise), np.std(wanted))
