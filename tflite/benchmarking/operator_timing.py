"""The operators of a `.tflite` file, timed each as a file of its own.

The interpreter of the wheel hands the whole graph to XNNPACK and says nothing of what happens in
it. Cut out, every operator runs by itself, with the kernel, the threads and the shapes it has in
the file; where the runtime fuses two, as it does a padding with its convolution, their sum is more
than they take together.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
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


def by_time(graph: Graph, rounds: int) -> list[Operators]:
    """The operators of a file by kind, the slowest first.

    In each round every operator has its turn, in the file's order, so that it finds the caches as
    it does in the file; milliseconds are sums of the operators' medians.
    """
    with held_back():
        alone = [_alone(cut_out(graph, operator)) for operator in graph.operators]
    times = iter(in_turns([run for run, _ in alone if run], rounds))
    kinds = defaultdict(list)
    for (run, accelerated), (name, _) in zip(alone, graph.kinds(), strict=True):
        kinds[name].append((next(times)["median"] if run else None, accelerated))
    found = []
    for name, members in kinds.items():
        spent, accelerated = zip(*members, strict=True)
        milliseconds = None if None in spent else sum(spent)
        found.append(Operators(name, len(members), milliseconds, all(accelerated)))
    return sorted(found, key=lambda kind: -(kind.milliseconds or 0))


def in_turns(functions, runs: int) -> list[dict]:
    """Milliseconds of calls that take turns: the `first`, and `median` and `p95` of `runs` calls
    after a tenth of that for warming up."""
    times = [[] for _ in functions]
    warm_up = max(1, runs // 10)
    for _ in range(warm_up + runs):
        for function, mine in zip(functions, times, strict=True):
            began = time.perf_counter()
            function()
            mine.append(1000 * (time.perf_counter() - began))
    return [
        {
            "first": mine[0],
            "median": float(np.median(mine[warm_up:])),
            "p95": float(np.percentile(mine[warm_up:], 95)),
        }
        for mine in times
    ]


def _alone(graph: Graph):
    """What runs the file of one operator, None if it cannot run, and whether a delegate does."""
    try:
        interpreter = Interpreter(model_content=graph.content, num_threads=1)
        interpreter.allocate_tensors()
        for each in interpreter.get_input_details():
            interpreter.set_tensor(each["index"], np.ones(each["shape"], each["dtype"]))
        interpreter.invoke()
    except (ValueError, RuntimeError):
        return None, False
    taken = any(each["op_name"] == "DELEGATE" for each in interpreter._get_ops_details())
    return interpreter.invoke, taken


def cut_out(graph: Graph, operator) -> Graph:
    """A file with this operator alone: what it computes from is the input, constants apart."""
    given = dict.fromkeys(i for i in operator.inputs if i in graph.makers or i in graph.inputs)
    return graph.cut(operator.outputs, [*given])
