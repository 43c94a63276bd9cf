"""Other people's arrays as ours: every array used once, every weight filled."""

from __future__ import annotations

import numpy as np

from ..errors import BadInput
from ..spec import Network
from .keys import keys
from .names import NameMap, Source
from .store import some


def rename(arrays: dict[str, np.ndarray], net: Network, name_map: NameMap) -> dict[str, np.ndarray]:
    """The weights of `net` in our names and layouts, from the `arrays` of somebody's file.

    Raises BadInput if an array is missing, left over, of another shape, or not finite.
    """
    sources = name_map.names(net)
    needed = {source.key for source in sources.values()}
    missing = sorted(needed - arrays.keys())
    surplus = sorted(name_map.not_ignored(arrays.keys() - needed))
    unused = [f"{name} {arrays[name].shape}" for name in surplus]
    if missing or unused:
        raise BadInput(
            f"the file does not hold the weights of {net.name}: "
            f"not in the file: {some(missing)}; without a place: {some(unused)}"
        )
    shapes = {str(key): key.shape for key in keys(net)}
    return {
        key: _read(key, source, arrays[source.key], shapes[key]) for key, source in sources.items()
    }


def _read(key: str, source: Source, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    misfit = BadInput(f"{source.key} has the shape {array.shape}, which cannot be {key} of {shape}")
    try:
        found = source.read(array)
    except (ValueError, IndexError) as error:
        raise misfit from error
    if found.shape != shape:
        raise misfit
    if not np.isfinite(found).all():
        raise BadInput(f"{source.key} holds NaN or infinity; get the file again, or train anew")
    return found
