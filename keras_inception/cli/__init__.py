"""`keras-inception`: the command line. No framework is imported before a command needs it."""

from __future__ import annotations

import argparse
import errno
import io
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from .. import escaping
from ..errors import BadInput, Lost, Stopped, needed_by
from ..native_output import held_back
from . import catalog, data, evaluate, export, options, train

_FULL_OR_CLOSED = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)


def _start_frameworks(arguments) -> None:
    # TensorFlow's start-up notices are no news to the user of a command.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arguments.distribute:
        return  # JAX must know of the other processes before it looks for devices.
    with held_back():
        from keras_inception.training.recipes.precision import on_gpu

        on_gpu()


@contextmanager
def _terminated_politely() -> Iterator[None]:
    """SIGTERM raises, as Ctrl-C does, so that temporary files are removed."""

    def stop(number, frame):
        raise Stopped(number, "stopped")

    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets no other thread handle signals.
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="keras-inception",
        description="Train Inception networks, quantize them, and write .tflite files.",
    )
    #: Addresses of the processes that the command computes with; `train` alone can.
    top.set_defaults(distribute=None)
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="verb")
    for group in (catalog, data, train, export, evaluate):
        group.add(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command: 0 if it succeeded, 2 for bad input, bad data or a missing package, 1 for a
    system that refuses or another process that is gone, 130 for Ctrl-C and 143 for SIGTERM."""
    arguments = parser().parse_args(argv)
    status = _status(arguments)
    if status and arguments.distribute:
        # Otherwise JAX would wait at the exit for the others, and they for this one.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _status(arguments) -> int:
    _start_printing()
    logging.getLogger("keras_inception").setLevel(logging.INFO)
    # Pillow warns of images that are refused by name here.
    warnings.filterwarnings("ignore", "Image size .* exceeds limit")
    try:
        with _terminated_politely(), needed_by(arguments.verb):
            if arguments.needs_frameworks(arguments):
                _start_frameworks(arguments)
            return arguments.command(arguments) or 0
    except BadInput as error:
        said, status = error, 2
    except Stopped as stop:
        said, status = _with_way_on(str(stop), arguments), 128 + stop.number
    except KeyboardInterrupt:
        said, status = _with_way_on("stopped", arguments), 130
    except Lost as error:
        said, status = error, 1
    except OSError as error:
        if error.errno is None:
            raise
        kept = "; nothing that existed was changed" if error.errno in _FULL_OR_CLOSED else ""
        said, status = _with_way_on(f"{error}{kept}", arguments), 1
    options.say(f"keras-inception: {said}", file=sys.stderr)
    return status


def _with_way_on(said: str, arguments) -> str:
    """And how the command goes on, unless it was told already."""
    way = arguments.goes_on(arguments)
    return said if not way or "goes on" in said else f"{said}; {way}"


class _Formatter(logging.Formatter):
    def format(self, record):
        return escaping.terminal(super().format(record))


def _start_printing() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # What the locale does not have is escaped.
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
