"""Plain layers in, a `.tflite` file out, by named scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from keras_inception.errors import BadInput
from keras_inception.native_output import held_back
from keras_inception.preprocess import Preprocessing

from .. import upstream_fixes
from ..file.graph import CONVERSIONS, Graph
from ..keras_graph.plain import PlainNetwork
from ..keras_graph.to_keras import built, called
from ..schemes import scheme_named
from .calibration import calibrated_ranges
from .rounding import Ranges
from .space_to_depth_stem import faster_stem

#: What the names of roundings end in, which no layer's own does.
RANGE = ">range"
_INT16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def convert(
    network: PlainNetwork,
    scheme: str,
    expected: Preprocessing,
    io_type: str = "float32",
    pixels: np.ndarray | None = None,
    logits: bool = False,
    ranges: Ranges | None = None,
) -> Graph:
    """Convert `network` to a file with a fixed batch of 1, input `image`, output `scores`.

    With `logits` it ends before the softmax that is its last layer, in `logits`.

    The file contains the preprocessing that the network expects unless its caller can do it. Its
    tensors bear the names of the layers that make them. An INT8 one has its first convolution
    rewritten (`space_to_depth_stem`).

    A calibrated scheme takes ranges from `pixels`, calibration images of 0..255, (n, height, width,
    channels); the input's are those of all possible pixels. A network that was trained for "int8"
    has its `ranges` instead, by the numbers of tensors. `io_type` is the type of the file's input
    and output. Raises BadInput where the converter fails.
    """
    name = "scores"
    if logits:
        name, network = "logits", network.until(network.maker[network.output].inputs[0])
    if scheme == "int8" and ranges is None:
        ranges = calibrated_ranges(network, expected(pixels), expected.range)
    layers = _built(upstream_fixes.with_distinct_biases(network))
    signature = tf.TensorSpec((1, *network.shape), tf.float32, name="image")
    caller = expected.caller

    @tf.function(input_signature=[signature])
    def infer(image):
        if expected.inside:
            if ranges:
                image = tf.quantization.fake_quant_with_min_max_args(image, *caller.range)
            kernel, offset = expected.inside.as_convolution()
            with tf.name_scope(f"{network.name}/image"):
                image = tf.nn.bias_add(tf.nn.conv2d(image, kernel, 1, "VALID"), offset)
        with tf.name_scope(network.name):
            return {name: _computed(network, layers, ranges or {}, image)}

    # The converter saves what it is given: the weights suffice.
    weights = tf.Module()
    weights.all = [variable for layer in layers.values() for variable in layer.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [infer.get_concrete_function()], weights
    )
    if scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if scheme_named(scheme).calibrated:
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(io_type)
        if scheme == "int16x8":
            converter.target_spec.supported_ops = [_INT16]
            converter.representative_dataset = lambda: (
                [caller(image[None])] for image in _spanning(pixels)
            )
    with held_back(), upstream_fixes.every_tensor_recorded():
        try:
            graph = Graph.read(converter.convert())
        except ConverterError as error:
            said = next((x for x in str(error).splitlines() if "error:" in x), str(error))
            raise BadInput(
                f"TensorFlow's converter cannot make a file of {network.name} in {scheme}: "
                f"{said.partition('error:')[2].strip() or said}; build it of other layers, or try "
                "another --scheme"
            ) from error
    if scheme == "int16x8":
        graph = upstream_fixes.with_first_output(graph, name)
    return faster_stem(_named(graph, network))


def _named(graph: Graph, network: PlainNetwork) -> Graph:
    """The file with a layer's name for the tensor that it makes; the converter's own are paths of
    all operations that it fused, a hundred bytes each."""
    named = graph.changeable()
    kinds = {"image": "", **{layer.name: layer.kind for layer in network.layers}}
    last = named.unconverted(named.outputs[0])
    # What changes a type or a step comes after what it changes.
    order = sorted(named.makers, key=lambda i: (named.kind(named.makers[i]) in CONVERSIONS, -i))
    taken: dict[str, int] = {}
    for tensor in order:
        fuses = named.fuses(named.makers[tensor])
        found = _layer_of(named.tensors[tensor].name.decode(), kinds, fuses)
        if tensor == last:
            found = network.maker[network.output].name
        if found:
            taken[found] = taken.get(found, -1) + 1
            suffix = f"_{taken[found]}" if taken[found] else ""
            named.tensors[tensor].name = f"{found}{suffix}".encode()
    for operator in named.operators:
        for place, constant in enumerate(operator.inputs):
            if constant >= 0 and constant not in named.makers and constant not in named.inputs:
                name = f"{named.name(operator.outputs[0])}/{place}"
                named.tensors[constant].name = name.encode()
    return named


def _layer_of(path: str, kinds: Mapping[str, str], fuses: bool) -> str | None:
    """The layer whose tensor has a name: the converter joins the paths of all operations merged
    into what makes it, and a path begins with the model's name, then the layer's or its rounding's.
    Where an activation is among them, the tensor is what that gives.
    """
    found = [
        part.removesuffix(RANGE)
        for operation in path.split(";")
        for part in operation.split("/")[1:]
        if part.removesuffix(RANGE) in kinds
    ]
    activations = [name for name in found if kinds[name] == "ReLU"]
    return next(iter((activations if fuses else []) + found), None)


def _built(network: PlainNetwork) -> dict[str, Any]:
    """The layers of tf_keras that compute `network`, by name. They are called one after another: a
    functional model of them would trace each once more."""
    import tf_keras

    shapes = {network.input: (1, *network.shape)}
    shapes |= {layer.output: (1, *layer.shape) for layer in network.layers}
    layers = {layer.name: built(layer, tf_keras, shapes) for layer in network.layers}
    for layer in layers.values():
        # tf_keras compiles a convolution in groups, as a CPU needs it to train: operations of a
        # compiled function lack the layer's name.
        if getattr(layer, "groups", 1) > 1:
            layer._jit_compiled_convolution_op = layer.convolution_op
    return layers


def _computed(network: PlainNetwork, layers: Mapping[str, Any], ranges: Ranges, image):
    """What the layers make of an image, the tensors of `ranges` rounded."""

    def rounded(number: int, name: str, x):
        if number not in ranges:
            return x
        with tf.name_scope(f"{name}{RANGE}"):
            return tf.quantization.fake_quant_with_min_max_args(x, *ranges[number])

    tensors = {network.input: rounded(network.input, "image", image)}
    for layer in network.layers:
        output = called(layers[layer.name], layer, tensors)
        tensors[layer.output] = rounded(layer.output, layer.name, output)
    return tensors[network.output]


def _spanning(pixels: np.ndarray) -> np.ndarray:
    """The images with a black and a white pixel in the first: an input's range is that of all
    possible pixels."""
    first = pixels[:1].copy()
    first[0, 0, 0], first[0, -1, -1] = 0, 255
    return np.concatenate([first, pixels[1:]])
