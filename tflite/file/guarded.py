"""The child of `guard`: LiteRT with a file that may crash it.

    python -m keras_inception.tflite.file.guarded

answers calls on its standard input: a line of JSON and as many bytes as it says, both ways.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

# What a network may need beside its file: the tensors, and what the kernels keep.
MEMORY, UNFOLDED = 4 << 30, 20


def _limit_memory(size: int) -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such limits
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY + UNFOLDED * size, most))
        # Crashes are what we are for: they need no dump.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Calls:
    """What can be asked for, by name: (answer, bytes)."""

    def open(self, data: bytes, threads: int):
        _limit_memory(len(data))
        self.interpreter = Interpreter(model_content=data, num_threads=threads)
        self.interpreter.allocate_tensors()
        inputs = self.interpreter.get_input_details()
        outputs = self.interpreter.get_output_details()
        return {"inputs": _plain(inputs), "outputs": _plain(outputs)}, b""

    def set_tensor(self, data: bytes, index: int, dtype: str, shape: list):
        self.interpreter.set_tensor(index, np.frombuffer(data, dtype).reshape(shape))
        return {}, b""

    def invoke(self, data: bytes):
        self.interpreter.invoke()
        return {}, b""

    def get_tensor(self, data: bytes, index: int):
        found = self.interpreter.get_tensor(index)
        return {"dtype": found.dtype.name, "shape": found.shape}, found.tobytes()

    def unpack(self, data: bytes):
        schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        return {}, b""


def _plain(details: list[dict]) -> list[dict]:
    return [
        {
            "index": int(found["index"]),
            "shape": found["shape"].tolist(),
            "dtype": np.dtype(found["dtype"]).name,
            "quantization": [float(found["quantization"][0]), int(found["quantization"][1])],
        }
        for found in details
    ]


def main() -> None:
    # What native code prints is no answer.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        calls = Calls()
        for line in sys.stdin.buffer:
            asked = json.loads(line)
            data = sys.stdin.buffer.read(asked.pop("bytes"))
            try:
                answer, found = getattr(calls, asked.pop("what"))(data, **asked)
            except Exception as error:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
                answer, found = {"error": reason}, b""
            answers.write(json.dumps({**answer, "bytes": len(found)}).encode() + b"\n" + found)
            answers.flush()


if __name__ == "__main__":
    main()
