"""The child of `guard`: LiteRT with a file that may crash it, or do worse.

    python -m keras_inception.tflite.file.guarded MEMORY [MODULE …]

answers calls on its standard input: lengths, JSON and data, both ways. First it says by one byte
that it is closed in: with MEMORY bytes more, and nothing to open (`keras_inception.sandbox`).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from importlib import import_module
from typing import IO

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_inception import sandbox

from .graph import Graph
from .guard import HEAD
from .opened import Opened


class Calls:
    """What can be asked for, by name: (answer, data)."""

    def __init__(self):
        self._status = _status()
        self._before = _bytes(self._status, "VmRSS")

    def open(self, data: bytes, threads: int):
        self._opened = Opened(data, threads)
        of = self._opened
        return {"inputs": [*map(asdict, of.inputs)], "outputs": [*map(asdict, of.outputs)]}, b""

    def run(self, data: bytes, runs: int):
        image = self._opened.inputs[0]
        pixels = np.frombuffer(data, image.dtype).reshape(runs, *image.shape[1:])
        return {}, self._opened.run(pixels).tobytes()

    def seconds(self, data: bytes, runs: int):
        return {}, np.array(self._opened.seconds(runs)).tobytes()

    def ending(self, data: bytes):
        return {"ending": self._opened.ending()}, b""

    def growth(self, data: bytes):
        """Bytes by which this process has grown at most since before it had the file; 0 where
        there is no /proc."""
        return {}, np.array(_bytes(self._status, "VmHWM") - self._before).tobytes()


def _status() -> IO[str] | None:
    """What the kernel says of this process, open; the peak of the imports is forgotten."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
        return open("/proc/self/status", encoding="utf-8")
    except OSError:
        return None


def _bytes(status: IO[str] | None, field: str) -> int:
    if status is None:
        return 0
    status.seek(0)
    return next(1024 * int(line.split()[1]) for line in status if line.startswith(field))


def _of_one_operator() -> bytes:
    """The smallest file: the negative of a number."""
    code, operator, graph, model = (
        schema.OperatorCodeT(),
        schema.OperatorT(),
        schema.SubGraphT(),
        schema.ModelT(),
    )
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.NEG
    graph.tensors = [schema.TensorT(), schema.TensorT()]
    for tensor in graph.tensors:
        tensor.shape = [1]
    operator.inputs = graph.inputs = [0]
    operator.outputs = graph.outputs = [1]
    graph.operators, model.buffers = [operator], [schema.BufferT()]
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    return Graph(model).content


def main(memory: str, *modules: str) -> None:
    answers, functions = os.fdopen(os.dup(1), "wb"), {}
    for module in modules:
        functions |= import_module(module).GUARDED
    # What native code prints is no answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # LiteRT asks the system once which processor it runs on, and is slow if it is not told.
    Opened(_of_one_operator()).seconds(1)
    calls = Calls()
    functions |= {name: getattr(calls, name) for name in vars(Calls) if name[0] != "_"}
    sandbox.close(int(memory))
    answers.write(b"\0")
    answers.flush()
    while head := sys.stdin.buffer.read(HEAD.size):
        words, size = HEAD.unpack(head)
        asked = json.loads(sys.stdin.buffer.read(words))
        data = sys.stdin.buffer.read(size)
        try:
            answer, found = functions[asked.pop("what")](data, **asked)
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            answer, found = {"error": reason}, b""
        said = json.dumps(answer).encode()
        answers.write(HEAD.pack(len(said), len(found)) + said + found)
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
