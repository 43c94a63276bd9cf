"""What can be written in several ways, in one: layers that mean the same are the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .folding import AFFINE, affine, folded
from .plain import ONE_BY_ONE, Layer, needed, uses


def normal_form(
    layers: list[Layer], output: int, fresh: Iterator[int]
) -> tuple[tuple[Layer, ...], int]:
    """The layers in normal form, and the number of the last one's output.

    What is the same is computed once, constants are folded, excitation is a pooling that keeps its
    map and two convolutions, activations come before a change of shape, what is joined is joined
    once, and every layer has a name of its own. `fresh` gives numbers for new tensors.
    """
    layers, output = _computed_once(layers, output)
    layers = _excitations_as_maps(layers, output)
    layers, output = folded(layers, output, fresh)
    layers = _activations_before_reshapes(layers, output)
    layers = _one_concatenation(layers, output)
    return _with_names(needed(layers, [output])), output


def _computed_once(layers: list[Layer], output: int) -> tuple[list[Layer], int]:
    """What is computed twice from the same tensors, as by a layer that is called twice, once."""
    known: dict[tuple, int] = {}
    same: dict[int, int] = {}
    kept = []
    for layer in layers:
        layer = replace(layer, inputs=tuple(same.get(n, n) for n in layer.inputs))
        weights = tuple(array.tobytes() for array in layer.weights)
        key = (layer.kind, layer.inputs, repr(layer.options), weights)
        if key in known:
            same[layer.output] = known[key]
        else:
            known[key] = layer.output
            kept.append(layer)
    return kept, same.get(output, output)


#: What computes each value of a vector by itself, and so of a map of one position.
_VECTOR = ("Activation", "Dense", "ELU", "LeakyReLU", "ReLU", AFFINE)


def _excitations_as_maps(layers: list[Layer], output: int) -> list[Layer]:
    """Vectors that are pooled from a map and end as one of one position are such maps throughout;
    and a map of one position that is only made a vector is that at once."""
    count = uses(layers, output)
    place = {layer.output: position for position, layer in enumerate(layers)}
    layers = [*layers]
    for position, layer in enumerate(layers):
        if layer.kind != "Reshape":
            continue
        to_map = layer.shape[:2] == (1, 1) and len(layer.shape) == 3
        (source,), chain = layer.inputs, []
        while source in place and count[source] == 1:
            before = layers[place[source]]
            if not to_map or before.kind not in _VECTOR or len(before.shape) != 1:
                break
            chain.append(before)
            (source,) = before.inputs
        if source not in place or count[source] != 1:
            continue
        pooling = layers[place[source]]
        of_map = pooling.kind in ("GlobalAveragePooling", "GlobalMaxPooling")
        if not of_map or pooling.options["keepdims"] == to_map:
            continue
        if not to_map and len(layer.shape) != 1:
            continue
        shape = (1, 1, pooling.shape[-1]) if to_map else layer.shape
        layers[place[source]] = replace(pooling, shape=shape, options={"keepdims": to_map})
        for part in chain:
            layers[place[part.output]] = _on_a_map(part)
        # The Reshape is none any more.
        layers[position] = affine(layer, 1.0, 0.0)
    return layers


def _on_a_map(layer: Layer) -> Layer:
    shape = (1, 1, *layer.shape)
    if layer.kind != "Dense":
        return replace(layer, shape=shape)
    kernel, bias = layer.weights
    return replace(
        layer,
        kind="Convolution",
        shape=shape,
        weights=(kernel[None, None], bias),
        options=ONE_BY_ONE | {"filters": shape[-1], "groups": 1},
    )


def _activations_before_reshapes(layers: list[Layer], output: int) -> list[Layer]:
    """Where a Reshape stands between a layer and its activation, the activation comes first: the
    converter puts it there, in one of a network's files and not in another."""
    count = uses(layers, output)
    place = {layer.output: position for position, layer in enumerate(layers)}
    layers = [*layers]
    for position, layer in enumerate(layers):
        before = layers[place.get(layer.inputs[0], position)]
        elementwise = layer.kind in ("ReLU", "LeakyReLU")
        if elementwise and before.kind == "Reshape" and count[before.output] == 1:
            (source,), between = before.inputs, before.output
            shape = layers[place[source]].shape if source in place else None
            if shape:
                layers[place[between]] = replace(
                    layer, inputs=(source,), output=between, shape=shape
                )
                layers[position] = replace(before, inputs=(between,), output=layer.output)
    return layers


def _one_concatenation(layers: list[Layer], output: int) -> list[Layer]:
    """Concatenations that only another along the same axis reads are part of it."""
    count = uses(layers, output)
    joined: dict[int, tuple[int, ...]] = {}
    readers = {tensor: layer for layer in layers for tensor in layer.inputs}
    kept = []
    for layer in layers:
        if layer.kind == "Concatenate":
            inputs = [part for n in layer.inputs for part in joined.get(n, (n,))]
            layer = replace(layer, inputs=tuple(inputs))
            reader = readers.get(layer.output)
            if count[layer.output] == 1 and reader and _is_like(reader, layer):
                joined[layer.output] = layer.inputs
                continue
        kept.append(layer)
    return kept


def _with_names(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """The layers, no two of one name."""
    taken, named = set(), []
    for layer in layers:
        name = layer.name
        while name in taken:
            name += "_"
        taken.add(name)
        named.append(replace(layer, name=name))
    return tuple(named)


def _is_like(reader: Layer, layer: Layer) -> bool:
    return reader.kind == layer.kind and reader.options == layer.options
