"""A `.tflite` file in LiteRT's interpreter, in this process: one that it made itself, or trusts, or
any in the child that `guard` starts."""

from __future__ import annotations

from timeit import repeat

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from .graph import Graph
from .tensor import Tensor

# A delegate keeps what is between its operators to itself.
_KEEPING = {
    "experimental_preserve_all_tensors": True,
    "experimental_op_resolver_type": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


class Opened:
    """The file in the bytes `content`, its tensors allocated; with `keep_tensors` slower, and those
    between its operators can be read as well. Raises ValueError or RuntimeError if it cannot be."""

    def __init__(self, content: bytes, threads: int = 1, keep_tensors: bool = False):
        options = _KEEPING if keep_tensors else {}
        self._content = content
        self.interpreter = Interpreter(model_content=content, num_threads=threads, **options)
        self.interpreter.allocate_tensors()
        self._in, self._out = (
            [each["index"] for each in details]
            for details in (
                self.interpreter.get_input_details(),
                self.interpreter.get_output_details(),
            )
        )
        self.inputs = [*map(_tensor, self.interpreter.get_input_details())]
        self.outputs = [*map(_tensor, self.interpreter.get_output_details())]

    def run(self, images: np.ndarray) -> np.ndarray:
        """(n, height, width, channels) in the input's type -> (n, classes) in the output's."""
        rows = []
        for image in images:
            self.interpreter.set_tensor(self._in[0], image[None])
            self.interpreter.invoke()
            rows.append(self.interpreter.get_tensor(self._out[0]).reshape(-1))
        return np.array(rows, self.outputs[0].dtype)

    def seconds(self, runs: int) -> list[float]:
        """The seconds of so many runs on whatever the input holds."""
        return repeat(self.interpreter.invoke, number=1, repeat=runs)

    def ending(self) -> str:
        """As for `Graph`."""
        return Graph.read(self._content).ending


def _tensor(found: dict) -> Tensor:
    scale, zero_point = found["quantization"]
    shape = tuple(int(n) for n in found["shape"])
    return Tensor(shape, np.dtype(found["dtype"]).name, (float(scale), int(zero_point)))
