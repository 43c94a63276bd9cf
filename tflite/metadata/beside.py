"""The JSON record beside a `.tflite` file, for people and other tools: all that its use
needs is in the file."""

from __future__ import annotations

import logging
from hashlib import sha256
from pathlib import Path

from keras_inception import records
from keras_inception.errors import BadInput

log = logging.getLogger(__name__)


#: Where the record of the file before stands, while a file is being replaced.
REPLACED = "replaced"


def path_of(path: str | Path) -> Path:
    """Where the record of the file at `path` is."""
    return Path(path).with_suffix(".json")


def record(path: str | Path, content: bytes) -> dict:
    """The record beside the file at `path`, whose bytes are `content`: its `sha256` is theirs.

    Nothing, with one warning that says why, where it is damaged or another file's.
    """
    try:
        return find(path, content)
    except BadInput as error:
        log.warning("%s is not used: %s", path_of(path), error)
        return {}


def find(path: str | Path, content: bytes) -> dict:
    """The same, nothing where there is none. Raises BadInput where it is damaged or another's."""
    beside = path_of(path)
    if not beside.exists():
        return {}
    try:
        found = records.read(beside)
    except BadInput as error:
        raise BadInput(f"it cannot be read ({error}); remove it") from error
    digest = sha256(content).hexdigest()
    for each in (found, found.pop(REPLACED, None) if isinstance(found, dict) else None):
        if isinstance(each, dict) and each.get("sha256") == digest:
            return each
    raise BadInput(
        f"its digest is not that of {Path(path).name}; if nobody changed that file, it is damaged: "
        "export it again"
    )
