"""A tf_keras model in, the bytes of a `.tflite` file out, by named scheme."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_inception.native_output import held_back

SCHEMES = {
    "float32": "as trained",
    "float16": "weights in 16 bits, computed in float32: half the size",
    "dynamic": "weights in 8 bits, activations quantized while running",
    "int8": "integers throughout, ranges from calibration images",
}
IO_TYPES = {"uint8": tf.uint8, "int8": tf.int8, "float32": tf.float32}


def convert(
    model,
    scheme: str,
    io_type: str = "float32",
    images: np.ndarray | None = None,
    input_range: tuple[float, float] | None = None,
) -> bytes:
    """Convert `model` to a file with a fixed batch of 1, input `image`, output `scores`.

    For the scheme "int8": a fake-quantized model brings its ranges with it; for a float one they
    are taken from `images`, preprocessed float32 (n, height, width, channels), the input's being
    `input_range` exactly. `io_type` is the type of the file's input and output.
    """
    signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")

    @tf.function(input_signature=[signature])
    def infer(image):
        if input_range is not None:
            image = tf.quantization.fake_quant_with_min_max_args(image, *input_range)
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
        if images is not None:
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.representative_dataset = lambda: ([image[None]] for image in images)
    with held_back():
        return converter.convert()
