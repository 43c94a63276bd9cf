"""A `.tflite` file with its metadata, and what stands beside it: labels and a JSON record."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Unpack

from keras_inception import records
from keras_inception.class_matching import listed, reordered
from keras_inception.errors import BadInput
from keras_inception.files import write_bytes, write_json
from keras_inception.locks import alone
from keras_inception.preprocess import Preprocessing, Unsaid

from ..file import guard
from ..file.content import read_bytes
from ..file.interpreter import File
from . import beside
from .input_pixels import expected_by
from .reading import read
from .record import Metadata, Said

log = logging.getLogger(__name__)

#: Who holds it writes a file and what is beside it.
LOCK = ".saving.lock"


def save(path: Path, content: bytes, metadata: Metadata, record: dict) -> None:
    """Write the file, whose bytes have `metadata` in them, its labels as `NAME.labels.txt`, and a
    JSON: `record`, with the digest of the file and a copy of what the file says of itself.
    """
    with alone(path.parent / LOCK):
        _write(path, content, metadata, record)


def _write(path: Path, content: bytes, metadata: Metadata, record: dict) -> None:
    said, replaced = asdict(metadata), {}
    written = {
        **record,
        "classes": said.pop("labels"),
        "preprocessing": said.pop("preprocessing"),
        "sha256": sha256(content).hexdigest(),
        "metadata": said,
    }
    with suppress(BadInput):
        replaced = beside.find(path, path.read_bytes()) if path.is_file() else {}
    if replaced:  # Whichever of the two files is there, its record is.
        write_json(beside.path_of(path), {**written, beside.REPLACED: replaced})
    write_bytes(path, content)
    write_json(beside.path_of(path), written)
    for name, lines in metadata.files.items():
        write_bytes(path.with_suffix(f".{name}"), lines)


def describe(
    path: str | Path, mean: float | None = None, std: float | None = None, **said: Unpack[Said]
) -> Metadata:
    """What a file says of itself, after writing what is `said` into it.

    Raises BadInput for labels or a threshold that do not fit, for a damaged file, and for one that
    does not say what it expects of its pixels: then give `mean` and `std`.
    """
    path = Path(path)
    if (mean is None) != (std is None):
        raise BadInput("give --mean and --std together")
    if not said and mean is None:
        return read(read_bytes(path), path) or Metadata(preprocessing=None)
    if not path.is_file():
        read_bytes(path)  # It says what is missing, before anything is written.
    with alone(path.parent / LOCK):
        return _with(path, mean, std, said)


def _with(path: Path, mean: float | None, std: float | None, said: Said) -> Metadata:
    content = read_bytes(path)
    known = read(content, path)
    saying = (known or Metadata()).saying(**said)
    if mean is not None and std is not None:
        expected = Preprocessing(mean, std)
    elif known and known.preprocessing:
        expected = known.preprocessing
    else:
        try:
            expected = expected_by(File(path), path)
        except Unsaid:
            raise BadInput(
                f"{path} does not say what it expects of its pixels; give --mean and --std: input "
                "= (pixel - mean) / std, before its scale and zero point"
            ) from None
    if known and reordered(saying.labels, known.labels):
        log.warning(
            "%s named its outputs in another order: %s; it now says %s",
            path,
            listed(known.labels),
            listed(saying.labels),
        )
    metadata = replace(saying, preprocessing=expected)
    embedded = _embedded(str(path), content, metadata)
    _write(path, embedded, metadata, beside.record(path, content))
    return metadata


def _embedded(name: str, content: bytes, metadata: Metadata) -> bytes:
    """`content` with this metadata: taken apart and put together in a child, where it runs too."""
    process = guard.Process(name, len(content), f"{__package__}.writing")
    opened = guard.Guarded(process, content)
    opened.seconds(1)
    for scores in opened.outputs[:1]:
        metadata.check(scores.shape[-1] if scores.shape else 1)
    sizes = range(3 * len(content) + 4 * records.LARGEST)
    return process.call("embed", content, sizes=sizes, metadata=asdict(metadata))[1]
