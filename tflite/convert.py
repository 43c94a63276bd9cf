"""A tf_keras model in, the bytes of a `.tflite` file out, by named scheme."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_inception.native_output import held_back
from keras_inception.preprocess import Preprocessing

from .stem import faster_stem

SCHEMES = {
    "float32": "as trained",
    "float16": "weights in 16 bits, computed in float32: half the size",
    "dynamic": "weights in 8 bits, activations quantized while running",
    "int8": "integers throughout, ranges from calibration images",
}
IO_TYPES = {"uint8": tf.uint8, "int8": tf.int8, "float32": tf.float32}


def _as_it_is(x, *_, **__):
    return x


def left_to_the_user(expected: Preprocessing) -> Preprocessing:
    """What a file's user must do to the pixels: all of it where an integer input's scale and zero
    point can express it, and nothing where the file has to contain it."""
    return expected if expected.is_quantization else expected.raw


def convert(
    model,
    scheme: str,
    expected: Preprocessing,
    io_type: str = "float32",
    pixels: np.ndarray | None = None,
) -> bytes:
    """Convert `model` to a file with a fixed batch of 1, input `image`, output `scores`.

    The file contains the preprocessing that `model` expects unless it is `left_to_the_user`.
    For the scheme "int8": a fake-quantized model brings its ranges with it; for a float one they
    are taken from `pixels`, calibration images of 0..255, (n, height, width, channels); the
    input's are those of all possible pixels. `io_type` is the type of the file's input and output.
    """
    signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")
    given = left_to_the_user(expected)
    contained = given != expected
    # A fake-quantized model has its input's range already.
    exact = scheme == "int8" and (contained or pixels is not None)
    ranged = tf.quantization.fake_quant_with_min_max_args if exact else _as_it_is

    @tf.function(input_signature=[signature])
    def infer(image):
        image = ranged(image, *given.range)
        if contained:
            kernel, offset = expected.as_convolution()
            kernel = ranged(kernel, -kernel.max(), kernel.max(), narrow_range=True)
            image = tf.nn.bias_add(tf.nn.conv2d(image, kernel, 1, "VALID"), offset)
            image = ranged(image, *expected.range)
        return {"scores": model(image, training=False)}

    # The converter saves what it is given: the weights suffice, and are five times faster saved
    # than a tf_keras model with a traced function for every layer.
    weights = tf.Module()
    weights.all = model.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [infer.get_concrete_function()], weights
    )
    if scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if scheme == "int8":
        converter.inference_input_type = IO_TYPES[io_type]
        converter.inference_output_type = IO_TYPES[io_type]
        if pixels is not None:
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.representative_dataset = lambda: ([given(image[None])] for image in pixels)
    with held_back():
        content = converter.convert()
    return faster_stem(content) if scheme == "int8" else content
