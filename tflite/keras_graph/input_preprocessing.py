"""The preprocessing a model begins with, as a record: an INT8 file's input can express that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.layers import default_keras, reverse_channels
from keras_inception.preprocess import Preprocessing

from .folding import affine, takes
from .plain import PlainNetwork
from .read import KerasGraph, Node

_LAYERS = ("CenterCrop", "Normalization", "RandomCrop", "Rescaling", "Resizing")
_OPERATIONS = ("Add", "Cast", "Concatenate", "Divide", "Flip", "GetItem", "Multiply", "Stack")
_OPERATIONS += ("Subtract", "TrueDivide")


def split_off(graph: KerasGraph) -> tuple[Preprocessing | None, KerasGraph]:
    """What is done to the image before the first layer that learns, and the rest of the graph.

    Resizing counts as done already: the rest takes images of the size it makes. Raises BadInput if
    the image is not merely mapped channel by channel, or if its size is not fixed.
    """
    count = _length(graph)
    rest = graph.without(count)
    height, width = rest.shape[:2]
    if None in (height, width):
        raise BadInput(
            f"the model takes images of any size, {rest.shape}; a file needs one: give it with "
            "--image-size"
        )
    given = graph.shape[:2]
    if given not in ((None, None), (height, width)):
        way = f"give it --image-size {height}" if height == width else "build it on that size"
        raise BadInput(
            f"the model makes images of {given} into {(height, width)} itself; a file takes them "
            f"as they are: {way}"
        )
    return (_measured(graph, count, rest.shape) if count else None), rest


def _length(graph: KerasGraph) -> int:
    """How many nodes come before the one tensor that all others are made of."""
    last_use = {graph.output: len(graph.nodes)}
    for position, node in enumerate(graph.nodes):
        last_use |= dict.fromkeys(node.inputs, position)
    alive, found = {graph.input}, 0
    for position, node in enumerate(graph.nodes):
        if not _is_preprocessing(node):
            break
        alive = {n for n in alive | {node.output} if last_use.get(n, -1) > position}
        if alive == {node.output}:
            found = position + 1
    return found


def _is_preprocessing(node: Node) -> bool:
    if type(node.operation) is reverse_channels(default_keras()):
        return True
    return node.is_stock and node.kind in _LAYERS + _OPERATIONS


def _measured(graph: KerasGraph, count: int, shape: tuple[int, ...]) -> Preprocessing:
    """The record of the first `count` nodes: their effect on black, primary colours and noise."""
    front, channels = graph.nodes[:count], shape[-1]
    noise = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    colours = np.concatenate([np.zeros((1, channels)), 255 * np.eye(channels)])
    flat = np.broadcast_to(colours[:, None, None].astype(np.float32), (channels + 1, *shape))
    tensors = {graph.input: np.concatenate([flat, noise[None]])}
    for node in front:
        tensors[node.output] = node(*(tensors[n] for n in node.inputs))
    made = tensors[front[-1].output]
    names = ", ".join(f"{node.name} ({node.kind})" for node in front)
    fault = BadInput(
        f"the model begins with {names}, which do not map each channel of RGB pixels alone and "
        "upwards; take them off the model, and name what they do with --preprocessing"
    )
    if made.shape != (channels + 2, *shape):
        raise fault
    offset, slopes = made[0, 0, 0], (made[1:-1, 0, 0] - made[0, 0, 0]) / 255
    reverse = channels == 3 and slopes[0, 0] == 0
    scale = np.diag(slopes[::-1] if reverse else slopes)
    if not np.all(scale > 0):
        raise fault
    found = of_scale(scale, offset, "BGR" if reverse else "RGB")
    if not np.allclose(found(noise), made[-1], atol=1e-4 * np.abs(made[-1]).max()):
        raise fault
    return found


def of_scale(scale, offset, order: str = "RGB") -> Preprocessing:
    """The record of input = pixel * scale + offset; one number where all channels share it."""
    std = 1 / np.float64(scale)
    mean = -np.float64(offset) * std

    def shortest(values):
        values = [float(f"{v:.6g}") + 0.0 for v in np.atleast_1d(values)]
        return values[0] if len(set(values)) == 1 else tuple(values)

    return Preprocessing(shortest(mean), shortest(std), order)


def composed(first: Preprocessing, second: Preprocessing | None) -> Preprocessing:
    """`first` for the pixels and `second` for what becomes of them, in one record."""
    if second is None:
        return first
    if second.order == "BGR" and first.order == "BGR":
        raise BadInput("the model turns RGB into BGR itself; give it RGB")
    scales, offsets = zip(first.scale_and_offset, second.scale_and_offset, strict=True)
    inner = [np.atleast_1d(value) for value in (scales[0], offsets[0])]
    if second.order == "BGR":
        inner = [value[::-1] for value in inner]
    outer = [np.asarray(value) for value in (scales[1], offsets[1])]
    joined = of_scale(inner[0] * outer[0], inner[1] * outer[0] + outer[1])
    order = "BGR" if "BGR" in (first.order, second.order) else "RGB"
    return replace(first, mean=joined.mean, std=joined.std, order=order)


def on_whole_pixels(
    network: PlainNetwork, expected: Preprocessing
) -> tuple[PlainNetwork, Preprocessing]:
    """A network of 8-bit inputs and its preprocessing, so that each of the 256 pixel values is an
    integer of the input: a mean that is a whole pixel's.

    Of (pixel - 127.5) / 127.5 every value lies half-way between two integers, which each caller
    rounds its own way. What the input lacks then is added in the first layer's bias, and the
    network computes the same; unless that layer pads: then pixels count as half a one darker, as
    they do in a file that is fed with them as they are.
    """
    if not expected.is_quantization or not 0 <= expected.mean <= 255:
        return network, expected
    whole = replace(expected, mean=float(np.round(expected.mean)))
    offset = (whole.mean - expected.mean) / expected.std
    first, *others = network.readers[network.input]
    if offset and not others and takes(first, affine(first, 1.0, offset)):
        network = network.with_layers({first.name: first.after(1.0, offset)})
    return network, whole
