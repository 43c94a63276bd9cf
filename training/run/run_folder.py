"""The run folder: everything a training run leaves, and how it was made."""

from __future__ import annotations

import csv
import io
import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path

from keras_inception import records
from keras_inception.class_matching import match
from keras_inception.errors import BadInput
from keras_inception.files import write_bytes
from keras_inception.locks import alone
from keras_inception.metrics import Scores
from keras_inception.preprocess import Preprocessing
from keras_inception.serialization import from_config, to_config
from keras_inception.spec import Network

from ..data import DataRef, Split
from ..data.examples import HELD_OUT
from ..recipes.recipe import Recipe


@dataclass(repr=False)
class Run:
    """A run folder and its `run.json`.

    checkpoints/       the training state after the newest epochs and the best one
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

    def __post_init__(self):
        self.checkpoints = self.folder / "checkpoints"
        self.model, self.log = self.folder / "model.keras", self.folder / "log.csv"
        self.tensorboard = self.folder / "tensorboard"

    def __fspath__(self) -> str:
        return str(self.folder)

    def __str__(self):
        if not self.result:
            return f"{self.folder}: not finished"
        return f"{self.model}: {self.scores}; {self.result['seconds']} s"

    __repr__ = __str__

    @property
    def scores(self) -> Scores:
        """How the trained network does on the images that it is tested on."""
        known = {field.name for field in fields(Scores)}
        # Runs made before there was a validation part chose by the images that they report on.
        result = {"part": HELD_OUT} | {k: v for k, v in self.result.items() if k in known}
        return records.convert(result, Scores)

    @property
    def data_ref(self) -> DataRef:
        """Its images by name, and how they are split."""
        return DataRef.of(self.recipe)

    def split(self) -> Split:
        """The images it was trained on, chosen by and tested on, loaded anew.

        Raises BadInput if they have classes now that it does not know.
        """
        found = self.data_ref.split()
        if found.classes == self.classes:
            return found
        positions = match(found.classes, self.classes, what="the images", who=str(self.folder))
        return found.known_as(self.classes, positions)

    def to_json(self) -> str:
        record = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        record["recipe"], record["network"] = asdict(self.recipe), to_config(self.network)
        record["preprocessing"] = asdict(self.preprocessing)
        return json.dumps(record, indent=2) + "\n"

    def save(self) -> None:
        write_bytes(self.folder / "run.json", self.to_json().encode())

    def write_log(self, rows: list[dict]) -> None:
        """`log.csv` anew: appending could leave half a line, or an epoch twice."""
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_bytes(self.log, text.getvalue().encode())

    def alone(self) -> AbstractContextManager[None]:
        """No other process is in this block for the same folder. Raises BadInput if one is."""
        return alone(
            self.folder / ".lock",
            f"{self.folder} is being trained by another process; wait for its end or stop it, or "
            "name another folder",
        )


def must_be_new(folder: str | Path) -> None:
    """Raises BadInput if `folder` holds anything; hidden files do not count."""
    folder = Path(folder)
    if exists(folder):
        raise BadInput(
            f"{folder} already holds a run; continue it with --resume, or name another folder"
        )
    if folder.exists() and (
        not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())
    ):
        raise BadInput(f"{folder} exists and is no run; name a new or an empty folder")


def exists(folder: str | PathLike[str]) -> bool:
    return (Path(folder) / "run.json").is_file()


def read(folder: str | PathLike[str]) -> Run:
    """The run in `folder`. Raises BadInput if there is none, or if its record is damaged."""
    folder = Path(folder)
    if not exists(folder):
        raise BadInput(
            f"{folder} is not a run folder: it has no run.json; "
            "give a folder that `keras-inception train` wrote"
        )
    return from_json((folder / "run.json").read_bytes(), folder)


def from_json(text: str | bytes, folder: Path) -> Run:
    """The run in `folder` whose run.json is `text`. Raises BadInput if it is damaged."""
    try:
        record = records.parse(text)
        run = Run(
            folder,
            records.convert({"validation": 0.0, **records.part(record, "recipe", dict)}, Recipe),
            from_config(records.part(record, "network")),
            records.part(record, "preprocessing", Preprocessing),
            records.part(record, "classes", tuple[str, ...]),
            *(records.part(record, name, dict) for name in ("data", "environment", "result")),
        )
        if not isinstance(run.network, Network) or run.network.classes != len(run.classes):
            raise BadInput("its network has not one output for each of its classes")
        if run.result:
            _ = run.scores, records.part(run.result, "seconds")
        return run
    except BadInput as error:
        raise BadInput(
            f"{folder / 'run.json'} is damaged ({error}); train again, or restore it from a copy"
        ) from error


def trained(folder: str | PathLike[str]) -> Run:
    """The run in `folder`, which must have a trained model."""
    run = read(folder)
    if not run.model.is_file():
        raise BadInput(
            f"{run.folder} has no trained model yet; finish the run with "
            f"`keras-inception train --run {run.folder} --resume`"
        )
    return run
