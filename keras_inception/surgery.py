"""What people do with a built model: cut heads off, take maps out, freeze a part."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from .builder import MAIN, build
from .errors import BadInput
from .layers import default_keras
from .networks import member
from .spec import Network
from .transform import without_aux as network_without_aux
from .transform import without_top

#: A size, and one larger by a multiple of every stride: what a map gains between them is exact.
_SIZES = (6720, 2 * 6720)
_PADDING = ("ZeroPadding2D", "Cropping2D")


def without_aux(model):
    """A model, or a Network, without its auxiliary heads.

    The model returned has one output and shares its layers with the one given, so its outputs
    are the same numbers as that one's first. Raises BadInput for a model of several outputs none
    of which is "main".

    >>> import keras_inception
    >>> model = keras_inception.GoogLeNet(aux=True, width=0.25)
    >>> len(model.outputs), len(keras_inception.without_aux(model).outputs)
    (3, 1)
    """
    if isinstance(model, Network):
        return network_without_aux(model)
    if len(model.outputs) == 1:
        return model
    if MAIN not in model.output_names:
        raise BadInput(
            f'a model whose outputs include "main" is needed; the outputs of {model.name} are '
            f"{', '.join(model.output_names)}"
        )
    main = model.outputs[model.output_names.index(MAIN)]
    return carrying(model, default_keras().Model(model.inputs, main, name=model.name))


def carrying(model, other):
    """`other`, with what the builders let `model` carry: its network and its preprocessing."""
    for name in ("network", "preprocessing"):
        if hasattr(model, name):
            setattr(other, name, getattr(model, name))
    return other


def _layer(model, name: str):
    try:
        return model.get_layer(name)
    except ValueError:
        raise BadInput(
            f"{model.name} has no layer {name!r}; its rows are named as in keras_inception.networks"
        ) from None


def features(model, at: Sequence[int | str] = (8, 16, 32)):
    """A backbone for detection or segmentation: the model's maps at several depths.

    model: a functional Keras 3 model, or the name of a member of the family, which is built with
        random weights on its native input.
    at: strides, each standing for the last map so many times smaller than the image that all of
        the network passes through, or layer names; a convolution's map is taken after its ReLU.

    Gives a model of the same input that shares the layers, and whose outputs are a list of maps,
    (batch, height, width, channels), in the order of `at`, or the one map. Strides are measured:
    from the sizes that the maps of a large image would have. Raises BadInput for what the model
    does not have.

    >>> import keras_inception
    >>> backbone = keras_inception.features("inception_v3")
    >>> [tuple(map.shape[1:]) for map in backbone.outputs]
    [(35, 35, 288), (17, 17, 768), (8, 8, 2048)]
    """
    if isinstance(model, str):
        model = build(without_top(member(model)))
    maps: dict[int, object] = {}
    if any(not isinstance(where, str) for where in at):
        maps = maps_by_stride(model)
    outputs = []
    for where in at:
        if isinstance(where, str):
            outputs.append(_activated(model, _layer(model, where)))
        elif where in maps:
            outputs.append(maps[where])
        else:
            raise BadInput(
                f"at must hold layer names, or strides that {model.name} has: "
                f"{', '.join(map(str, sorted(maps))) or 'none'}; got {where!r}"
            )
    return default_keras().Model(model.inputs, outputs, name=f"{model.name}_features")


def maps_by_stride(model) -> dict[int, object]:
    """The last map of each stride that everything behind it is computed from, as a Keras tensor.

    Maps inside a block are left out, as others pass by them, and padding, which is half of a
    layer. Raises BadInput for a model whose strides cannot be measured.
    """
    keras = default_keras()
    main = keras.Model(model.inputs, model.outputs[0])
    # Keras has no public way to walk a model's calls; all of Keras 3 keeps them here.
    nodes = [
        node
        for depth in sorted(main._nodes_by_depth, reverse=True)
        for node in main._nodes_by_depth[depth]
    ]
    last_use: dict[int, float] = {}
    for position, node in enumerate(nodes):
        last_use |= dict.fromkeys(map(id, node.input_tensors), position)
    last_use[id(main.outputs[0])] = inf
    trunk, alive = [], set()
    for position, node in enumerate(nodes):
        alive = {t for t in alive | {*map(id, node.outputs)} if last_use.get(t, -1) > position}
        if len(alive) == 1 and not node.is_input and len(node.outputs[0].shape) == 4:
            trunk.append(node)
    found: dict[int, object] = {}
    for node, sizes in zip(trunk, _sizes(nodes, trunk, model), strict=True):
        gained, of = sizes[1] - sizes[0], _SIZES[1] - _SIZES[0]
        if gained and of % gained == 0 and type(node.operation).__name__ not in _PADDING:
            found[of // gained] = node.outputs[0]
    if not found:
        raise BadInput(f"the strides of {model.name} cannot be measured; give layer names")
    return found


def _sizes(nodes: list, trunk: list, model) -> list[tuple[int, int]]:
    """The heights that the maps of `trunk` have for images of either of _SIZES."""
    keras, measured = default_keras(), []
    wanted = {id(node.outputs[0]) for node in trunk}
    for size in _SIZES:
        tensors: dict[int, Any] = {}
        try:
            for node in nodes:
                if not wanted - tensors.keys():
                    break
                if node.is_input:
                    shape = list(node.outputs[0].shape)
                    made = keras.KerasTensor((shape[0], size, size, *shape[3:]))
                else:
                    args, kwargs = node.arguments.fill_in(tensors)
                    made = node.operation.compute_output_spec(*args, **kwargs)
                tensors.update(zip(map(id, node.outputs), keras.tree.flatten(made), strict=True))
        except (ValueError, TypeError, KeyError) as error:
            raise BadInput(
                f"the strides of {model.name} cannot be measured ({error}); give layer names"
            ) from error
        measured.append([tensors[id(node.outputs[0])].shape[1] for node in trunk])
    return list(zip(*measured, strict=True))


def _activated(model, layer):
    """A convolution's map is what its ReLU makes of it."""
    found = [each for each in model.layers if each.name == f"{layer.name}_relu"]
    return (found or [layer])[0].output


def freeze(model, until: str) -> None:
    """Stop training every layer that the row `until` depends on, itself included.

    Frozen batch normalization uses its moving averages and leaves them as they are, also in
    `fit`. Compile the model afterwards. Raises BadInput if there is no such row.

    >>> import keras_inception
    >>> model = keras_inception.GoogLeNet(width=0.25, classes=4)
    >>> keras_inception.freeze(model, until="inception_4e")
    >>> model.get_layer("inception_3a_1x1").trainable
    False
    """
    output = _activated(model, _layer(model, until))
    for layer in default_keras().Model(model.inputs, output).layers:
        layer.trainable = False
