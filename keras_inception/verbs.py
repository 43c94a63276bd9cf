"""What people do with a built model: cut heads off, tap features, freeze a part."""

from __future__ import annotations

from .build import MAIN, build
from .errors import BadInput
from .layers import default_keras
from .networks import FAMILY, member
from .spec import Network
from .transform import without_aux as network_without_aux
from .transform import without_top

STRIDES = (2, 4, 8, 16, 32)


def without_aux(model):
    """A model (or a Network) without its auxiliary heads.

    The model returned has one output and shares its layers with the one given, so its outputs
    are the same numbers as that one's first.
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
    return default_keras().Model(model.inputs, main, name=model.name)


def _layer(model, name: str):
    try:
        return model.get_layer(name)
    except ValueError:
        raise BadInput(
            f"{model.name} has no layer {name!r}; its rows are named as in keras_inception.networks"
        ) from None


def features(model, at=(8, 16, 32)):
    """A backbone for detection or segmentation: the model's maps at several depths.

    `model` is a model, or the name of a member of the family, built with random weights on its
    native input. `at` holds strides (2, 4, 8, 16, 32: the last map of that stride) or layer names.
    The model returned takes the same input, shares the layers, and gives a list of maps in the
    order of `at`, (batch, height, width, channels) each. Raises BadInput for what the model does
    not have.
    """
    if isinstance(model, str):
        model = build(without_top(member(model)))
    names = []
    for where in at:
        if where in STRIDES:
            net = next((n for n in FAMILY.values() if _has(model, n.taps)), None)
            if net is None:
                raise BadInput(f"the strides of {model.name} are not known; give layer names")
            names.append(net.taps[STRIDES.index(where)])
        elif isinstance(where, str):
            names.append(where)
        else:
            raise BadInput(f"at must hold layer names or strides of {STRIDES}; got {where!r}")
    outputs = [_activated(model, _layer(model, name)) for name in names]
    return default_keras().Model(model.inputs, outputs, name=f"{model.name}_features")


def _has(model, names) -> bool:
    layers = {layer.name for layer in model.layers}
    return layers.issuperset(names)


def _activated(model, layer):
    """A convolution's map is what its ReLU makes of it."""
    name = f"{layer.name}_relu"
    return (model.get_layer(name) if _has(model, [name]) else layer).output


def freeze(model, until: str) -> None:
    """Stop training every layer that the row `until` depends on, itself included.

    Frozen batch normalization uses its moving averages and leaves them as they are, also in
    `fit`. Compile the model afterwards. Raises BadInput if there is no such row.
    """
    output = _activated(model, _layer(model, until))
    for layer in default_keras().Model(model.inputs, output).layers:
        layer.trainable = False


def preprocess_input(pixels, weights: str, network: str | None = None):
    """Images as published weights expect them.

    `pixels` are RGB, 0..255, (..., channels), any dtype; `weights` is the tag of a preset, or
    "imagenet" with the name of a `network`. Gives float32 of the same shape. Raises BadInput
    for weights that are not known. Nothing is downloaded.
    """
    from .weights.presets import preset

    return preset(weights, network or weights.split(".")[0]).preprocessing(pixels)
