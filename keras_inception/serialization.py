"""A network as plain JSON values, and read back equal."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from inspect import isabstract
from itertools import repeat
from typing import get_args, get_origin, get_type_hints

from . import nodes, spec
from .errors import BadInput

_CLASSES = {
    name: value
    for name, value in (vars(spec) | vars(nodes)).items()
    if is_dataclass(value) and not isabstract(value)
}
#: No number of a network is as large: a kernel of so many filters would not fit a machine.
LARGEST = 1 << 20
#: What is a name to Keras on every backend, and to file systems.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
#: What earlier releases called classes, and still stands in their files.
_RENAMED = {"GridPool": "AdaptiveAvgPool", "Embedding": "Bottleneck"}


def to_config(value):
    """A network (or row) as dictionaries, lists, strings and numbers; `word` names its class."""
    if is_dataclass(value):
        items = {field.name: to_config(getattr(value, field.name)) for field in fields(value)}
        return {"word": type(value).__name__, **items}
    if isinstance(value, tuple):
        return [to_config(item) for item in value]
    return value


def from_config(config):
    """The network (or row) that `to_config` wrote down.

    Raises BadInput for an unknown class, for a field that it lacks or of another type, for integers
    outside of 0..LARGEST, and for names that are no names of layers.
    """
    if isinstance(config, list):
        return tuple(from_config(item) for item in config)
    if not isinstance(config, dict):
        return config
    items = {key: from_config(value) for key, value in config.items()}
    word = items.pop("word", None)
    if word == "Network":
        items.pop("taps", None)  # written by releases that listed layers by stride
    try:
        kind = _CLASSES[_RENAMED.get(word, word)]
        made = kind(**items)
    except (KeyError, TypeError) as error:
        raise BadInput(
            f"a network is written with the words {', '.join(sorted(_CLASSES))} and their fields; "
            f"got {word!r}: {error}"
        ) from None
    hints = get_type_hints(kind)
    for name in items:
        value = getattr(made, name)
        if not _is(value, hints[name]):
            raise BadInput(f"{name} of {word} must be {hints[name]}; got {value!r}")
    if not _NAME.fullmatch(getattr(made, "name", "a")):
        raise BadInput(f"{made.name!r} is not the name of a layer: letters, digits and _.-")
    return made


def _is(value, hint) -> bool:
    """Whether `value` is what `hint`, an annotation of a field, says, and bounded."""
    parts, origin = get_args(hint), get_origin(hint)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        kinds = repeat(parts[0]) if parts[-1] is ... else parts
        sized = parts[-1] is ... or len(parts) == len(value)
        return sized and all(_is(each, kind) for each, kind in zip(value, kinds, strict=False))
    if parts:
        return any(_is(value, part) for part in parts)
    if hint in (int, float):
        number = isinstance(value, int | hint) and not isinstance(value, bool)
        return number and 0 <= value <= LARGEST
    return isinstance(value, hint)
