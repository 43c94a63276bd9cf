"""Metadata into a `.tflite` file."""

from __future__ import annotations

import json
from dataclasses import asdict

from ai_edge_litert import schema_py_generated as tflite

from keras_inception import records
from keras_inception.errors import BadInput
from keras_inception.outputs import CLASSES, KINDS

from ..file.graph import Graph
from . import labels as names
from . import schema, tables
from .record import TEXTS, Metadata


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


def _embed(data: bytes, metadata: dict) -> tuple[dict, bytes]:
    return {}, embed(Graph.read(data), records.convert(metadata, Metadata)).content


#: What `guard`'s child does of this.
GUARDED = {"embed": _embed}


def _model(metadata: Metadata, image, scores) -> schema.Model:
    height, width, channels = (int(n) for n in image.shape[1:])
    expected = metadata.preprocessing
    limits = {tflite.TensorType.UINT8: (0.0, 255.0), tflite.TensorType.INT8: (-128.0, 127.0)}
    low, high = limits.get(image.type, expected.range)
    grey = channels == 1
    normalization = schema.Normalization(_list(expected.mean), _list(expected.std))
    image_table = schema.Tensor(
        name="image",
        description=f"{'grey' if grey else 'RGB'} image, {width}x{height}, cut from the centre: "
        f"{expected.crop:.3f} of the short side",
        content=schema.Content(
            schema.IMAGE, schema.Image(schema.GRAYSCALE if grey else schema.RGB)
        ),
        process_units=[schema.Unit(schema.NORMALIZATION, normalization)],
        stats=schema.Stats(max=[high], min=[low]),
    )
    scores_table = schema.Tensor(
        name="scores",
        description=_described(metadata.kind, int(scores.shape[-1])),
        content=schema.Content(schema.FEATURE, ()),
    )
    if metadata.threshold is not None:
        options = schema.Thresholding(float(metadata.threshold))
        units = [schema.Unit(schema.THRESHOLDING, options)]
        scores_table = scores_table._replace(process_units=units)
    if metadata.labels:
        described = "one name per output, in their order", schema.TENSOR_AXIS_LABELS
        locales = ["", *sorted(metadata.localized)]
        files = [schema.AssociatedFile(names.file_name(k), *described, k) for k in locales]
        scores_table = scores_table._replace(files=files)
    # What the public tables cannot say, for evaluating a file as its network was.
    record = json.dumps(asdict(expected), sort_keys=True).encode()
    custom = [schema.Custom(schema.OURS, record)]
    if metadata.kind:
        custom.append(schema.Custom(schema.OUR_KIND, json.dumps(metadata.kind).encode()))
    graph = schema.SubGraph(inputs=[image_table], outputs=[scores_table], custom=custom)
    return schema.Model(
        **{name: getattr(metadata, name) for name in TEXTS},
        min_parser_version=schema.MIN_PARSER_VERSION,
        subgraphs=[graph],
    )


def _described(kind: str, outputs: int) -> str:
    if kind in ("", CLASSES.name):
        return f"scores of {outputs} classes"
    return f"{outputs} {kind}: {KINDS[kind].what}"


def _list(value) -> list[float]:
    return [float(v) for v in value] if isinstance(value, tuple) else [float(value)]
