"""A network written down as plain JSON values, and read back equal."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from inspect import isabstract

from . import nodes, spec
from .errors import BadInput

_WORDS = {
    word.__name__: word
    for word in (vars(spec) | vars(nodes)).values()
    if is_dataclass(word) and not isabstract(word)
}


def to_record(value):
    """A network (or row) as dictionaries, lists, strings and numbers; `word` names its class."""
    if is_dataclass(value):
        items = {field.name: to_record(getattr(value, field.name)) for field in fields(value)}
        return {"word": type(value).__name__, **items}
    if isinstance(value, tuple):
        return [to_record(item) for item in value]
    return value


def from_record(record):
    """The network (or row) that `to_record` wrote down. Raises BadInput for an unknown word."""
    if isinstance(record, list):
        return tuple(from_record(item) for item in record)
    if not isinstance(record, dict):
        return record
    items = {key: from_record(value) for key, value in record.items()}
    word = items.pop("word", None)
    if word == "Network":
        items.pop("taps", None)  # written by releases that listed layers by stride
    try:
        return _WORDS[word](**items)
    except (KeyError, TypeError) as error:
        raise BadInput(
            f"a network is written with the words {', '.join(sorted(_WORDS))} and their fields; "
            f"got {word!r}: {error}"
        ) from None
