"""Metadata out of the bytes of a `.tflite` file, whoever wrote it."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from keras_inception import label_files, records
from keras_inception.errors import BadInput
from keras_inception.outputs import kind_named
from keras_inception.preprocess import Preprocessing

from . import labels as names
from . import schema, tables
from .record import TEXTS, Metadata

# Files of labels, the bytes of all of them, and how many times a file's own size that may be.
LOCALES, LARGEST, UNFOLDED = 64, 16 << 20, 20


def read(content: bytes, name: str | Path = "the file") -> Metadata | None:
    """What the bytes of the file `name` say of themselves; None if they have no metadata.

    Reads what other writers wrote too. Raises BadInput for metadata that are damaged, for files of
    labels with more names than the file has outputs, and for more text than such a file has need
    of: a few times its own size, and 16 MiB.
    """
    try:
        found = _find(content)
        return None if found is None else _understand(*found, content)
    except BadInput as error:
        raise BadInput(f"the metadata of {name} cannot be read: {error}") from error
    except Exception as error:
        # What zipfile, zlib and json raise on damaged bytes, none of them says.
        raise BadInput(f"the metadata of {name} are damaged ({error}); export it again") from error


def _find(content: bytes) -> tuple[tables.Table, int] | None:
    """The root of the metadata, and the most names that its outputs can have."""
    file = tables.Table(content, schema.File)
    for entry in file.tables("metadata", schema.Entry):
        if entry.data("name") == schema.NAME.encode():
            number = entry.number("buffer", "<I", 0)
            data = file.at("buffers", number, schema.Buffer).data("data", LARGEST)
            if data[4:8] != schema.IDENTIFIER:
                raise BadInput(f"they lack the mark {schema.IDENTIFIER.decode()}")
            return tables.Table(data, schema.Model), _outputs(file)
    return None


def _outputs(file: tables.Table) -> int:
    graph = file.at("subgraphs", 0, schema.Subgraph)
    outputs = graph.numbers("outputs", "i", tables.MOST)
    if len(outputs) != 1:  # no classifier
        return label_files.MOST
    tensor = graph.at("tensors", outputs[0], schema.Values)
    return max(0, min(label_files.MOST, math.prod(tensor.numbers("shape", "i", 8))))


def _understand(model: tables.Table, outputs: int, content: bytes) -> Metadata:
    graph = next(model.tables("subgraphs", schema.SubGraph), None)
    image = graph and next(graph.tables("inputs", schema.Tensor), None)
    scores = graph and next(graph.tables("outputs", schema.Tensor), None)
    found = dict(_label_files(scores, outputs, content)) if scores else {}
    threshold = None
    if options := _unit(scores, schema.THRESHOLDING, schema.Thresholding):
        # What was meant by 32 bits of it: 0.03, not 0.029999999329447746.
        threshold = float(f"{options.number('threshold', '<f', 0.0):.7g}")
    return Metadata(
        preprocessing=_preprocessing(graph, image),
        labels=found.pop("", ()),
        localized=found,
        threshold=threshold,
        kind=_kind(graph),
        **{name: model.string(name) for name in TEXTS},
    )


def _unit(tensor: tables.Table | None, kind: int, options: type[tuple]) -> tables.Table | None:
    for unit in tensor.tables("process_units", schema.Unit) if tensor else ():
        if unit.number("kind") == kind:
            return unit.table("options", options)
    return None


def _kind(graph: tables.Table | None) -> str:
    for custom in graph.tables("custom", schema.Custom) if graph else ():
        if custom.data("name") == schema.OUR_KIND.encode():
            return kind_named(records.convert(records.parse(custom.data("data")), str)).name
    return ""


def _preprocessing(graph: tables.Table | None, image: tables.Table | None) -> Preprocessing | None:
    for custom in graph.tables("custom", schema.Custom) if graph else ():
        if custom.data("name") == schema.OURS.encode():
            return records.convert(records.parse(custom.data("data")), Preprocessing)
    options = _unit(image, schema.NORMALIZATION, schema.Normalization)
    mean, std = (options.numbers(each, "f", 3) if options else () for each in ("mean", "std"))
    if not (mean or std):
        return None
    one = len(mean) == len(std) == 1
    return Preprocessing(*(mean + std if one else (mean, std)))


def _label_files(
    scores: tables.Table, outputs: int, content: bytes
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(locale, labels) of each file of labels that the output has."""
    listed = [
        (entry.string("locale"), entry.string("name"))
        for entry in scores.tables("files", schema.AssociatedFile)
        if entry.number("kind") == schema.TENSOR_AXIS_LABELS
    ]
    if not listed:
        return
    if len(listed) > LOCALES or len(dict(listed)) < len(listed):
        raise BadInput(f"it has two files of labels for one locale, or more than {LOCALES}")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = {each.filename: each for each in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise BadInput("it has two files of one name")
        wanted = [members[name] for _, name in listed if name in members]
        if len(wanted) < len(listed):
            raise BadInput("it lacks a file of labels that it names")
        size = sum(member.file_size for member in wanted)
        if size > min(LARGEST, UNFOLDED * len(content)):
            raise BadInput(f"its files of labels unfold to {size:,} bytes")
        for (locale, name), member in zip(listed, wanted, strict=True):
            if locale and not names.is_locale(locale):
                raise BadInput(f"{locale[:100]!r} is no locale, as de or pt-BR are")
            # Others unfold whole, whatever size the archive says.
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise BadInput(f"its {name} is neither stored nor deflated")
            with archive.open(member) as file:
                written = file.read(member.file_size)
            yield locale, label_files.decode(written, f"its {name}", outputs)
