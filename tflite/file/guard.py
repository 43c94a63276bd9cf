"""Files that may be damaged, kept away from this process: LiteRT runs them in one of their own.

LiteRT's interpreter trusts a file: offsets that point nowhere crash it, and the process with it.
A file whose digest is in the JSON beside it is as it was written, and runs here.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import threading
from hashlib import sha256
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from keras_inception.children import command
from keras_inception.errors import BadInput
from keras_inception.native_output import held_back

log = logging.getLogger(__name__)

IDENTIFIER = b"TFL3"
# Seconds for one answer, and bytes a second for opening: ten times what a slow machine needs.
ANSWER, SPEED = 60, 5e6


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a `.tflite` file. Raises BadInput if there is none, or if it is not one."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"there is no file {str(path)!r}; give a .tflite file")
    content = path.read_bytes()
    if content[4:8] != IDENTIFIER:
        raise BadInput(f"{path} is not a .tflite file: it lacks the mark {IDENTIFIER.decode()}")
    return content


def as_written(path: str | Path, content: bytes) -> bool:
    """Whether the JSON beside the file has the digest of its content; warns if it has another."""
    beside = Path(path).with_suffix(".json")
    try:
        wanted = json.loads(beside.read_text())["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if wanted == sha256(content).hexdigest():
        return True
    log.warning(
        "%s is not as it was written: its digest is not the one in %s; if nobody changed it, it is "
        "damaged: export it again",
        path,
        beside.name,
    )
    return False


def interpreter(path: str | Path | None, content: bytes, threads: int = 1, **options):
    """LiteRT's interpreter with this content, its tensors allocated; in a process of its own if the
    file at `path` may not be as it was written. None stands for what was converted just now, for
    which there may be more `options` of LiteRT's.

    Raises BadInput if it cannot be run.
    """
    try:
        if path is not None and not as_written(path, content):
            return Guarded(Process(str(path), len(content)), content, threads)
        with held_back():
            found = Interpreter(model_content=content, num_threads=threads, **options)
            found.allocate_tensors()
        return found
    except (ValueError, RuntimeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path or 'the file'} cannot be run: {error}") from error


def require_sound(path: str | Path, content: bytes) -> None:
    """Raises BadInput unless the file runs and all its tables can be read: what is then read here
    comes to an end."""
    if not as_written(path, content):
        process = Process(str(path), len(content))
        found = Guarded(process, content, 1)
        found.invoke()
        process.call("unpack", data=content)


class Process:
    """A child that answers calls, each within ANSWER seconds, and dies without taking us along."""

    def __init__(self, name: str, size: int):
        self._name = name
        self._patience = ANSWER + size / SPEED
        self._child = subprocess.Popen(
            command(f"{__package__}.guarded"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def call(self, what: str, data: bytes = b"", **arguments) -> tuple[dict, bytes]:
        """The answer and its bytes. Raises BadInput if the child refuses, dies or is too slow."""
        late = threading.Event()

        def stop():
            late.set()
            self._child.kill()

        clock = threading.Timer(self._patience, stop)
        clock.start()
        try:
            head = json.dumps({"what": what, "bytes": len(data), **arguments})
            self._child.stdin.write(head.encode() + b"\n" + data)
            self._child.stdin.flush()
            answer = json.loads(self._child.stdout.readline())
            found = self._child.stdout.read(answer["bytes"])
            if len(found) != answer["bytes"]:
                raise EOFError
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            self.close()
            why = "comes to no end with it" if late.is_set() else "crashes on it"
            raise BadInput(
                f"{self._name} cannot be run: LiteRT {why}; get the file again, or export it again"
            ) from error
        finally:
            clock.cancel()
        if "error" in answer:
            raise BadInput(f"{self._name} cannot be run: {answer['error']}")
        return answer, found

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def __del__(self):
        self.close()


class Guarded:
    """What we use of LiteRT's `Interpreter`, at a distance."""

    def __init__(self, process: Process, content: bytes, threads: int):
        self._process = process
        self._details, _ = process.call("open", data=content, threads=threads)
        for each in (*self._details["inputs"], *self._details["outputs"]):
            each["shape"] = np.array(each["shape"], np.int32)

    def get_input_details(self) -> list[dict]:
        return self._details["inputs"]

    def get_output_details(self) -> list[dict]:
        return self._details["outputs"]

    def set_tensor(self, index: int, value: np.ndarray) -> None:
        kind = {"dtype": value.dtype.name, "shape": value.shape}
        self._process.call("set_tensor", data=value.tobytes(), index=index, **kind)

    def invoke(self) -> None:
        self._process.call("invoke")

    def get_tensor(self, index: int) -> np.ndarray:
        answer, data = self._process.call("get_tensor", index=index)
        return np.frombuffer(data, answer["dtype"]).reshape(answer["shape"])
