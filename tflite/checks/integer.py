"""Which tensors and operators of a `.tflite` file are not integer.

Converters leave an operator in float, with integer input and output and without a warning, when
it has no integer kernel or its ranges are missing: only the file itself can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema

from ..file.graph import CONVERSIONS, Graph

_FLOATS = {value for name, value in vars(schema.TensorType).items() if "FLOAT" in name}


@dataclass(frozen=True)
class Audit:
    """Names of the float tensors, and of the operators that touch them, in the file's order."""

    tensors: tuple[str, ...]
    operators: tuple[str, ...]
    operator_count: int

    @property
    def integer(self) -> bool:
        return not self.tensors

    def __str__(self):
        if self.integer:
            return f"all {self.operator_count} operators and every tensor are integer"
        return (
            f"{len(self.operators)} of {self.operator_count} operators and {len(self.tensors)} "
            f"tensors are float: operators {', '.join(self.operators)}; "
            f"tensors {', '.join(self.tensors)}"
        )


def audit(graph: Graph) -> Audit:
    """Audit a file.

    A float input or output of the whole file, and the QUANTIZE or DEQUANTIZE beside it, are not
    counted: they are what float input/output asks for.
    """
    edges, operators = {*graph.inputs, *graph.outputs}, []
    is_float = {i: tensor.type in _FLOATS for i, tensor in enumerate(graph.tensors)}
    for name, operator in graph.kinds():
        touched = [i for i in (*operator.inputs, *operator.outputs) if i >= 0 and is_float[i]]
        if touched and not (name in CONVERSIONS and edges.issuperset(touched)):
            operators.append(f"{name} -> {graph.name(operator.outputs[0])}")
    tensors = [graph.name(i) for i, float_ in is_float.items() if float_ and i not in edges]
    return Audit(tuple(tensors), tuple(operators), len(graph.operators))
