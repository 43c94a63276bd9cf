"""The operators of a `.tflite` file, timed each as a file of its own.

The interpreter of the wheel hands the whole graph to XNNPACK and says nothing of what happens in
it. Cut out, every operator runs by itself, with the kernel, the threads and the shapes it has in
the file; where the runtime fuses two, as it does a padding with its convolution, their sum is more
than they take together.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_inception.native_output import held_back

from ..file.graph import Graph


@dataclass(frozen=True)
class Operators:
    """All operators of one kind: how many, their milliseconds per image on one thread (None if
    they cannot run by themselves), and whether a delegate computes every one of them."""

    operator: str
    count: int
    milliseconds: float | None
    accelerated: bool


@dataclass(frozen=True)
class _Alone:
    name: str
    run: Callable[[], None] | None
    accelerated: bool


def by_time(graph: Graph, rounds: int) -> list[Operators]:
    """The operators of a file by kind, the slowest first.

    In each round every operator has its turn, in the file's order, so that it finds the caches as
    it does in the file; milliseconds are sums of the operators' medians.
    """
    with held_back():
        cut = [_alone(graph, operator) for operator in graph.operators]
    times = [[] for _ in cut]
    for _ in range(rounds):
        for each, mine in zip(cut, times, strict=True):
            if each.run:
                began = time.perf_counter()
                each.run()
                mine.append(time.perf_counter() - began)
    kinds = {}
    for each, mine in zip(cut, times, strict=True):
        kinds.setdefault(each.name, []).append((each, mine))
    found = [
        Operators(
            name,
            len(members),
            None
            if any(each.run is None for each, _ in members)
            else 1000 * sum(statistics.median(mine) for _, mine in members),
            all(each.accelerated for each, _ in members),
        )
        for name, members in kinds.items()
    ]
    return sorted(found, key=lambda kind: -(kind.milliseconds or 0))


def _alone(graph: Graph, operator) -> _Alone:
    name = graph.kind(operator)
    try:
        interpreter = Interpreter(model_content=cut_out(graph, operator).content, num_threads=1)
        interpreter.allocate_tensors()
        for each in interpreter.get_input_details():
            interpreter.set_tensor(each["index"], np.ones(each["shape"], each["dtype"]))
        interpreter.invoke()
    except (ValueError, RuntimeError):
        return _Alone(name, None, False)
    taken = any(each["op_name"] == "DELEGATE" for each in interpreter._get_ops_details())
    return _Alone(name, interpreter.invoke, taken)


def cut_out(graph: Graph, operator) -> Graph:
    """A file with this operator alone: what it computes from is the input, constants apart."""
    used = list(dict.fromkeys(i for i in (*operator.inputs, *operator.outputs) if i >= 0))
    place = {number: i for i, number in enumerate(used)} | {-1: -1}
    # Buffer 0 is the empty one.
    file, alone = schema.ModelT(), schema.SubGraphT()
    file.buffers, alone.tensors, given = [schema.BufferT()], [], []
    for number in used:
        tensor = copy.copy(graph.tensors[number])
        buffer = graph.model.buffers[tensor.buffer]
        if buffer.data is None or not len(buffer.data):
            tensor.buffer = 0
            if number not in operator.outputs:
                given.append(place[number])
        else:
            file.buffers.append(buffer)
            tensor.buffer = len(file.buffers) - 1
        alone.tensors.append(tensor)
    moved = copy.copy(operator)
    moved.opcodeIndex = 0
    moved.inputs = [place[number] for number in operator.inputs]
    moved.outputs = [place[number] for number in operator.outputs]
    alone.operators, alone.inputs, alone.outputs = [moved], given, moved.outputs
    file.version = graph.model.version
    file.operatorCodes = [graph.model.operatorCodes[operator.opcodeIndex]]
    file.subgraphs = [alone]
    return Graph(file)
