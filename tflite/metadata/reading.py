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
from .record import Metadata

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
    model = tables.Table.root(content)
    for entry in model.tables(schema.File.METADATA):
        if entry.data(schema.File.METADATA_NAME) == schema.NAME.encode():
            number = entry.number(schema.File.METADATA_BUFFER, "<I", 0)
            buffers = list(model.tables(schema.File.BUFFERS))
            if number >= len(buffers):
                raise BadInput("they are in a buffer that is not there; get the file again")
            data = buffers[number].data(schema.File.BUFFER_DATA)
            if data[4:8] != schema.IDENTIFIER:
                raise BadInput(f"they lack the mark {schema.IDENTIFIER.decode()}")
            return tables.Table.root(data)
    return None


def _understand(model: tables.Table, content: bytes) -> Metadata:
    graph = next(model.tables(schema.Model.SUBGRAPHS), None)
    image = graph and next(graph.tables(schema.SubGraph.INPUTS), None)
    scores = graph and next(graph.tables(schema.SubGraph.OUTPUTS), None)
    found = dict(_label_files(scores, content)) if scores else {}
    threshold = None
    if options := _unit(scores, schema.Unit.THRESHOLDING):
        # What was meant by 32 bits of it: 0.03, not 0.029999999329447746.
        threshold = float(f"{options.number(schema.THRESHOLD, '<f', 0.0):.7g}")
    return Metadata(
        model.string(schema.Model.NAME),
        model.string(schema.Model.DESCRIPTION),
        model.string(schema.Model.VERSION),
        model.string(schema.Model.AUTHOR),
        model.string(schema.Model.LICENSE),
        _preprocessing(graph, image),
        found.pop("", ()),
        found,
        threshold,
    )


def _unit(tensor: tables.Table | None, kind: int) -> tables.Table | None:
    for unit in tensor.tables(schema.Tensor.PROCESS_UNITS) if tensor else ():
        if unit.number(schema.Unit.KIND) == kind:
            return unit.table(schema.Unit.OPTIONS)
    return None


def _preprocessing(graph: tables.Table | None, image: tables.Table | None) -> Preprocessing:
    for custom in graph.tables(schema.SubGraph.CUSTOM) if graph else ():
        if custom.data(schema.Custom.NAME) == schema.OURS.encode():
            found = Preprocessing(**json.loads(custom.data(schema.Custom.DATA)))
            if not np.isfinite(found.range).all():
                raise BadInput("their preprocessing is not a number; get the file again")
            return found
    options = _unit(image, schema.Unit.NORMALIZATION)
    if options is None:
        return Preprocessing().raw
    mean = options.numbers(schema.Normalization.MEAN)
    std = options.numbers(schema.Normalization.STD)
    one = len(mean) == len(std) == 1
    return Preprocessing(*(mean + std if one else (mean, std)))


def _label_files(scores: tables.Table, content: bytes):
    """(locale, labels) of each file of labels that the output has."""
    listed = [
        (entry.string(schema.AssociatedFile.LOCALE), entry.string(schema.AssociatedFile.NAME))
        for entry in scores.tables(schema.Tensor.FILES)
        if entry.number(schema.AssociatedFile.KIND) == schema.AssociatedFile.TENSOR_AXIS_LABELS
    ]
    if not listed:
        return
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for locale, name in listed:
            if archive.getinfo(name).file_size > LARGEST:
                raise BadInput(f"its {name} unfolds to more than {LARGEST} bytes")
            yield locale, names.decode(archive.read(name), f"its {name}")
