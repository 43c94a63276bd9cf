"""Files of others, kept away from this process: LiteRT runs them in one of their own.

LiteRT's interpreter trusts a file: offsets that point nowhere crash it, and whoever chooses them
may do more. The child has given up what it does not need (`keras_inception.sandbox`) before it sees
the file, and no more of its answers is read than was asked for.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

# What the child imports must be installed: who asks for it here is told how.
import ai_edge_litert  # noqa: F401
import numpy as np

from keras_inception import records
from keras_inception.children import ALONE, command
from keras_inception.errors import BadInput
from keras_inception.native_output import held_back

from .tensor import Tensor

T = TypeVar("T")

# Seconds for one answer, and bytes a second for opening: ten times what a slow machine needs. The
# child's own start is no fault of the file.
ANSWER, SPEED, START = 20, 5e6, 60
# What a network may need beside its file: the tensors, and what the kernels keep.
MEMORY, UNFOLDED = 3 << 29, 20
# Images in one message, and its bytes.
TOGETHER, MESSAGE = 32, 16 << 20
# Bytes of an answer beside its data.
WORDS = 1 << 20
#: Lengths of a message's JSON and of the data behind it.
HEAD = struct.Struct("<QQ")
_WHY = f"`python -m {__package__}.guarded {MEMORY}` says why"


def opened(
    path: str | Path | None,
    content: bytes,
    threads: int = 1,
    keep_tensors: bool = False,
    trust: bool = False,
):
    """The file with this content, an `Opened` or what is one at a distance: in a process of its
    own, unless `path` is None, for what was converted just now, or the user trusts it.

    Raises BadInput if it cannot be run.
    """
    if path is not None and not trust:
        return Guarded(Process(str(path), len(content)), content, threads)
    from .opened import Opened

    try:
        with held_back():
            return Opened(content, threads, keep_tensors)
    except (ValueError, RuntimeError) as error:
        raise BadInput(f"{path or 'the file'} cannot be run: {error}") from error


class Process:
    """A child that answers calls, each within ANSWER seconds, and dies without taking us along.

    Beside those of `guarded` it has the calls that `modules` name in their GUARDED.
    """

    def __init__(self, name: str, size: int, *modules: str):
        self._name, self._ready = name, False
        self._patience = ANSWER + size / SPEED
        self._child = subprocess.Popen(
            [*command(f"{__package__}.guarded"), str(MEMORY + UNFOLDED * size), *modules],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ALONE},
        )

    def call(
        self,
        what: str,
        data: bytes = b"",
        kind: type[T] = dict,
        sizes: range = range(1),
        extra: float = 0,
        **arguments,
    ) -> tuple[T, bytes]:
        """The answer, which is a `kind`, and its data, of one of so many bytes. Raises BadInput if
        the child refuses, dies, says something else, or is more than `extra` seconds too slow."""
        if not self._ready:
            self._within(START, lambda: self._read(1), f"does not start; {_WHY}")
            self._ready = True
        words = json.dumps({"what": what, **arguments}).encode()
        message = HEAD.pack(len(words), len(data)), words, data
        answer, found = self._within(
            self._patience + extra,
            lambda: self._exchange(message, kind, sizes),
            "crashes on it; get the file again, or export it again",
        )
        if isinstance(found, str):
            raise BadInput(f"{self._name} cannot be run: {found}")
        return answer, found

    def _within(self, seconds: float, function, otherwise: str):
        """What `function` gives. It has a thread of its own, as a child that did not die alone
        could keep it waiting for ever."""
        given: list = []

        def work():
            with contextlib.suppress(OSError, ValueError, EOFError):
                given.append(function())

        worker = threading.Thread(target=work, daemon=True)
        try:
            worker.start()
            worker.join(seconds)
        finally:
            if not given:
                late = worker.is_alive()
                self.close()
        if not given:
            why = "comes to no end with it; export it again" if late else otherwise
            raise BadInput(f"{self._name} cannot be run: LiteRT {why}")
        return given[0]

    def _exchange(self, message, kind: type, sizes: range) -> tuple[Any, bytes | str]:
        for part in map(memoryview, message):
            while part:
                part = part[self._child.stdin.write(part) :]
        words, size = HEAD.unpack(self._read(HEAD.size))
        if words > WORDS:
            raise ValueError(f"an answer of {words} bytes")
        answer = records.parse(self._read(words))
        if isinstance(answer, dict) and "error" in answer:
            return None, " ".join(str(answer["error"])[:200].split())
        if size not in sizes:
            raise ValueError(f"{size} bytes of data")
        return records.convert(answer, kind), self._read(size)

    def _read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            part = self._child.stdout.read(min(size - len(found), MESSAGE))
            if not part:
                raise EOFError
            found += part
        return bytes(found)

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def __del__(self):
        if hasattr(self, "_child"):
            self.close()


@dataclass(frozen=True)
class _Ending:
    ending: Literal["softmax", "sigmoid", "linear"]


@dataclass(frozen=True)
class _Tensors:
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class Guarded:
    """An `Opened`, at a distance."""

    def __init__(self, process: Process, content: bytes, threads: int = 1):
        self._process, self._once = process, 0.0
        found, _ = process.call("open", content, _Tensors, threads=threads)
        self.inputs, self.outputs = found.inputs, found.outputs

    def run(self, images: np.ndarray) -> np.ndarray:
        """As `Opened.run`."""
        kind, row = np.dtype(self.outputs[0].dtype), math.prod(self.outputs[0].shape)
        together = max(1, min(TOGETHER, MESSAGE // max(1, images[:1].nbytes)))
        parts = np.split(images, range(1, len(images), together))
        rows = (self._of_runs("run", kind, row * len(p), len(p), p.tobytes()) for p in parts)
        return np.concatenate([*rows]).reshape(-1, row)

    def seconds(self, runs: int) -> list[float]:
        """As `Opened.seconds`: the child has the clock."""
        parts = (1, runs - 1)[:runs]
        return np.concatenate([self._of_runs("seconds", float, n, n) for n in parts]).tolist()

    def ending(self) -> str:
        """As `Opened.ending`."""
        return self._process.call("ending", b"", _Ending)[0].ending

    def _of_runs(self, what: str, kind, count: int, runs: int, data: bytes = b"") -> np.ndarray:
        """The first is of one run, timed by our clock: later ones have ten times that for each."""
        began = time.monotonic()
        found = self._numbers(what, kind, count, data, extra=10 * runs * self._once, runs=runs)
        if runs == 1:
            self._once = time.monotonic() - began
        return found

    def _numbers(self, what: str, kind, count: int, data: bytes = b"", **said) -> np.ndarray:
        size = count * np.dtype(kind).itemsize
        _, found = self._process.call(what, data, sizes=range(size, size + 1), **said)
        return np.frombuffer(found, kind)
