"""The run folder: everything a training run leaves, and how it was made."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from keras_inception.errors import BadInput
from keras_inception.files import write_json
from keras_inception.preprocess import Preprocessing
from keras_inception.record import from_record, to_record
from keras_inception.spec import Network

from .data import Split, load
from .recipes import Recipe

PACKAGES = (
    "keras-inception",
    "keras",
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "jax",
    "torch",
    "numpy",
    "pillow",
)


def versions() -> dict[str, str]:
    """Python's and the installed packages' versions."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@dataclass
class Run:
    """A run folder and its `run.json`.

    checkpoint.npz     the training state after the last finished epoch
    model.keras        the trained network for inference: one output, float32
    log.csv            one line per epoch; tensorboard/ the same as curves, and pictures
    *.tflite           what was exported, each with a .json of its labels and preprocessing
    """

    folder: Path
    recipe: Recipe
    network: Network
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    data: dict
    environment: dict
    result: dict

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.npz"

    @property
    def model(self) -> Path:
        return self.folder / "model.keras"

    @property
    def log(self) -> Path:
        return self.folder / "log.csv"

    @property
    def tensorboard(self) -> Path:
        return self.folder / "tensorboard"

    def split(self) -> Split:
        """The images it was trained on and those held out, loaded anew."""
        return load(self.recipe.data, self.recipe.holdout, self.recipe.seed)

    def save(self) -> None:
        record = {
            "recipe": asdict(self.recipe),
            "network": to_record(self.network),
            "preprocessing": asdict(self.preprocessing),
            "classes": self.classes,
            "data": self.data,
            "environment": self.environment,
            "result": self.result,
        }
        write_json(self.folder / "run.json", record)


def exists(folder: str | Path) -> bool:
    return (Path(folder) / "run.json").is_file()


def read(folder: str | Path) -> Run:
    """The run in `folder`. Raises BadInput if there is none, or if its record is damaged."""
    folder = Path(folder)
    if not exists(folder):
        raise BadInput(
            f"{folder} is not a run folder: it has no run.json; "
            "give a folder that `keras-inception train` wrote"
        )
    try:
        record = json.loads((folder / "run.json").read_text())
        return Run(
            folder,
            Recipe(**record["recipe"]),
            from_record(record["network"]),
            Preprocessing(**record["preprocessing"]),
            tuple(record["classes"]),
            record["data"],
            record["environment"],
            record["result"],
        )
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise BadInput(
            f"{folder}/run.json is damaged ({type(error).__name__}: {error}); "
            "train again, or restore it from a copy"
        ) from error


def trained(folder: str | Path) -> Run:
    """The run in `folder`, which must have a trained model."""
    run = read(folder)
    if not run.model.is_file():
        raise BadInput(
            f"{run.folder} has no trained model yet; finish the run with "
            f"`keras-inception train --run {run.folder} --resume`"
        )
    return run
