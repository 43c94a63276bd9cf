"""Where other people keep each weight of ours: one small map per project, with its quirks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ...spec import Network
from . import caffe, keras_applications, osmr, pytorch, slim, timm, torchvision
from .sources import Source, mapped


@dataclass(frozen=True)
class NameMap:
    """What a project calls its arrays: `names` gives the source of every weight of a network, by
    our name; `ignored` are regular expressions of arrays that hold no weight."""

    names: Callable[[Network], dict[str, Source]]
    ignored: tuple[str, ...] = ()

    def not_ignored(self, names: Iterable[str]) -> list[str]:
        return [n for n in names if not any(re.search(each, n) for each in self.ignored)]


NAME_MAPS = {
    "caffe": NameMap(caffe.names),
    "caffe_arrays": NameMap(caffe.array_names),
    "keras_applications": NameMap(keras_applications.names),
    "native": NameMap(lambda net: mapped(net, lambda key, *_: Source(str(key)))),
    "osmr": NameMap(osmr.names),
    "slim": NameMap(slim.names, slim.IGNORED),
    "timm": NameMap(timm.names, pytorch.IGNORED),
    "torchvision": NameMap(torchvision.names, pytorch.IGNORED),
}
