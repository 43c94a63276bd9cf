"""Whose the arrays of a file are: of which network, under whose names, and what else is there."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ..errors import BadInput
from ..networks import FAMILY
from ..nodes import Classifier
from ..spec import Network
from ..transform import without_aux, without_top
from ..variants import VARIANTS
from .keys import keys
from .names import NAME_MAPS, NameMap, Source
from .presets import PRESETS
from .rename import rename
from .store import some

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recognized:
    """Weights under our names: of `net` and all its heads, or of its trunk alone."""

    net: Network
    names: str
    arrays: dict[str, np.ndarray]


def recognize(
    arrays: dict[str, np.ndarray], origin: str, network: str | None, built: Network | None
) -> Recognized:
    """What `arrays`, of the file `origin`, are the weights of.

    network: the member of the family, if it is known. built: a network that may have been saved
    under our own names.

    What wrappers put in front of all names is taken off. A network whose classifier is another is
    taken for its trunk; its heads are left out where their classes are not the network's. All of
    this is logged. Raises BadInput where nothing fits: an array is missing, or has no place.
    """
    held = {prefix: _under(prefix, arrays) for prefix in _prefixes(arrays)}
    best = min(_candidates(held, network, built), key=lambda each: each.distance)
    name_map, net, inside = NAME_MAPS[best.names], best.net, held[best.prefix]
    if best.prefix:
        log.info("%s: %r is taken off the names of its arrays", origin, best.prefix)
        _say_left_out(origin, arrays.keys() - {best.prefix + name for name in inside})
    given, inside = inside, _plain_heads(inside, name_map, net)
    if inside.keys() != given.keys():
        log.info("%s: %s is taken for its classifier", origin, some(sorted(given.keys() - inside)))
    if best.trunk:
        beside = _beside(set(name_map.not_ignored(inside)), best.named)
        _say_left_out(origin, beside)
        inside = {name: array for name, array in inside.items() if name not in beside}
    else:
        sizes = _classes(net, name_map, inside)
        net = replace(net, classes=sizes.get(net.top[-1].name, net.classes))
        if any(classes != net.classes for classes in sizes.values()):
            heads = _keys_of(net, best.names) - _keys_of(net := without_aux(net), best.names)
            _say_left_out(origin, heads)
            inside = {name: array for name, array in inside.items() if name not in heads}
    net = _with_channels(net, name_map, inside)
    part = without_top(net) if best.trunk else net
    try:
        renamed = rename(inside, part, name_map)
    except BadInput as error:
        if built is None and (ours := _of_ours(arrays)):
            raise BadInput(
                f"{origin} calls its layers as {ours} has them here, and does not say which form "
                "of it: evaluate, predict and export take a .keras file of it; make one of weights "
                "by building it in Python with weights= and the arguments that it had, and .save"
            ) from error
        raise BadInput(f"{origin} cannot be read into a network: {error}") from error
    return Recognized(net, best.names, renamed)


def _of_ours(arrays: Iterable[str]) -> str | None:
    """The member of the family whose layers most of the arrays are of, by our names."""
    held = {name.rpartition("/")[0] for name in arrays}
    for name, net in FAMILY.items():
        if 2 * len(held & {key.layer for key in keys(net)}) > len(held):
            return name
    return None


def has_classifier(net: Network, arrays: Iterable[str]) -> bool:
    """Whether `arrays`, under our names, are of the network and not of its trunk alone."""
    return _ends_in_classifier(net) and f"{net.top[-1].name}/kernel" in arrays


@dataclass(frozen=True)
class _Candidate:
    """How many names a network is apart from those under a prefix; of which `named` are its own."""

    distance: int
    prefix: str
    net: Network
    names: str
    trunk: bool
    named: frozenset[str]


def _candidates(held, network: str | None, built: Network | None) -> Iterator[_Candidate]:
    rows = [(preset.net, preset.names) for preset in PRESETS.values()]
    rows += [(net, "keras_numbers") for net, names in rows if names == "keras_applications"]
    rows.append((VARIANTS["googlenet.caffe"], "caffe_arrays"))
    rows.append((VARIANTS["inception_resnet_v1.osmr"], "osmr"))
    rows = [row for row in rows if network in (None, row[0].name)]
    if built is not None:
        rows += [(built, "native"), (built, "native_numbers")]
    total = len(held[""])
    for whole, names in rows:
        name_map = NAME_MAPS[names]
        for net in dict.fromkeys((whole, without_aux(whole))):
            parts = {False: net} if _ends_in_classifier(net) else {}
            if not net.heads:
                parts[True] = without_top(net)
            for trunk, part in parts.items():
                named = _keys_of(part, names)
                for prefix, arrays in held.items():
                    found = set(name_map.not_ignored(_plain_heads(arrays, name_map, net)))
                    distance = len(named ^ found) + total - len(arrays)
                    yield _Candidate(distance, prefix, net, names, trunk, named)


def _ends_in_classifier(net: Network) -> bool:
    return bool(net.top) and isinstance(net.top[-1], Classifier)


def _prefixes(names: Iterable[str]) -> list[str]:
    """What most names begin with, up to a dot or a slash: the shortest first, none before all."""
    names = list(names)
    counted = Counter(name[: end.end()] for name in names for end in re.finditer(r"[./]", name))
    return ["", *sorted(prefix for prefix, n in counted.items() if 2 * n > len(names))]


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


@cache
def _keys_of(net: Network, names: str) -> frozenset[str]:
    return frozenset(source.key for source in NAME_MAPS[names].names(net).values())


def _classes(net: Network, name_map: NameMap, arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """How many classes the kernels of the network's classifiers are for."""
    found = {}
    for key in keys(net):
        if isinstance(key.row, Classifier) and key.variable == "kernel":
            kernel = _read(name_map.names(net)[str(key)], arrays)
            if kernel is not None:
                found[key.row.name] = kernel.shape[-1]
    return found


def _read(source: Source, arrays: dict[str, np.ndarray]) -> np.ndarray | None:
    """The array in our layout; None where it is not there or has another one, as `rename` says."""
    try:
        return source.read(arrays[source.key])
    except (KeyError, ValueError, IndexError):
        return None


def _plain_heads(
    arrays: dict[str, np.ndarray], name_map: NameMap, net: Network
) -> dict[str, np.ndarray]:
    """A classifier that is a PyTorch Sequential of one layer with weights, as that layer."""
    for module in name_map.classifiers:
        inner = {name for name in arrays if re.match(rf"{re.escape(module)}\.\d+\.", name)}
        layers = {name.rpartition(".")[0] for name in inner}
        if len(layers) == 1 and len(inner) == 2:
            (layer,) = layers
            arrays = {
                name.replace(f"{layer}.", f"{module}.") if name in inner else name: array
                for name, array in arrays.items()
            }
    return arrays


def _beside(found: set[str], named: frozenset[str]) -> set[str]:
    """The arrays that are not in the trunk's blocks and layers: of another network's head."""
    first = re.compile(r"[^./]*")
    blocks = {first.match(name).group() for name in named}
    return {name for name in found - named if first.match(name).group() not in blocks}


def _say_left_out(origin: str, names: Iterable[str]) -> None:
    names = sorted(names)
    if names:
        log.warning("%s: left out: %s (%d arrays)", origin, some(names), len(names))


def _with_channels(net: Network, name_map: NameMap, arrays: dict[str, np.ndarray]) -> Network:
    """The network for images of as many channels as its first kernel has, if that is one."""
    first = keys(net)[0]
    kernel = _read(name_map.names(net)[str(first)], arrays)
    if kernel is None or kernel.ndim != 4:
        return net
    return replace(net, input_shape=(*net.input_shape[:2], kernel.shape[2]))
