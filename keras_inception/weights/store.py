"""Weights by name: the same keys in Keras 3 and tf_keras, on every backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import BadInput


def variables(model) -> dict[str, object]:
    """`layer/variable` -> variable for every weight of `model`, random-number states left out;
    `model/layer/variable` in a model within the model."""
    named = {}
    for path, layer in _layers(model):
        for variable in layer.weights:
            # tf_keras names carry the path and end in ":0"; Keras 3 names are bare.
            name = variable.name.split("/")[-1].removesuffix(":0")
            if type(layer).__name__ == "DepthwiseConv2D":
                # tf_keras calls "depthwise_kernel" what Keras 3 calls "kernel".
                name = name.removeprefix("depthwise_")
            key = f"{path}/{name}"
            if key.endswith("/seed_generator_state"):
                continue
            if key in named:
                raise BadInput(f"two weights of {model.name} share the name {key}")
            named[key] = variable
    return named


def _layers(model) -> Iterator[tuple[str, Any]]:
    """The layers of a model and of those in it, each with its name, after its model's."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from (
                (f"{layer.name}/{path.split('/')[-1]}", each) for path, each in _layers(layer)
            )
        else:
            yield layer.name, layer


def by_number(model) -> dict[str, str]:
    """`layer/0`, `layer/1`, …, as Keras saves weights -> the keys of `variables`."""
    counts, found = Counter(), {}
    for key in variables(model):
        layer = key.rpartition("/")[0]
        found[f"{layer}/{counts[layer]}"] = key
        counts[layer] += 1
    return found


def read(model) -> dict[str, np.ndarray]:
    """`layer/variable` -> array for every weight of `model`."""
    return {name: np.array(variable.numpy()) for name, variable in variables(model).items()}


def write(model, arrays: dict[str, np.ndarray], partial: bool = False) -> None:
    """Fill the weights of `model` from `arrays`; `partial` lets arrays without a place be.

    Raises BadInput, before anything is changed, if a weight has no array, an array no weight, or
    the shapes differ.
    """
    targets = variables(model)
    missing = sorted(targets.keys() - arrays.keys())
    unused = [] if partial else sorted(arrays.keys() - targets.keys())
    if missing or unused:
        raise BadInput(
            f"the weights do not fit {model.name}: "
            f"without a value: {some(missing)}; without a place: {some(unused)}"
        )
    for key, target in targets.items():
        if tuple(target.shape) != arrays[key].shape:
            raise BadInput(
                f"the weights do not fit {model.name}: {key} is {tuple(target.shape)}, "
                f"its value is {arrays[key].shape}"
            )
    for key, target in targets.items():
        target.assign(arrays[key])


def require_finite(model) -> None:
    """Raise BadInput, which names it, if a weight of `model` is not finite throughout."""
    for variable in model.weights:
        if not np.isfinite(np.asarray(variable.numpy(), np.float32)).all():
            name = getattr(variable, "path", variable.name)
            raise BadInput(f"its weight {name} holds NaN or infinity; get it again, or train anew")


def some(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(names[:limit]) or "none") + more
