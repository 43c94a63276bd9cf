"""Holding back what native code prints past Python: start-up notices, converter progress."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_back() -> Iterator[None]:
    """Nothing reaches the terminal inside this block; if it raises, everything does after all."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 1)
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in enumerate(saved, start=1):
                os.dup2(copy, number)
                os.close(copy)
            if failed:
                held.seek(0)
                sys.stderr.write(held.read().decode(errors="replace"))


def verbosity() -> int:
    """Keras' `verbose`: a bar where a person looks on, in a terminal or a notebook; in a log a line
    an epoch."""
    return 1 if sys.stdout.isatty() or "ipykernel" in sys.modules else 2
