"""A model of either Keras in, the bytes of a `.tflite` file out, by named scheme."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_inception.layers import keras_of
from keras_inception.native_output import held_back
from keras_inception.preprocess import Preprocessing

from .calibrate import outputs_asked_for, undisturbed

_SETS = {
    "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
    "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
}


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
    logits: bool = False,
) -> bytes:
    """Convert `model` to a file with a fixed batch of 1, input `image`, output `scores`.

    With `logits` it ends before the softmax that is the model's last layer, in `logits`.

    The file contains the preprocessing that `model` expects unless it is `left_to_the_user`.
    A Keras 3 model has to compute in float32. For a calibrated scheme: a fake-quantized model
    brings its ranges with it ("int8" alone); for a float one they are taken from `pixels`,
    calibration images of 0..255, (n, height, width, channels); the input's are those of all
    possible pixels. `io_type` is the type of the file's input and output.
    """
    name = "scores"
    if logits:
        name, model = "logits", keras_of(model).Model(model.input, model.layers[-1].input)
    signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")
    given = left_to_the_user(expected)
    contained = given != expected
    # What a fake-quantized model does not say; to a calibrated one `_spanning` images say it.
    exact = scheme == "int8" and contained and pixels is None
    ranged = tf.quantization.fake_quant_with_min_max_args if exact else _as_it_is

    @tf.function(input_signature=[signature])
    def infer(image):
        image = ranged(image, *given.range)
        if contained:
            kernel, offset = expected.as_convolution()
            kernel = ranged(kernel, -kernel.max(), kernel.max(), narrow_range=True)
            image = tf.nn.bias_add(tf.nn.conv2d(image, kernel, 1, "VALID"), offset)
            image = ranged(image, *expected.range)
        return {name: model(image, training=False)}

    # The converter saves what it is given: the weights suffice, and are five times faster saved
    # than a tf_keras model with a traced function for every layer.
    weights = tf.Module()
    # Keras 3 wraps the variables that TensorFlow knows.
    weights.all = [v if isinstance(v, tf.Variable) else v.value for v in model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [infer.get_concrete_function()], weights
    )
    if scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if scheme in _SETS:
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(io_type)
        if pixels is not None:
            converter.target_spec.supported_ops = [_SETS[scheme]]
            converter.representative_dataset = lambda: (
                [given(image[None])] for image in _spanning(pixels)
            )
    with held_back(), undisturbed():
        content = converter.convert()
    return content if pixels is None else outputs_asked_for(content, name)


def _spanning(pixels: np.ndarray) -> np.ndarray:
    """The images with a black and a white pixel in the first: an input's range is that of all
    possible pixels. Were it given by fake quantization, a calibrated range that differs from it
    would leave a float tensor between the two.
    """
    first = pixels[:1].copy()
    first[0, 0, 0], first[0, -1, -1] = 0, 255
    return np.concatenate([first, pixels[1:]])
