"""What is made once for a run of the suite, whichever of its processes needs it first."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_inception.locks import locked


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder of this process' own with what `make` writes into the folder it is given.

    Another process of the suite may have made it already, or be at it, and is waited for; one that
    dies over it leaves the lock to the next, which begins anew.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # that of all workers
    whole = root / f"once-{name}"
    with open(root / f"once-{name}.lock", "w", encoding="utf-8") as lock:
        while not whole.is_dir():
            if locked(lock.fileno()):
                if not whole.is_dir():
                    begun = root / f"once-{name}-begun"
                    shutil.rmtree(begun, ignore_errors=True)
                    make(begun)
                    begun.rename(whole)
            else:
                time.sleep(0.1)
    return Path(shutil.copytree(whole, factory.mktemp(name) / name))
