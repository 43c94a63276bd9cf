"""Whether a file gives probabilities or logits."""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as tflite

_SAME = {tflite.BuiltinOperator.QUANTIZE, tflite.BuiltinOperator.DEQUANTIZE}


def are_probabilities(content: bytes) -> bool:
    """Whether the output comes from a softmax or a sigmoid, its type perhaps changed since."""
    model = tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    tensor = graph.outputs[0]
    for operator in reversed(graph.operators):
        if tensor in operator.outputs:
            code = model.operatorCodes[operator.opcodeIndex]
            kind = max(code.builtinCode, code.deprecatedBuiltinCode)
            if kind not in _SAME:
                return kind in (tflite.BuiltinOperator.SOFTMAX, tflite.BuiltinOperator.LOGISTIC)
            tensor = operator.inputs[0]
    return False
