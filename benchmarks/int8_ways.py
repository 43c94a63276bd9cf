"""A network as an INT8 file by every way there is: how far each file is from it, how long it took.

The ways are `export`, what both engines of quantization-aware training make before their first
step, and TensorFlow's converter alone. `applications.py` and `real_weights.py` print tables of it.
"""

import tempfile
from collections.abc import Callable
from time import perf_counter

import numpy as np
import tensorflow as tf

from keras_inception.tflite import checks, exporting
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.graph import Graph
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph.integer_operators import in_integers
from keras_inception.tflite.keras_graph.to_keras import outputs
from keras_inception.tflite.qat import ENGINES, engine
from keras_inception.tflite.source import Source

WAYS = ("export", *ENGINES, "tensorflow")


def measured(
    source: Source, model, pixels: np.ndarray, given: Callable[[np.ndarray], np.ndarray]
) -> dict[str, dict]:
    """Each way's file, of `source`, which is of `model`: on pixels, (n, size, size, channels).

    given: what the model takes of pixels.
    """
    whole = source.on_whole_pixels
    expected = whole.preprocessing
    end = source.network.maker[source.network.output].inputs[0]
    logits = outputs(source.network, source.preprocessing(pixels), {"logits": end})["logits"]

    def exported() -> bytes:
        return exporting.export(source, scheme="int8").path.read_bytes()

    def quantized(engine_name: str) -> bytes:
        network = in_integers(whole.network, whole.images)
        copy = engine(engine_name)(network, whole.images, expected.range)
        ranges = copy.ranges()
        graph = convert(copy.trained(), "int8", expected, "uint8", ranges=ranges)
        checks.require(graph, copy.trained(), source.calibration, expected, ranges)
        return graph.content

    images = expected.caller(pixels)
    found = {"export": _file(exported, images, logits)}
    for each in ENGINES:
        found[each] = _file(lambda each=each: quantized(each), images, logits)
    calibration = given(source.calibration)
    found["tensorflow"] = _file(lambda: _by_tensorflow(model, calibration), given(pixels), logits)
    return found


def _file(make: Callable[[], bytes], images: np.ndarray, logits: np.ndarray) -> dict:
    """A file and how far it is from the float network, or why there is none.

    same: the images that have the network's first class. spread: by how much its logits differ
    from the network's, over how much these differ from image to image, both as standard
    deviations. median, largest: of the largest difference in an image's probabilities.
    """
    began = perf_counter()
    try:
        content = make()
        seconds = perf_counter() - began
        found = File(Graph.read(content).without_softmax()).scores(images)
    except Exception as error:
        return {"fault": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
    differences = np.abs(_softmax(found) - _softmax(logits)).max(axis=1)
    return {
        "same": int((found.argmax(axis=1) == logits.argmax(axis=1)).sum()),
        "spread": float(np.std(found - logits) / np.std(logits - logits.mean(axis=0))),
        "median": float(np.median(differences)),
        "largest": float(differences.max()),
        "seconds": round(seconds, 1),
        "bytes": len(content),
    }


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _by_tensorflow(model, images: np.ndarray) -> bytes:
    """The file that TensorFlow's converter makes by itself, as its guide says."""
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
        return converter.convert()
