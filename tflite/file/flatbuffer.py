"""The graph of a `.tflite` file: unpacked, cut, packed again."""

from __future__ import annotations

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from .interpreter import IDENTIFIER

#: Operators that change the type or the step of a tensor, and nothing else.
CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items()}


def unpack(content: bytes):
    """The file as a tree of objects, a ModelT."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def pack(model) -> bytes:
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def kind(model, operator) -> str:
    """The name of an operator, as "CONV_2D"."""
    code = model.operatorCodes[operator.opcodeIndex]
    # Codes above 127 do not fit the field that older files used.
    return _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]


def name_of(tensor) -> str:
    """The converter joins the names of all the operations it fused; the first says where it is."""
    return tensor.name.decode().split(";")[0]


def cut(model, outputs: list[int]) -> None:
    """Leave in the ModelT `model`, of one graph, only what its tensors `outputs` are made of."""
    graph = model.subgraphs[0]
    needed, operators = {*graph.inputs, *outputs}, []
    for operator in reversed(graph.operators):
        if needed.intersection(operator.outputs):
            operators.append(operator)
            needed.update(operator.inputs, operator.outputs)
    kept = sorted(needed - {-1})
    new = {old: place for place, old in enumerate(kept)} | {-1: -1}
    graph.tensors = [graph.tensors[i] for i in kept]
    graph.operators = operators[::-1]
    graph.inputs, graph.outputs = ([new[i] for i in edge] for edge in (graph.inputs, outputs))
    for operator in operators:
        operator.inputs = [new[i] for i in operator.inputs]
        operator.outputs = [new[i] for i in operator.outputs]
    # A signature that names an output which is no more goes with it.
    signatures = [
        signature
        for signature in model.signatureDefs or []
        if new.keys() >= {named.tensorIndex for named in signature.outputs}
    ]
    for signature in signatures:
        for named in (*signature.inputs, *signature.outputs):
            named.tensorIndex = new[named.tensorIndex]
    model.signatureDefs = signatures
