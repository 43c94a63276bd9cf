"""Metadata out of the bytes of a `.tflite` file, whoever wrote it."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

from . import labels as names
from . import schema, tables
from .record import TEXTS, Metadata

# Bytes of a file of labels; more is a trap.
LARGEST = 16 << 20


def read(content: bytes, name: str | Path = "the file") -> Metadata | None:
    """What the bytes of the file `name` say of themselves; None if they have no metadata.

    Reads what other writers wrote too. Raises BadInput for metadata that are damaged.
    """
    try:
        found = _find(content)
        return None if found is None else _understand(found, content)
    except BadInput as error:
        raise BadInput(f"the metadata of {name} cannot be read: {error}") from error
    except Exception as error:
        # What zipfile, zlib and json raise on damaged bytes, none of them says.
        raise BadInput(f"the metadata of {name} are damaged ({error}); export it again") from error


def _find(content: bytes) -> tables.Table | None:
    file = tables.Table(content, schema.File)
    for entry in file.tables("metadata", schema.Entry):
        if entry.data("name") == schema.NAME.encode():
            number = entry.number("buffer", "<I", 0)
            buffers = list(file.tables("buffers", schema.Buffer))
            if number >= len(buffers):
                raise BadInput("they are in a buffer that is not there; get the file again")
            data = buffers[number].data("data")
            if data[4:8] != schema.IDENTIFIER:
                raise BadInput(f"they lack the mark {schema.IDENTIFIER.decode()}")
            return tables.Table(data, schema.Model)
    return None


def _understand(model: tables.Table, content: bytes) -> Metadata:
    graph = next(model.tables("subgraphs", schema.SubGraph), None)
    image = graph and next(graph.tables("inputs", schema.Tensor), None)
    scores = graph and next(graph.tables("outputs", schema.Tensor), None)
    found = dict(_label_files(scores, content)) if scores else {}
    threshold = None
    if options := _unit(scores, schema.THRESHOLDING, schema.Thresholding):
        # What was meant by 32 bits of it: 0.03, not 0.029999999329447746.
        threshold = float(f"{options.number('threshold', '<f', 0.0):.7g}")
    return Metadata(
        preprocessing=_preprocessing(graph, image),
        labels=found.pop("", ()),
        localized=found,
        threshold=threshold,
        **{name: model.string(name) for name in TEXTS},
    )


def _unit(tensor: tables.Table | None, kind: int, options: type[tuple]) -> tables.Table | None:
    for unit in tensor.tables("process_units", schema.Unit) if tensor else ():
        if unit.number("kind") == kind:
            return unit.table("options", options)
    return None


def _preprocessing(graph: tables.Table | None, image: tables.Table | None) -> Preprocessing:
    for custom in graph.tables("custom", schema.Custom) if graph else ():
        if custom.data("name") == schema.OURS.encode():
            found = Preprocessing(**json.loads(custom.data("data")))
            if not np.isfinite(found.range).all():
                raise BadInput("their preprocessing is not a number; get the file again")
            return found
    options = _unit(image, schema.NORMALIZATION, schema.Normalization)
    if options is None:
        return Preprocessing().raw
    mean, std = options.floats("mean"), options.floats("std")
    one = len(mean) == len(std) == 1
    return Preprocessing(*(mean + std if one else (mean, std)))


def _label_files(scores: tables.Table, content: bytes):
    """(locale, labels) of each file of labels that the output has."""
    listed = [
        (entry.string("locale"), entry.string("name"))
        for entry in scores.tables("files", schema.AssociatedFile)
        if entry.number("kind") == schema.TENSOR_AXIS_LABELS
    ]
    if not listed:
        return
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for locale, name in listed:
            if archive.getinfo(name).file_size > LARGEST:
                raise BadInput(f"its {name} unfolds to more than {LARGEST} bytes")
            yield locale, names.decode(archive.read(name), f"its {name}")
