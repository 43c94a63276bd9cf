"""Multiplication and addition of constants, batch normalization's too, taken into linear layers.

Lowering writes both as layers of the kind "Affine": x * scale + offset, the two weights. None is
left when this is done: the linear layer before takes it, or the one after, or else it becomes a
layer of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .plain import ONE_BY_ONE, WEIGHTED, Layer, uses

AFFINE = "Affine"


def affine(layer: Layer, scale, offset) -> Layer:
    """The layer as x * scale + offset; each a number, or one for each channel."""
    return replace(layer, kind=AFFINE, weights=(np.asarray(scale), np.asarray(offset)))


def normalization(weights: dict[str, np.ndarray], epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Scale and offset of batch normalization with the statistics it has."""
    given = {name: np.asarray(array, np.float64) for name, array in weights.items()}
    scale = given.get("gamma", 1.0) / np.sqrt(given["moving_variance"] + epsilon)
    return scale, given.get("beta", 0.0) - given["moving_mean"] * scale


def folded(layers: list[Layer], output: int, fresh: Iterator[int]) -> tuple[list[Layer], int]:
    """The layers without any Affine, and the number of the last one's output.

    `fresh` gives numbers for new tensors.
    """
    layers, output = _into_the_layer_before(layers, output)
    layers = _into_the_layer_after(layers, output)
    return [part for layer in layers for part in _of_its_own(layer, fresh)], output


def _into_the_layer_before(layers: list[Layer], output: int) -> tuple[list[Layer], int]:
    count = uses(layers, output)
    made: dict[int, Layer] = {}
    renamed: dict[int, int] = {}
    for layer in layers:
        layer = replace(layer, inputs=tuple(renamed.get(n, n) for n in layer.inputs))
        if layer.kind != AFFINE:
            made[layer.output] = layer
            continue
        (source,), (scale, offset) = layer.inputs, layer.weights
        before = made.get(source)
        if np.all(scale == 1) and not np.any(offset):
            count[source] += count[layer.output] - 1
        elif before and before.kind in (*WEIGHTED, AFFINE) and count[source] == 1:
            made[source] = _joined(before, scale, offset)
            count[source] = count[layer.output]
        else:
            made[layer.output] = layer
            continue
        renamed[layer.output] = source
    return [*made.values()], renamed.get(output, output)


def _joined(before: Layer, scale, offset) -> Layer:
    if before.kind == AFFINE:
        first, shift = before.weights
        return affine(before, first * scale, shift * scale + offset)
    return before.scaled(scale, offset)


def _into_the_layer_after(layers: list[Layer], output: int) -> list[Layer]:
    """Normalization in a dense head: the layer after is told of what its inputs were."""
    count = uses(layers, output)
    pending: dict[int, Layer] = {}
    kept = []
    readers = {tensor: layer for layer in layers for tensor in layer.inputs}
    for layer in layers:
        if layer.inputs[0] in pending:
            before = pending[layer.inputs[0]]
            layer = replace(layer.after(*before.weights), inputs=before.inputs)
        reader = readers.get(layer.output)
        if layer.kind == AFFINE and count[layer.output] == 1 and reader and takes(reader, layer):
            pending[layer.output] = layer
        else:
            kept.append(layer)
    return kept


def takes(layer: Layer, before: Layer) -> bool:
    """Whether a layer can give the same of inputs that lack the scale and the offset of an Affine
    `before` it: whether `layer.after` them is it."""
    if layer.kind == "Dense":
        return True
    if layer.kind != "Convolution" or layer.options["groups"] != 1:
        return False
    # What it pads with is not shifted.
    padded = layer.options["padding"] != "valid" and layer.weights[0].shape[:2] != (1, 1)
    return not (padded and np.any(before.weights[1]))


def _of_its_own(layer: Layer, fresh: Iterator[int]) -> Iterator[Layer]:
    """The layers that an Affine becomes where no other takes it: each channel by itself."""
    if layer.kind != AFFINE:
        yield layer
        return
    scale, offset = (np.float32(array).ravel() for array in layer.weights)
    if scale.size == 1 and not offset.any():
        yield replace(layer, kind="Scale", options={"scale": float(scale[0])}, weights=())
        return
    channels = layer.shape[-1]
    # As a map, which a vector is made and unmade where it is one.
    mapped = (*(1,) * (3 - len(layer.shape)), *layer.shape)
    convolution = replace(
        layer,
        kind="DepthwiseConvolution",
        shape=mapped,
        options=ONE_BY_ONE | {"depth_multiplier": 1},
        weights=(np.ones((1, 1, channels, 1), np.float32), np.zeros(channels, np.float32)),
    ).scaled(scale, offset)
    if mapped == layer.shape:
        yield convolution
        return
    before, after = next(fresh), next(fresh)
    name, (source,) = layer.name, layer.inputs
    yield Layer("Reshape", f"{name}_map", (source,), before, mapped, {"target_shape": mapped})
    yield replace(convolution, inputs=(before,), output=after)
    made = {"target_shape": layer.shape}
    yield Layer("Reshape", f"{name}_vector", (after,), layer.output, layer.shape, made)
