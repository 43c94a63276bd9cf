"""`tfrecord:DIR`: what `keras-inception data pack` wrote, read image by image in any order."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal
from zlib import crc32

import numpy as np

from keras_inception import records
from keras_inception.errors import BadInput
from keras_inception.images import Unreadable, refusing
from keras_inception.weights.formats import numpy_arrays

from .. import tfrecord
from ..examples import PARTS, TRAIN, Examples, Parts, of_files

#: What says how a set was packed, and what is there until it is.
RECORD, PLAN = "pack.json", "unfinished.json"


@dataclass(frozen=True)
class Plan:
    """What a packed set holds, of which images, and how they were split; `images` and `shards` by
    the part of the split. Packs of earlier releases had no validation part."""

    source: str
    holdout: float
    seed: int
    fingerprint: str
    classes: tuple[str, ...]
    channels: Literal[1, 3]
    images: dict[str, int]
    shards: dict[str, int]
    validation: float | None = None
    group_by: str = ""

    @property
    def split_fingerprint(self) -> str:
        """Of the split as well: the same images packed with another seed are another set."""
        split = f"{self.fingerprint} {self.holdout} {self.seed}"
        if self.validation is not None:
            split += f" {self.validation}"
        if self.group_by:
            split += f" {self.group_by}"
        return sha256(split.encode()).hexdigest()


def index_file(folder: Path, part: str) -> Path:
    """Shard, offset, length and CRC-32 of every image in their order, its label and digest.

    TFRecord's own CRC-32C takes twenty times as long in Python as zlib's.
    """
    return folder / f"{part}.index.npz"


def read(folder: Path) -> Parts:
    """The set as it was split when it was packed. In packs of two parts, which earlier releases
    wrote, the second, called validation, is the test part."""
    if not (folder / RECORD).is_file():
        raise BadInput(
            f"{folder} holds no packed set: it has no {RECORD}; "
            f"write one with `keras-inception data pack SOURCE {folder}`"
        )
    try:
        plan = records.convert(records.read(folder / RECORD), Plan)
        train, *others = (_part(folder, plan, part) for part in PARTS if part in plan.shards)
        if TRAIN not in plan.shards or not others:
            raise BadInput(f"it has the parts {', '.join(plan.shards) or 'none'} alone")
        return (train, *others) if len(others) == 2 else (train, None, *others)
    except Exception as error:  # What NumPy and zipfile raise on damage, neither says.
        raise BadInput(
            f"the packed set in {folder} is damaged ({error}); pack it again, or restore it"
        ) from error


def _part(folder: Path, plan: Plan, part: str) -> Examples:
    count = plan.shards[part]
    there = len([*folder.glob(f"{part}-*-of-{count:05}.tfrecord")])
    if not 0 < count == there:
        raise BadInput(f"of {count} shards of {part}, {there} are there")
    shards = [folder / f"{part}-{shard:05}-of-{count:05}.tfrecord" for shard in range(count)]
    arrays = numpy_arrays.read(index_file(folder, part))
    where, labels = (arrays[name].astype(np.int64, casting="safe") for name in ("where", "labels"))
    shard, offset, length, crc = where
    digests = [row.tobytes() for row in arrays["digests"]]
    if not len(labels) == len(digests) == len(shard) == plan.images[part]:
        raise BadInput(f"its index of {part} is not of {plan.images[part]} images")
    if where.min() < 0 or labels.min() < 0 or labels.max() >= len(plan.classes):
        raise BadInput(f"its index of {part} has labels or places that are not there")
    for number, path in enumerate(shards):
        ends = (offset + length)[shard == number].max() + 4
        if not path.is_file() or path.stat().st_size != ends:
            raise BadInput(f"{path.name} is missing or not whole")

    def features(i: int) -> dict:
        with refusing("damaged"):
            with open(shards[shard[i]], "rb") as file:
                file.seek(offset[i])
                data = file.read(length[i])
            if crc32(data) != crc[i]:
                raise Unreadable(f"image {i} of {part} is damaged", "damaged")
            return tfrecord.features_of(data)

    def name(i: int) -> str:
        try:
            return f"{folder}: {features(i)['image/filename'].decode(errors='replace')}"
        except Unreadable:
            return f"{folder}: {part} {i}"

    return of_files(
        lambda i: features(i)["image/encoded"],
        labels,
        plan.classes,
        plan.channels,
        plan.split_fingerprint,
        name=name,
        digests=digests,
    )
