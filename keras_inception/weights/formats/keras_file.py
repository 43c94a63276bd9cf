"""The archive that a `.keras` file is, and weights as Keras 3 saves them, there or alone."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ...errors import BadInput
from . import keras_h5

#: How far a file in the archive may unfold: weights hardly do, a config some tenfold.
UNFOLDED = 100


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Whatever goes wrong with the file `path` is one sentence: it is others' code that reads it,
    and a damaged file meets faults of all kinds there."""
    try:
        yield
    except (Exception, MemoryError) as error:
        # Keras says much in many lines, some of them bold.
        why = " ".join(re.sub(r"\x1b\[\d*m", "", str(error)).split())
        raise BadInput(f"{path} cannot be loaded: {why[:400] or type(error).__name__}") from error


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; no name in it is ever a file's on the disk. Raises BadInput if it is none."""
    if not path.is_file():
        raise BadInput("there is no such file; give a .keras file")
    if not zipfile.is_zipfile(path):
        raise BadInput("it is not a .keras file; save the model anew with model.save")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != len(set(names)):
            raise BadInput("it holds two files of one name; save the model anew with model.save")
        yield archive


def member(archive: zipfile.ZipFile, name: str, largest: int | None = None):
    """A file in the archive, opened, of `largest` bytes at most.

    Raises BadInput if it is larger, unfolds too far, or is not there.
    """
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise BadInput(f"it holds no {name}; save the model anew with model.save") from None
    # Other methods than these may ask for gigabytes before they give a byte.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadInput(f"{name} in it is packed in a way that Keras does not pack")
    # What is said to be packed may be more than the file has.
    packed = min(info.compress_size, Path(archive.filename).stat().st_size)
    if info.file_size > UNFOLDED * max(packed, 1 << 10):
        raise BadInput(f"{name} in it unfolds more than {UNFOLDED}-fold; it is not read")
    if largest and info.file_size > largest:
        raise BadInput(f"{name} in it has {info.file_size:,} bytes, more than {largest:,}")
    return archive.open(info)


WEIGHTS = "model.weights.h5"


@contextmanager
def _unpacked(archive: zipfile.ZipFile, folder: Path) -> Iterator[Path]:
    """A file in `folder` of the weights in the archive, as whoever made it wrote them."""
    given = folder / "given.h5"
    with member(archive, WEIGHTS) as source, given.open("wb") as target:
        shutil.copyfileobj(source, target)
    yield given
    given.unlink()


def copy_weights(archive: zipfile.ZipFile, folder: Path) -> tuple[Path, int]:
    """A file in `folder` of the weights in the archive, written here, and how many numbers they
    are. Raises BadInput as `keras_h5.copy` does."""
    with _unpacked(archive, folder) as given:
        held = keras_h5.copy(given, folder / WEIGHTS, Path(archive.filename))
    return folder / WEIGHTS, held


def named(archive: zipfile.ZipFile, folder: Path, paths: dict[str, str]) -> dict[str, np.ndarray]:
    """`layer/0`, `layer/1`, … -> array of the weights in the archive, whose layers `paths` names.

    Raises BadInput as `keras_h5.copy` does, and for weights of no layer.
    """
    with _unpacked(archive, folder) as given:
        arrays = keras_h5.read_paths(given, Path(archive.filename))
    found = {}
    for path, array in arrays.items():
        layer, _, number = path.rpartition("/vars/")
        if layer.startswith("layers/") and "seed_generator" not in layer:
            if layer not in paths:
                raise BadInput(f"its weight {path} is of no layer in it; save the model anew")
            found[f"{paths[layer]}/{number}"] = array
    return found


def read(path: Path) -> dict[str, np.ndarray]:
    """The weights in a `.keras` file, as `keras_h5.read` gives them. Raises BadInput as that."""
    with (
        opened(path) as archive,
        tempfile.TemporaryDirectory() as folder,
        _unpacked(archive, Path(folder)) as given,
    ):
        return keras_h5.read(given, path)


def fill(model, path: str | Path) -> None:
    """Give `model`, of Keras 3 or tf_keras, the weights in a `.keras` or `.weights.h5` file.

    Nothing else of the file is read. Raises BadInput if it is damaged, or of another model.
    """
    path = Path(path)
    with told(path), tempfile.TemporaryDirectory() as folder:
        if path.suffix == ".keras":
            with opened(path) as archive:
                weights, _ = copy_weights(archive, Path(folder))
        else:
            weights = Path(folder, WEIGHTS)
            keras_h5.copy(path, weights, path)
        model.load_weights(weights)
