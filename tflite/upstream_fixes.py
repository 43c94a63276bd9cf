"""Faults of TensorFlow's converter, and what keeps files free of them.

Each says which release has it; tests/test_upstream.py fails when a release no longer does, and then
what is here can go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .file.graph import Graph
from .keras_graph.plain import WEIGHTED, PlainNetwork


def with_distinct_biases(network: PlainNetwork) -> PlainNetwork:
    """The network with no bias that is one number for all channels, but by the least difference.

    Of ranges given by fake quantization, the converter (2.21 and before; not reported yet) makes
    such a bias the integer of its first channel in all, though each has a step of its own.
    """
    changed = {}
    for layer in network.layers:
        if layer.kind in WEIGHTED:
            kernel, bias = layer.weights
            if len(bias) > 1 and bias[0] and np.ptp(bias) == 0:
                bias = np.append(bias[:-1], np.nextafter(bias[-1], np.float32(np.inf)))
                changed[layer.name] = replace(layer, weights=(kernel, bias))
    return network.with_layers(changed)


@contextmanager
def every_tensor_recorded() -> Iterator[None]:
    """Conversions that calibrate inside this block record every tensor as it was computed.

    The calibrator (2.21 and before; tensorflow/tensorflow#127842) records the inputs of an ADD or
    MUL after the operator may have written its output over one of them: a small branch is given the
    range of the sum, and vanishes. A tensor that is an output of the graph is never written over:
    here every tensor is one. The files have more outputs than asked for: `with_first_output` cuts
    them off.
    """
    from tensorflow.lite.python.optimize import calibrator

    prepare = calibrator.add_intermediate_tensors
    calibrator.add_intermediate_tensors = lambda content: _all_outputs(bytes(prepare(content)))
    try:
        yield
    finally:
        calibrator.add_intermediate_tensors = prepare


def _all_outputs(content: bytes) -> bytes:
    graph = Graph.read(content)
    computed = {
        int(i)
        for operator in graph.operators
        for i in operator.outputs
        if graph.tensors[i].type == schema.TensorType.FLOAT32
    }
    graph.model.subgraphs[0].outputs = [*graph.outputs, *sorted(computed - {*graph.outputs})]
    return graph.content


def with_first_output(graph: Graph, output: str) -> Graph:
    """The file with its first output alone, which its signature calls `output`.

    The quantizer drops a signature that does not name all outputs.
    """
    cut = graph.cut(graph.outputs[:1])
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs = [_named("image", cut.inputs[0])]
    signature.outputs = [_named(output, cut.outputs[0])]
    cut.model.signatureDefs = [signature]
    return cut


def _named(name: str, tensor: int):
    named = schema.TensorMapT()
    named.name, named.tensorIndex = name, tensor
    return named
