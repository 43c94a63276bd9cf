"""A network as plain JSON values, and read back equal."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from inspect import isabstract

from . import nodes, spec
from .errors import BadInput

_CLASSES = {
    name: value
    for name, value in (vars(spec) | vars(nodes)).items()
    if is_dataclass(value) and not isabstract(value)
}
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
    """The network (or row) that `to_config` wrote down. Raises BadInput for an unknown class."""
    if isinstance(config, list):
        return tuple(from_config(item) for item in config)
    if not isinstance(config, dict):
        return config
    items = {key: from_config(value) for key, value in config.items()}
    word = items.pop("word", None)
    if word == "Network":
        items.pop("taps", None)  # written by releases that listed layers by stride
    try:
        return _CLASSES[_RENAMED.get(word, word)](**items)
    except (KeyError, TypeError) as error:
        raise BadInput(
            f"a network is written with the words {', '.join(sorted(_CLASSES))} and their fields; "
            f"got {word!r}: {error}"
        ) from None
