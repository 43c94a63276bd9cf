"""Where labelled images come from: a file for each kind of source."""

from __future__ import annotations

from pathlib import Path

from keras_inception.errors import BadInput

from ...recipes.recipe import DATA
from ..examples import Parts
from . import arrays, csv_file, folder, imagenet, packed, tfds
from .files import Listing, no_labels, parts_of

_IN_FILES = {
    "folder": folder.listing,
    "csv": csv_file.listing,
    "imagenet": imagenet.listing,
    "tfrecord": packed.read,
}
_NAMED = {"keras": arrays.of_keras, "tfds": tfds.of_tfds}


def find(source: str) -> Listing | Parts:
    """The files that `source` lists, whatever is wrong with them, or what other sources hold. Of
    two parts the second is the test part, whatever it is called."""
    found = _found(source)
    if isinstance(found, Listing):
        found.mistakes[:0] = no_labels(found.classes)
        found.test_the_second()
    elif wrong := no_labels(found[0].classes):
        raise BadInput(f"{source}: {wrong[0]}")
    return found


def _found(source: str) -> Listing | Parts:
    kind, _, what = source.partition(":")
    if kind in _IN_FILES and what:
        return _IN_FILES[kind](Path(what))
    if kind in _NAMED and what:
        return _NAMED[kind](what)
    if source == "digits":
        return arrays.digits()
    if source == "fashion_mnist":
        return arrays.of_keras(source)
    raise BadInput(f"data must be {DATA}; got {source!r}")


def read(source: str) -> Parts:
    """The parts of `source`, as far as it is split."""
    found = find(source)
    return parts_of(found) if isinstance(found, Listing) else found
