"""A `.tflite` file as a value: what it computes, what it says of itself, and its bytes."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from io import BytesIO
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_inception.errors import BadInput

from .content import IDENTIFIER

#: Operators that change the type or the step of a tensor, and nothing else.
CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
#: What computes probabilities.
ENDINGS = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}
_WITH_KERNELS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items()}


class Graph:
    """The file, parsed once; functions of it give other Graphs and leave it as it is.

    `model` is LiteRT's tree of objects, a ModelT of one subgraph, and `files` what is in the ZIP
    behind it, by name. Tensors are known by their numbers.
    """

    def __init__(self, model: Any, files: Mapping[str, bytes] | None = None):
        self.model, self.files = model, dict(files or {})

    @classmethod
    def read(cls, content: bytes) -> Graph:
        """The file in these bytes, which are whole; what is in its ZIP is left out."""
        return cls(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)))

    @cached_property
    def content(self) -> bytes:
        """The bytes of the file: its weights on boundaries of 16 bytes."""
        model = copy.copy(self.model)
        model.buffers = [_Aligned(buffer) for buffer in model.buffers]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        whole = BytesIO(builder.Output())
        if self.files:
            with zipfile.ZipFile(whole, "a") as archive:
                for name, lines in self.files.items():
                    # No time of day, so that the same content gives the same bytes.
                    archive.writestr(zipfile.ZipInfo(name), lines)
        return whole.getvalue()

    @property
    def _subgraph(self) -> Any:
        return self.model.subgraphs[0]

    @property
    def operators(self) -> Sequence[Any]:
        return self._subgraph.operators

    @property
    def tensors(self) -> Sequence[Any]:
        return self._subgraph.tensors

    @property
    def inputs(self) -> list[int]:
        return [int(i) for i in self._subgraph.inputs]

    @property
    def outputs(self) -> list[int]:
        return [int(i) for i in self._subgraph.outputs]

    @cached_property
    def makers(self) -> dict[int, Any]:
        """The operator that computes each tensor."""
        return {int(i): operator for operator in self.operators for i in operator.outputs}

    def kind(self, operator) -> str:
        """The name of an operator, as "CONV_2D"."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        # Codes above 127 do not fit the field that older files used.
        return _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]

    @staticmethod
    def fuses(operator) -> bool:
        """Whether an operator takes an activation along."""
        return bool(getattr(operator.builtinOptions, "fusedActivationFunction", 0))

    def kinds(self) -> Iterator[tuple[str, Any]]:
        """Every operator with its name, in the file's order."""
        return ((self.kind(operator), operator) for operator in self.operators)

    def name(self, tensor: int) -> str:
        """Converters join the names of all the operations they fused; the first says where."""
        return self.tensors[tensor].name.decode().split(";")[0]

    def constant(self, tensor: int, dtype) -> np.ndarray:
        """The numbers of a constant tensor, in one row."""
        return np.frombuffer(bytes(self.model.buffers[self.tensors[tensor].buffer].data), dtype)

    def unconverted(self, tensor: int) -> int:
        """What a tensor was before its type or step was changed."""
        while tensor in self.makers and self.kind(self.makers[tensor]) in CONVERSIONS:
            tensor = int(self.makers[tensor].inputs[0])
        return tensor

    @property
    def ending(self) -> str:
        """What the output comes from, its type perhaps changed since: "softmax", "sigmoid", or
        "linear", which is anything else."""
        last = self.makers.get(self.unconverted(self.outputs[0]))
        return ENDINGS.get(self.kind(last), "linear") if last is not None else "linear"

    @property
    def is_integer(self) -> bool:
        """Whether kernels are stored in 8 bits."""
        kernels = (op.inputs[1] for name, op in self.kinds() if name in _WITH_KERNELS)
        return any(self.tensors[i].type == schema.TensorType.INT8 for i in kernels)

    def changeable(self) -> Graph:
        """A copy whose tensors, operators and list of buffers may change; the data are shared."""
        model, subgraph = copy.copy(self.model), copy.copy(self._subgraph)
        subgraph.tensors = [copy.copy(tensor) for tensor in subgraph.tensors]
        subgraph.operators = [copy.copy(operator) for operator in subgraph.operators]
        for each in subgraph.operators:
            each.builtinOptions = copy.copy(each.builtinOptions)
        for each in subgraph.tensors:
            each.quantization = copy.copy(each.quantization)
        model.subgraphs, model.buffers = [subgraph], [*model.buffers]
        model.operatorCodes = [*model.operatorCodes]
        return Graph(model, self.files)

    def cut(self, outputs: Sequence[int], inputs: Sequence[int] | None = None) -> Graph:
        """What the tensors `outputs` are made of, alone, from `inputs` on or from the beginning."""
        cut, inputs = self.changeable(), self.inputs if inputs is None else inputs
        subgraph, model = cut._subgraph, cut.model
        needed, operators = {*inputs, *outputs}, []
        for operator in reversed(subgraph.operators):
            if needed.difference(inputs).intersection(operator.outputs):
                operators.append(operator)
                needed.update(operator.inputs, operator.outputs)
        kept = sorted(needed - {-1})
        new = {old: place for place, old in enumerate(kept)} | {-1: -1}
        subgraph.tensors = [subgraph.tensors[i] for i in kept]
        used = {each.buffer for each in (*subgraph.tensors, *(model.metadata or []))}
        buffers = enumerate(model.buffers)
        model.buffers = [each if i in used else schema.BufferT() for i, each in buffers]
        subgraph.operators = operators[::-1]
        subgraph.inputs = [new[i] for i in inputs]
        subgraph.outputs = [new[i] for i in outputs]
        for operator in operators:
            operator.inputs = [new[i] for i in operator.inputs]
            operator.outputs = [new[i] for i in operator.outputs]
        # A signature that names a tensor which is no more goes with it.
        signatures = [
            copy.deepcopy(signature)
            for signature in self.model.signatureDefs or []
            if new.keys() >= {each.tensorIndex for each in (*signature.inputs, *signature.outputs)}
        ]
        for signature in signatures:
            for named in (*signature.inputs, *signature.outputs):
                named.tensorIndex = new[named.tensorIndex]
        model.signatureDefs = signatures
        return cut

    def without_softmax(self) -> Graph:
        """The file ending at the input of the softmax, or the sigmoids, it ends in; as it is if it
        has none."""
        last = self.makers.get(self.unconverted(self.outputs[0]))
        if last is None or self.kind(last) not in ("SOFTMAX", "LOGISTIC"):
            return self
        return self.cut([int(last.inputs[0])])


def buffer_of(numbers: np.ndarray):
    """The numbers as a buffer of a file."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(numbers.tobytes(), np.uint8)
    return buffer


def aligned_bytes(builder: flatbuffers.Builder, data) -> int:
    """A vector of bytes on a boundary of 16, which the Python library's own does not give."""
    builder.StartVector(1, len(data), 16)
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = bytes(data)
    builder.vectorNumElems = len(data)
    return builder.EndVector()


class _Aligned:
    """A buffer whose data are written on the boundary that the schema asks for."""

    def __init__(self, buffer: schema.BufferT):
        if buffer.size or buffer.offset:
            raise BadInput("a file of more than 2 GB cannot be rewritten")
        self._data = buffer.data

    def Pack(self, builder: flatbuffers.Builder) -> int:
        data = None if self._data is None else aligned_bytes(builder, self._data)
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)
