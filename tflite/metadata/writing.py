"""Metadata into a `.tflite` file."""

from __future__ import annotations

import json
from dataclasses import asdict

from ai_edge_litert import schema_py_generated as tflite

from keras_inception.errors import BadInput

from ..file.graph import Graph
from . import labels as names
from . import schema, tables
from .record import Metadata


def embed(graph: Graph, metadata: Metadata) -> Graph:
    """The file with this metadata in it, in place of what it had.

    What it computes stays as it is. Raises BadInput for labels that do not fit the outputs, are
    empty or not unique, for a threshold outside of [0, 1], and for a file that is not a classifier
    of images.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise BadInput(
            f"a classifier has one input and one output; this has {len(graph.inputs)} and "
            f"{len(graph.outputs)}"
        )
    image, scores = (graph.tensors[i] for i in (graph.inputs[0], graph.outputs[0]))
    metadata.check(int(scores.shape[-1]))
    written = tflite.BufferT()
    written.data = tables.write(_model(metadata, image, scores), schema.IDENTIFIER)
    embedded = graph.changeable()
    model, name = embedded.model, schema.NAME.encode()
    entries = [entry for entry in model.metadata or [] if entry.name != name]
    replaced = [entry.buffer for entry in model.metadata or [] if entry.name == name]
    number = replaced[0] if replaced else len(model.buffers)
    model.buffers[number : number + 1] = [written]
    model.metadata = [*entries, tflite.MetadataT(schema.NAME, number)]
    return Graph(model, metadata.files)


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
