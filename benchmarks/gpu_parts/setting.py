"""What every part is told, and how it tells what it finds."""

import json
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """rehearse: whether sizes are tiny and the device is the CPU; photos: a folder of a sub-folder
    per class, or ""; out: where results go; scratch: for files that nobody needs afterwards."""

    rehearse: bool
    photos: str
    out: str
    scratch: str
    backend: str

    @property
    def data(self) -> str:
        return f"folder:{self.photos}" if self.photos else "digits"

    def of(self, full, tiny):
        return tiny if self.rehearse else full

    def folder(self, name: str) -> Path:
        path = Path(self.scratch, name)
        path.mkdir(parents=True, exist_ok=True)
        return path


def network_of(recipe, channels: int, classes: int, *found):
    """The recipe's network; in a rehearsal its first rows and its first head."""
    from keras_inception.spec import Aux
    from keras_inception.training.recipes.recipe import network_of

    net = network_of(recipe, channels, classes, *found)
    if not SETTING.rehearse:
        return net
    heads = [row for row in net.rows if isinstance(row, Aux)]
    return replace(net, rows=(*net.rows[:4], *heads[:1]))


SETTING = Setting(**json.loads(os.environ["GPU_BENCHMARK"]))


def tell(what: str, **values) -> None:
    """One result: printed by the driver, and a row of its table."""
    rounded = {k: _short(v) for k, v in values.items()}
    print(json.dumps({"what": what, **rounded}), flush=True)


def _short(value):
    if isinstance(value, float):
        return float(f"{value:.4g}")
    return [_short(v) for v in value] if isinstance(value, list | tuple) else value


def seconds_left() -> float:
    """Until the part is stopped; never less than one, so that it is the driver who stops it."""
    return max(1.0, float(os.environ["GPU_BENCHMARK_ENDS"]) - time.time())


def told(part: str) -> list[dict]:
    """What a part has found so far."""
    lines = Path(SETTING.out, "results.jsonl").read_text("utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["part"] == part]
