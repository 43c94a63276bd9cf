"""Metadata into the bytes of a `.tflite` file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO

import flatbuffers
from ai_edge_litert import schema_py_generated as tflite

from keras_inception.errors import BadInput

from ..file.flatbuffer import pack, unpack
from . import labels as names
from . import schema, tables
from .record import Metadata


def embed(content: bytes, metadata: Metadata) -> bytes:
    """The bytes of a file with this metadata in it, in place of what it had.

    The graph and its weights stay as they are, the latter on boundaries of 16 bytes. Raises
    BadInput for labels that do not fit the outputs, are empty or not unique, for a threshold
    outside of [0, 1], and for a file that is not a classifier of images.
    """
    model = unpack(content)
    graph = model.subgraphs[0]
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise BadInput(
            f"a classifier has one input and one output; this has {len(graph.inputs)} and "
            f"{len(graph.outputs)}"
        )
    image, scores = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    metadata.check(int(scores.shape[-1]))
    written = tables.write(_model(metadata, image, scores), schema.IDENTIFIER)
    entries = [m for m in model.metadata or [] if m.name != schema.NAME.encode()]
    replaced = [m.buffer for m in model.metadata or [] if m.name == schema.NAME.encode()]
    if replaced:
        number = replaced[0]
    else:
        number = len(model.buffers)
        model.buffers.append(tflite.BufferT())
    model.buffers[number].data = written
    model.metadata = [*entries, tflite.MetadataT(schema.NAME, number)]
    model.buffers = [_Aligned(buffer) for buffer in model.buffers]
    return _with_files(pack(model), metadata.files)


class _Aligned:
    """A buffer whose data are written on the boundary that the schema asks for."""

    def __init__(self, buffer: tflite.BufferT):
        if buffer.size or buffer.offset:
            raise BadInput("a file of more than 2 GB takes no metadata")
        self._data = buffer.data

    def Pack(self, builder: flatbuffers.Builder) -> int:
        data = None if self._data is None else tables.aligned_bytes(builder, self._data)
        tflite.BufferStart(builder)
        if data is not None:
            tflite.BufferAddData(builder, data)
        return tflite.BufferEnd(builder)


def _model(metadata: Metadata, image, scores) -> dict:
    height, width, channels = (int(n) for n in image.shape[1:])
    expected = metadata.preprocessing
    limits = {tflite.TensorType.UINT8: (0.0, 255.0), tflite.TensorType.INT8: (-128.0, 127.0)}
    low, high = limits.get(image.type, expected.range)
    grey = channels == 1
    image_table = {
        schema.Tensor.NAME: "image",
        schema.Tensor.DESCRIPTION: (
            f"{'grey' if grey else 'RGB'} image, {width}x{height}, cut from the centre: "
            f"{expected.crop:.3f} of the short side"
        ),
        schema.Tensor.CONTENT: {
            schema.Content.KIND: schema.Content.IMAGE,
            schema.Content.PROPERTIES: {
                schema.Image.COLOR_SPACE: schema.Image.GRAYSCALE if grey else schema.Image.RGB
            },
        },
        schema.Tensor.PROCESS_UNITS: [
            {
                schema.Unit.KIND: schema.Unit.NORMALIZATION,
                schema.Unit.OPTIONS: {
                    schema.Normalization.MEAN: _list(expected.mean),
                    schema.Normalization.STD: _list(expected.std),
                },
            }
        ],
        schema.Tensor.STATS: {schema.Stats.MAX: [high], schema.Stats.MIN: [low]},
    }
    scores_table = {
        schema.Tensor.NAME: "scores",
        schema.Tensor.DESCRIPTION: f"scores of {int(scores.shape[-1])} classes",
        schema.Tensor.CONTENT: {
            schema.Content.KIND: schema.Content.FEATURE,
            schema.Content.PROPERTIES: {},
        },
        schema.Tensor.PROCESS_UNITS: _thresholding(metadata.threshold),
        schema.Tensor.FILES: [
            {
                schema.AssociatedFile.NAME: names.file_name(locale),
                schema.AssociatedFile.DESCRIPTION: "one name per output, in their order",
                schema.AssociatedFile.KIND: schema.AssociatedFile.TENSOR_AXIS_LABELS,
                schema.AssociatedFile.LOCALE: locale or None,
            }
            for locale in (["", *sorted(metadata.localized)] if metadata.labels else [])
        ],
    }
    # What the public tables cannot say, for evaluating a file as its network was.
    record = json.dumps(asdict(expected), sort_keys=True).encode()
    return {
        schema.Model.NAME: metadata.name or None,
        schema.Model.DESCRIPTION: metadata.description or None,
        schema.Model.VERSION: metadata.version or None,
        schema.Model.AUTHOR: metadata.author or None,
        schema.Model.LICENSE: metadata.license or None,
        schema.Model.MIN_PARSER_VERSION: schema.MIN_PARSER_VERSION,
        schema.Model.SUBGRAPHS: [
            {
                schema.SubGraph.INPUTS: [image_table],
                schema.SubGraph.OUTPUTS: [scores_table],
                schema.SubGraph.CUSTOM: [
                    {schema.Custom.NAME: schema.OURS, schema.Custom.DATA: record}
                ],
            }
        ],
    }


def _list(value) -> list[float]:
    return [float(v) for v in value] if isinstance(value, tuple) else [float(value)]


def _thresholding(threshold: float | None) -> list[dict]:
    if threshold is None:
        return []
    options = {schema.THRESHOLD: float(threshold)}
    return [{schema.Unit.KIND: schema.Unit.THRESHOLDING, schema.Unit.OPTIONS: options}]


def _with_files(model: bytes, files: Mapping[str, bytes]) -> bytes:
    whole = BytesIO(model)
    if files:
        with zipfile.ZipFile(whole, "a") as archive:
            for name, content in files.items():
                # No time of day, so that the same content gives the same bytes.
                archive.writestr(zipfile.ZipInfo(name), content)
    return whole.getvalue()
