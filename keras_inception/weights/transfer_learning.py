"""Weights of one network as the start of another: what fits is taken, and all of it is reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import BadInput
from .store import variables


@dataclass(frozen=True)
class Reuse:
    """Names of weights: taken as they were, adapted to other input channels, new (they keep
    their initial values), and not used."""

    taken: tuple[str, ...]
    adapted: tuple[str, ...]
    new: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self):
        kinds = {"adapted": self.adapted, "new": self.new, "not used": self.unused}
        named = [f"{kind}: {', '.join(_layers(names))}" for kind, names in kinds.items() if names]
        return "; ".join([f"{len(self.taken)} weights taken as they were", *named])


def _layers(keys: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(key.rpartition("/")[0] for key in keys))


def reuse(model, arrays: dict[str, np.ndarray], origin: str) -> Reuse:
    """Fill every weight of `model` that `arrays` (by `layer/variable`) have in the same shape.

    A first kernel for other input channels is adapted, as `with_channels` says. Raises BadInput,
    and changes nothing, if less than half of the model's weights are among those of `origin`.
    """
    taken, adapted, new = {}, {}, []
    targets = variables(model)
    for key, variable in targets.items():
        array, shape = arrays.get(key), tuple(variable.shape)
        if array is not None and array.shape == shape:
            taken[key] = array
        elif array is not None and _other_channels(array.shape, shape):
            adapted[key] = with_channels(array, shape[2])
        else:
            new.append(key)
    unused = sorted(arrays.keys() - taken.keys() - adapted.keys())
    used = Reuse(tuple(taken), tuple(adapted), tuple(new), tuple(unused))
    if len(taken) < len(new):
        raise BadInput(
            f"{model.name} has little in common with {origin}: {used}; leave its shape as published"
        )
    for key, array in (taken | adapted).items():
        targets[key].assign(array)
    return used


def _other_channels(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether two kernels differ in the channels of an image only."""
    without = [shape[:2] + shape[3:] for shape in (old, new)]
    return len(old) == len(new) == 4 and without[0] == without[1] and old[2] in (1, 3)


def with_channels(kernel: np.ndarray, channels: int) -> np.ndarray:
    """A kernel of (height, width, 1 or 3, filters) for images of `channels`.

    For one channel the sum over the three, which sees a grey image as the kernel saw it in RGB;
    for others, those that there are in turn, times their number / channels, as timm does. Raises
    BadInput for a kernel of other channels, whose meaning is not known.
    """
    if kernel.shape[2] not in (1, 3):
        raise BadInput(
            f"the first kernel is for {kernel.shape[2]} channels, and is not made one for "
            f"{channels}: give images of {kernel.shape[2]} channels"
        )
    if channels == 1:
        return kernel.sum(axis=2, keepdims=True)
    turns = kernel[:, :, np.arange(channels) % kernel.shape[2]]
    return turns * (kernel.shape[2] / channels)
