"""Multiplication and addition of constants, taken into the linear layers before them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from keras_inception.errors import BadInput

#: Linear layers with weights, which constants can go into.
_WEIGHTED = ("Conv2D", "Dense", "DepthwiseConv2D", "SeparableConv2D")


@dataclass(frozen=True)
class Step:
    """A layer to be made: its class's name, arguments, weights, and the numbers of its tensors.

    The kind "Affine" stands for x * scale + offset, its two weights, and is always folded.
    """

    kind: str
    name: str
    inputs: tuple[int, ...]
    output: int
    rank: int
    config: dict = field(default_factory=dict)
    weights: list[np.ndarray] = field(default_factory=list)


def folded(steps: list[Step], output: int) -> tuple[list[Step], int]:
    """The steps with each constant taken into the linear layer before it.

    tensorflow-model-optimization refuses the layer that scales a residual; the projection before it
    is linear and takes it on. After a layer that is not, it becomes a depthwise convolution.
    """
    uses = Counter([n for step in steps for n in step.inputs] + [output])
    made: dict[int, Step] = {}
    renamed: dict[int, int] = {}
    for step in steps:
        step = replace(step, inputs=tuple(renamed.get(n, n) for n in step.inputs))
        if step.kind == "BatchNormalization" and step.rank == 4 and step.config["axis"] in (-1, 3):
            before = made.get(step.inputs[0])
            if not before or before.kind not in _WEIGHTED or uses[before.output] > 1:
                step = replace(step, kind="Affine", weights=_constants(step))
        if step.kind != "Affine":
            made[step.output] = step
            continue
        (source,) = step.inputs
        scale, offset = step.weights
        if np.all(scale == 1) and not np.any(offset):
            renamed[step.output] = source
            uses[source] += uses[step.output] - 1
        elif (
            source in made and uses[source] == 1 and (taken := _scaled(made[source], *step.weights))
        ):
            made[source] = taken
            renamed[step.output] = source
            uses[source] = uses[step.output]
        else:
            made[step.output] = _depthwise(step)
    return [*made.values()], renamed.get(output, output)


def _constants(step: Step) -> list[np.ndarray]:
    """Scale and offset of a batch normalization, which has no layer before it to be folded into."""
    *learned, mean, variance = step.weights
    gamma = learned.pop(0) if step.config["scale"] else np.float32(1)
    beta = learned.pop() if step.config["center"] else np.float32(0)
    scale = gamma / np.sqrt(variance + np.float32(step.config["epsilon"]))
    return [scale, beta - mean * scale]


def _scaled(step: Step, scale, offset) -> Step | None:
    """The step with its output times `scale`, plus `offset`; None if it cannot give that."""
    config, weights = step.config, list(step.weights)
    if step.kind == "BatchNormalization":
        if not (config["scale"] and config["center"]):
            return None
        gamma, beta, *statistics = weights
        return replace(step, weights=[gamma * scale, beta * scale + offset, *statistics])
    if step.kind not in _WEIGHTED:
        return None
    bias = weights.pop() * scale if config["use_bias"] else np.zeros(1, np.float32)
    kernel = weights[-1]
    per_output = scale
    if step.kind == "DepthwiseConv2D" and np.size(scale) > 1:
        per_output = scale.reshape(kernel.shape[2:])
    weights[-1] = kernel * per_output
    if config["use_bias"] or np.any(offset):
        outputs = kernel.shape[-1] * (kernel.shape[2] if step.kind == "DepthwiseConv2D" else 1)
        weights.append(np.broadcast_to(bias + offset, outputs).astype(np.float32))
        config = {**config, "use_bias": True}
    return replace(step, config=config, weights=weights)


def _depthwise(step: Step) -> Step:
    if step.rank != 4:
        raise BadInput(
            f"{step.name} multiplies or shifts a vector after a layer that is not linear, which "
            "8 bits have no layer for; take the constants into the layer after it"
        )
    scale, offset = step.weights
    return replace(
        step,
        kind="DepthwiseConv2D",
        config={"kernel_size": 1, "use_bias": True},
        weights=[np.float32(scale).reshape(1, 1, -1, 1), np.float32(offset)],
    )
