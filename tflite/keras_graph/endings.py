"""What a network ends in, brought to what its kind of output ends in."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.outputs import CLASSES, KINDS, LABELS, Kind

from .plain import WEIGHTED, Layer, PlainNetwork

log = logging.getLogger(__name__)

#: Layers that neither bound nor normalize what they give, so that it can be logits.
_LINEAR = (*WEIGHTED, "Add", "AveragePooling", "GlobalAveragePooling", "Reshape", "Scale")


def ended(network: PlainNetwork, kind: Kind | None = None) -> tuple[PlainNetwork, Kind]:
    """`network` ending as outputs of `kind` do, and the kind, which None leaves to its end: a
    softmax or several logits are of classes, one sigmoid is of two, several are of labels.

    One probability, or logit, p of two classes becomes both, by a softmax of -p/2 and p/2, which
    are the same numbers. Raises BadInput for ends that say nothing, and for those of other kinds.
    """
    if len(network.output_shape) != 1:
        raise BadInput(
            f"{network.name} gives {network.output_shape}; one number for each output is needed, "
            "(outputs,)"
        )
    last, (outputs,) = network.maker[network.output], network.output_shape
    end = last.options["activation"] if last.kind == "Activation" else last.kind
    end = "linear" if end in _LINEAR else end
    if kind is None:
        kind = _told_by(end, outputs)
    if kind is None:
        raise BadInput(
            f"{network.name} ends in {last.name} ({end}) with {outputs} outputs; say with --kind "
            f"what they are: {', '.join(KINDS)}"
        )
    if kind.ends == "linear" or (end == kind.ends and outputs > (kind is CLASSES)):
        return network, kind
    if kind is CLASSES and outputs == 1 and end in ("sigmoid", "linear"):
        log.info("%s gives one number for two classes: it becomes one for each", network.name)
        return _of_both(network, end), kind
    if end != "linear" or outputs < 2:
        raise BadInput(
            f"{network.name} ends in {last.name} ({end}) with {outputs} outputs; {kind.what}, need "
            f"a {kind.ends}, or the logits before it"
        )
    log.info("%s gives logits: a %s is added", network.name, kind.ends)
    return _followed(network, kind.ends), kind


def _told_by(end: str, outputs: int) -> Kind | None:
    if end == "sigmoid":
        return LABELS if outputs > 1 else CLASSES
    return CLASSES if end in ("softmax", "linear") and outputs > 1 else None


def _followed(network: PlainNetwork, activation: str) -> PlainNetwork:
    last = network.maker[network.output]
    made = Layer(
        "Activation",
        f"{last.name}_{activation}",
        (network.output,),
        1 + max(layer.output for layer in network.layers),
        last.shape,
        {"activation": activation},
    )
    return replace(network, layers=(*network.layers, made), output=made.output)


def _of_both(network: PlainNetwork, end: str) -> PlainNetwork:
    """One logit, whatever activation follows it, as two."""
    if end == "sigmoid":
        network = network.until(network.maker[network.output].inputs[0])
    last = network.maker[network.output]
    if last.kind == "Dense":
        kernel, bias = last.weights
        # Both halves train as the one did.
        both = np.concatenate([-kernel, kernel], axis=1) / 2, np.concatenate([-bias, bias]) / 2
        halved = np.asarray(last.factor, np.float32) / 2
        options = {**last.options, "units": 2}
        made = replace(last, shape=(2,), options=options, weights=both, factor=halved)
        network = network.with_layers({last.name: made})
    else:
        both = np.array([[-0.5, 0.5]], np.float32), np.zeros(2, np.float32)
        number = 1 + max(layer.output for layer in network.layers)
        name, inputs = f"{last.name}_of_both", (network.output,)
        made = Layer("Dense", name, inputs, number, (2,), {"units": 2}, both, trainable=False)
        network = replace(network, layers=(*network.layers, made), output=number)
    return _followed(network, "softmax")
