"""Calls as plain layers that both Kerases have: activations apart, constants folded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import keras
import numpy as np

from keras_inception.errors import BadInput
from keras_inception.layers import attention_pooling, local_response_normalization

from .calls import Call, Calls
from .fold import Step, folded
from .stock import ACTIVATIONS, LAYERS, OPERATIONS

#: x * scale + offset, of constants.
_AFFINE = ("Add", "Divide", "LayerScale", "Multiply", "Rescaling", "Subtract", "TrueDivide")
_OURS = (attention_pooling, local_response_normalization)


def plain(calls: Calls) -> tuple[list[Step], int]:
    """The layers that do what `calls` do, in order, and the number of the last one's output.

    Raises BadInput naming a layer that cannot be had.
    """
    return folded([step for call in calls.calls for step in _steps(call)], calls.output)


def _steps(call: Call) -> Iterator[Step]:
    """The layers that make up one call."""
    layer, kind = call.operation, call.kind
    step = Step(kind, call.name, call.inputs, call.output, len(call.shape))
    if call.is_stock and kind in OPERATIONS:
        yield _activation(call, step, OPERATIONS[kind])
    elif call.is_stock and kind == "Softmax" and layer.axis in (-1, len(call.shape) - 1):
        yield _activation(call, step, "softmax")
    elif call.is_stock and kind in _AFFINE and len(call.inputs) == 1:
        yield replace(step, kind="Affine", weights=_affine(call))
    elif call.is_stock and kind == "CustomScaleLayer":  # keras.applications.InceptionResNetV2
        x, residual = call.inputs
        scaled = replace(step, name=f"{call.name}_scale", inputs=(residual,), output=-call.output)
        yield replace(scaled, kind="Affine", weights=[np.float32(layer.scale), np.float32(0)])
        yield replace(step, kind="Add", inputs=(x, scaled.output))
    elif kind not in LAYERS or not (call.is_stock or type(layer) in [f(keras) for f in _OURS]):
        raise _unsupported(call)
    elif kind == "Concatenate":  # the layer, or the operation
        yield replace(step, config={"axis": layer.axis})
    elif isinstance(layer, keras.layers.Layer):
        yield from _of_layer(call, step)
    else:
        yield step


def _of_layer(call: Call, step: Step) -> Iterator[Step]:
    given = call.operation.get_config()
    activation = given.get("activation", "linear")
    if call.kind == "Activation":
        yield _activation(call, step, activation)
        return
    config = {name: given[name] for name in LAYERS[call.kind].split()}
    weights = [np.asarray(array, np.float32) for array in call.operation.get_weights()]
    if config.get("data_format") == "channels_first" and weights:
        raise BadInput(f"{call.name} ({call.kind}) is channels_first; a file needs channels_last")
    if call.kind == "ReLU" and config["negative_slope"] and config["max_value"] is None:
        step = replace(step, kind="LeakyReLU")
        config = {"negative_slope": config["negative_slope"]}
    step = replace(step, config=config, weights=weights)
    if activation == "linear":
        yield step
        return
    # tensorflow-model-optimization wants activations in layers of their own.
    yield replace(step, output=-call.output)
    step = replace(step, name=f"{call.name}_{activation}", inputs=(-call.output,), weights=[])
    yield _activation(call, step, activation)


def _activation(call: Call, step: Step, name: str) -> Step:
    if name == "linear":
        return replace(step, kind="Affine", weights=[np.float32(1), np.float32(0)])
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise BadInput(
            f"{call.name} ({call.kind}) has the activation {name!r}; supported are "
            f"{', '.join(sorted(ACTIVATIONS))}"
        )
    kind, config = ACTIVATIONS[name]
    return replace(step, kind=kind, config=config)


def _unsupported(call: Call) -> BadInput:
    return BadInput(
        f"{call.name} is a {call.kind}, for which there is no layer in tf_keras; supported are "
        f"{', '.join(sorted(LAYERS))}, activations, and Rescaling or a constant"
    )


def _affine(call: Call) -> list[np.ndarray]:
    """Scale and offset of a call on one tensor, from what it makes of 0, 1 and 2."""
    ones = np.ones((1,) * (len(call.shape) - 1) + (call.shape[-1],), np.float32)
    zero, one, two = (np.asarray(call(n * ones)) for n in range(3))
    if zero.shape != ones.shape or not np.allclose(two - one, one - zero):
        raise _unsupported(call)
    return [(one - zero).ravel(), zero.ravel()]
