"""Weights by name: the same keys in Keras 3 and tf_keras, on every backend."""

from __future__ import annotations

import numpy as np

from ..errors import BadInput


def variables(model) -> dict[str, object]:
    """`layer/variable` -> variable for every weight of `model`, random-number states left out."""
    named = {}
    for layer in model.layers:
        for variable in layer.weights:
            # tf_keras names carry the path and end in ":0"; Keras 3 names are bare.
            key = f"{layer.name}/{variable.name.split('/')[-1].removesuffix(':0')}"
            if key.endswith("/seed_generator_state"):
                continue
            if key in named:
                raise BadInput(f"two weights of {model.name} share the name {key}")
            named[key] = variable
    return named


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


def some(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(names[:limit]) or "none") + more
