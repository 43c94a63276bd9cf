"""The operators of a `.tflite` file, timed each as a file of its own.

The interpreter of the wheel hands the whole graph to XNNPACK and says nothing of what happens in
it. Cut out, every operator runs by itself, with the kernel, the threads and the shapes it has in
the file; where the runtime fuses two, as it does a padding with its convolution, their sum is more
than they take together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from timeit import repeat

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ..file.graph import Graph

#: Turns that files take which are compared: long enough for the first runs of each, after the
#: others', not to count in a 95th percentile.
TURNS = 4


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
    alone = [_alone(cut_out(graph, operator)) for operator in graph.operators]
    times = iter(in_turns([partial(_timed, run) for run, _ in alone if run], rounds, rounds))
    kinds = defaultdict(list)
    for (run, accelerated), (name, _) in zip(alone, graph.kinds(), strict=True):
        kinds[name].append((next(times)["median"] if run else None, accelerated))
    found = []
    for name, members in kinds.items():
        spent, accelerated = zip(*members, strict=True)
        milliseconds = None if None in spent else sum(spent)
        found.append(Operators(name, len(members), milliseconds, all(accelerated)))
    return sorted(found, key=lambda kind: -(kind.milliseconds or 0))


def _by_time(data: bytes, rounds: int) -> tuple[dict, bytes]:
    return {"kinds": [*map(vars, by_time(Graph.read(data), rounds))]}, b""


#: What `guard`'s child does of this.
GUARDED = {"by_time": _by_time}


def in_turns(timed: Sequence[Callable[[int], list[float]]], runs: int, turns: int = TURNS):
    """Milliseconds, by name, of those that run so many times and give the seconds of each: of the
    `first` run, and `median` and `p95` of `runs` that they share out among so many turns, after a
    tenth of that for warming up."""
    firsts = [run(1)[0] for run in timed]
    times: list[list[float]] = [[] for _ in timed]
    shares = [len(range(turn, runs, turns)) for turn in range(min(turns, runs))]
    for run in timed:
        run(max(1, runs // 10))
    for count in shares:
        for run, mine in zip(timed, times, strict=True):
            mine += run(count)
    return [
        {
            "first": 1000 * first,
            "median": 1000 * median(mine),
            "p95": 1000 * sorted(mine)[math.ceil(0.95 * len(mine)) - 1],
        }
        for first, mine in zip(firsts, times, strict=True)
    ]


def _timed(function: Callable, runs: int) -> list[float]:
    return repeat(function, number=1, repeat=runs)


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
