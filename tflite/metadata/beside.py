"""The JSON record beside a `.tflite` file, for people and other tools: all that its use
needs is in the file."""

from __future__ import annotations

import logging
from hashlib import sha256
from pathlib import Path

from keras_inception import records
from keras_inception.errors import BadInput

log = logging.getLogger(__name__)


def path_of(path: str | Path) -> Path:
    """Where the record of the file at `path` is."""
    return Path(path).with_suffix(".json")


def record(path: str | Path, content: bytes) -> dict:
    """The record beside the file at `path`, whose bytes are `content`: its `sha256` is theirs, or
    they are what it `replaces`, the same network before something was written into its metadata.

    Nothing, with one warning that says why, where it is damaged or another file's.
    """
    beside = path_of(path)
    if not beside.exists():
        return {}
    try:
        found = records.read(beside)
        if not isinstance(found, dict) or not isinstance(found.get("sha256"), str):
            raise BadInput("it has no sha256 of a file")
    except BadInput as error:
        log.warning("%s cannot be read, and is not used: %s; remove it", beside, error)
        return {}
    if sha256(content).hexdigest() not in (found["sha256"], found.get("replaces")):
        log.warning(
            "%s is not used: its digest is not that of %s; if nobody changed that file, it is "
            "damaged: export it again",
            beside,
            Path(path).name,
        )
        return {}
    return found
