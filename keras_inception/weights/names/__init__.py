"""Where other people keep each weight of ours: one small map per project, with its quirks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ...spec import Network
from . import caffe, keras_applications, osmr, pytorch, slim, timm, torchvision
from .sources import Source, mapped


@dataclass(frozen=True)
class NameMap:
    """What a project calls its arrays: `names` gives the source of every weight of a network, by
    our name; `ignored` are regular expressions of arrays that hold no weight; `classifiers` are
    PyTorch's modules that people put a Sequential in the place of."""

    names: Callable[[Network], dict[str, Source]]
    ignored: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()

    def not_ignored(self, names: Iterable[str]) -> list[str]:
        return [n for n in names if not any(re.search(each, n) for each in self.ignored)]


def _native(net: Network) -> dict[str, Source]:
    return mapped(net, lambda key, *_: Source(str(key)))


def _numbered(names: Callable[[Network], dict[str, Source]]):
    """The same as Keras 3 saves weights: a variable by its number in the layer."""

    def of(net: Network) -> dict[str, Source]:
        counts, found = Counter(), {}
        for key, source in names(net).items():
            layer = source.key.rpartition("/")[0]
            found[key] = Source(f"{layer}/{counts[layer]}", source.read)
            counts[layer] += 1
        return found

    return of


NAME_MAPS = {
    "caffe": NameMap(caffe.names),
    "caffe_arrays": NameMap(caffe.array_names),
    "keras_applications": NameMap(keras_applications.names),
    "keras_numbers": NameMap(_numbered(keras_applications.names)),
    "native": NameMap(_native),
    "native_numbers": NameMap(_numbered(_native)),
    "osmr": NameMap(osmr.names),
    "slim": NameMap(slim.names, slim.IGNORED),
    "timm": NameMap(timm.names, pytorch.IGNORED, timm.CLASSIFIERS),
    "torchvision": NameMap(torchvision.names, pytorch.IGNORED, torchvision.CLASSIFIERS),
}
