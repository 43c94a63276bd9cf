"""A Keras 3 model as one flat list of nodes: nested models opened, augmentation left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import keras
import numpy as np

from keras_inception.errors import BadInput
from keras_inception.surgery import without_aux

#: Layers that hand on what they are given, but for in training.
ONLY_IN_TRAINING = (
    "ActivityRegularization",
    "AlphaDropout",
    "AugMix",
    "CutMix",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "MixUp",
    "RandAugment",
    "SpatialDropout2D",
    "StochasticDepth",
)


@dataclass(frozen=True)
class Node:
    """A layer, or an operation of keras.ops, applied to tensors, which are numbered.

    `name` is no other node's, and one that TensorFlow accepts; `shape` is the output's.
    """

    operation: object
    name: str
    inputs: tuple[int, ...]
    output: int
    shape: tuple[int | None, ...]
    keras_node: object

    @property
    def kind(self) -> str:
        return type(self.operation).__name__

    @property
    def is_stock(self) -> bool:
        return type(self.operation).__module__.startswith("keras.")

    @property
    def is_layer(self) -> bool:
        return isinstance(self.operation, keras.layers.Layer)

    @property
    def constants(self) -> int:
        """How many arrays it is called with that are no tensors of the graph."""
        given = self.keras_node.arguments
        arrays = [x for x in keras.tree.flatten((given.args, given.kwargs)) if hasattr(x, "shape")]
        return len(arrays) - len(self.inputs)

    def __call__(self, *values) -> np.ndarray:
        """What it makes of arrays."""
        given = dict(zip(map(id, self.keras_node.input_tensors), values, strict=True))
        args, kwargs = self.keras_node.arguments.fill_in(given)
        return keras.ops.convert_to_numpy(self.operation(*args, **kwargs))


@dataclass(frozen=True)
class KerasGraph:
    """The nodes of a model in an order they can be computed in: from tensor `input`, an image of
    `shape` (height, width, channels), to tensor `output`."""

    name: str
    nodes: tuple[Node, ...]
    shape: tuple[int | None, ...]
    input: int
    output: int

    def without(self, count: int) -> KerasGraph:
        """Without the first `count` nodes, of which the rest needs only the last."""
        if not count:
            return self
        last = self.nodes[count - 1]
        return replace(self, nodes=self.nodes[count:], shape=last.shape[1:], input=last.output)


def in_float32(model):
    """`model` without its heads, computing in float32: itself, or a copy with its weights.

    Raises BadInput unless it is a functional or built Sequential model of one image.
    """
    functional = _functional(model)
    nested = any(keras.tree.is_nested(each) for each in (functional.input, functional.output))
    model = without_aux(model)
    shapes = [tensor.shape for tensor in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise BadInput(
            f"{model.name} must take one image, (batch, height, width, channels); it takes {shapes}"
        )
    if nested:
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    layers = model._flatten_layers(include_self=False)
    if all(layer.compute_dtype == layer.variable_dtype == "float32" for layer in layers):
        return model

    def copied(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(model, clone_function=copied, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def of_size(model, size: int):
    """`model`, which is as `in_float32` gives it, for images of `size` pixels each way: its layers,
    called anew. Raises BadInput if one of them was made for images of another size."""
    open_or_other = model.inputs[0].shape[1:3]
    if open_or_other == (size, size):
        return model
    image = keras.Input((size, size, model.inputs[0].shape[3]), name="image")
    try:
        (output,) = _called(_functional(model), [image])
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"{model.name} takes images of {open_or_other} and cannot be made for "
            f"{(size, size)}: {str(error).strip().splitlines()[0]}"
        ) from error
    return keras.Model(image, output, name=model.name)


def _called(functional, inputs: list) -> list:
    """What the layers of a functional model make of other inputs."""
    tensors = dict(zip(map(id, functional.inputs), inputs, strict=True))
    for node in _in_order(functional):
        if isinstance(node.operation, keras.Model):
            given = [tensors[id(tensor)] for tensor in node.input_tensors]
            made = _called(_functional(node.operation), given)
        else:
            args, kwargs = node.arguments.fill_in(tensors)
            made = keras.tree.flatten(node.operation(*args, **kwargs))
        tensors |= zip(map(id, node.outputs), made, strict=True)
    return [tensors[id(tensor)] for tensor in functional.outputs]


def _in_order(functional) -> Iterator:
    """The calls of layers in an order they can be computed in. Keras has no public way to walk
    them; all of Keras 3 keeps them here."""
    for depth in sorted(functional._nodes_by_depth, reverse=True):
        yield from (node for node in functional._nodes_by_depth[depth] if not node.is_input)


def read(model) -> KerasGraph:
    """The nodes that compute the one output of `model`, which is as `in_float32` gives it."""
    reader = _Reader()
    (output,) = reader.read(_functional(model), [0], "")
    return KerasGraph(model.name, tuple(reader.nodes), model.inputs[0].shape[1:], 0, output)


def _functional(model):
    """The functional model that `model` is or, a Sequential one, holds."""
    functional = getattr(model, "_functional", None) or model
    if not hasattr(functional, "_nodes_by_depth"):
        raise BadInput(
            f"{model.name} is a {type(model).__name__}; a functional Keras 3 model is needed, or a "
            "Sequential one that begins with keras.Input"
        )
    return functional


class _Reader:
    def __init__(self):
        self.nodes: list[Node] = []
        self.tensors = 1
        self.names = {"image"}

    def read(self, functional, inputs: list[int], prefix: str) -> list[int]:
        """Add the nodes of a functional model; the numbers of its outputs."""
        numbers = dict(zip(map(id, functional.inputs), inputs, strict=True))
        for node in _in_order(functional):
            given = [numbers[id(tensor)] for tensor in node.input_tensors]
            made = self._outputs(node, given, prefix)
            numbers |= zip(map(id, node.outputs), made, strict=True)
        return [numbers[id(tensor)] for tensor in functional.outputs]

    def _outputs(self, node, inputs: list[int], prefix: str) -> list[int]:
        operation = node.operation
        kind = type(operation).__name__
        if isinstance(operation, keras.Model):
            return self.read(_functional(operation), inputs, f"{prefix}{operation.name}_")
        if type(operation).__module__.startswith("keras.") and _only_trains(kind):
            return inputs
        if len(node.outputs) != 1:
            raise BadInput(
                f"{operation.name} ({kind}) has {len(node.outputs)} outputs; a file needs one of "
                "each layer: write x[..., :n] for a part of the channels"
            )
        name = self._name(operation.name, prefix)
        output, self.tensors = self.tensors, self.tensors + 1
        shape = tuple(node.outputs[0].shape)
        self.nodes.append(Node(operation, name, tuple(inputs), output, shape, node))
        return [output]

    def _name(self, name: str, prefix: str) -> str:
        """Its own name; with that of the model it is in, or a number, where that is taken."""
        bare = re.sub(r"^(?=\W|_)|[^\w.-]", "x", name, flags=re.ASCII)
        wanted = bare if bare not in self.names else prefix + bare
        count, name = 1, wanted
        while name in self.names:
            count, name = count + 1, f"{wanted}_{count + 1}"
        self.names.add(name)
        return name


def _only_trains(kind: str) -> bool:
    # A random crop cuts out the centre when it does not train.
    return kind in ONLY_IN_TRAINING or (kind.startswith("Random") and kind != "RandomCrop")
