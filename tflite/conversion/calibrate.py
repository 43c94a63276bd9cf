"""The converter's own calibration, its defect overcome.

It records the inputs of an ADD or MUL after the operator may have written its output over one of
them (tensorflow/tensorflow#127842): a small branch is given the range of the sum, and vanishes. A
tensor that is an output of the graph is never written over: while calibrated every tensor is one,
and the file is cut back to its own outputs. Fake-quant nodes on the tensors at risk would cure INT8
too, but not 16-bit activations.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from ai_edge_litert import schema_py_generated as schema

from ..file.flatbuffer import cut, kind, pack, unpack


@contextmanager
def undisturbed() -> Iterator[None]:
    """Conversions that calibrate inside this block record every tensor as it was computed.

    They give files with more outputs than asked for: `outputs_asked_for` cuts them off.
    """
    from tensorflow.lite.python.optimize import calibrator

    prepare = calibrator.add_intermediate_tensors
    with mock.patch.object(
        calibrator,
        "add_intermediate_tensors",
        lambda content: _all_outputs(bytes(prepare(content))),
    ):
        yield


def _all_outputs(content: bytes) -> bytes:
    model = unpack(content)
    graph = model.subgraphs[0]
    # Where fake quantization gives a range, none is recorded.
    given = {
        i
        for operator in graph.operators
        if kind(model, operator) == "QUANTIZE"
        for i in operator.inputs
    }
    computed = {
        i
        for operator in graph.operators
        if kind(model, operator) != "DEQUANTIZE"
        for i in operator.outputs
        if graph.tensors[i].type == schema.TensorType.FLOAT32
    }
    graph.outputs = [*graph.outputs, *sorted(computed - given - set(graph.outputs))]
    return pack(model)


def outputs_asked_for(content: bytes, output: str) -> bytes:
    """The file with its first output alone, which its signature calls `output`.

    The quantizer drops a signature that does not name all outputs.
    """
    model = unpack(content)
    graph = model.subgraphs[0]
    cut(model, [graph.outputs[0]])
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs = [_named("image", graph.inputs[0])]
    signature.outputs = [_named(output, graph.outputs[0])]
    model.signatureDefs = [signature]
    return pack(model)


def _named(name: str, tensor: int):
    named = schema.TensorMapT()
    named.name, named.tensorIndex = name, tensor
    return named
