"""Packing a data set into TFRecord shards, which are read fast from any disk, and by others too."""

from __future__ import annotations

import io
import json
import logging
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from zlib import crc32

import numpy as np

from keras_inception import records
from keras_inception.errors import BadInput
from keras_inception.files import replacing, write_json
from keras_inception.images import Unreadable, format_of, opened
from keras_inception.locks import alone

from . import DataRef, tfrecord
from .examples import TEST, TRAIN, VALIDATION, Examples
from .sources.packed import PLAN, RECORD, Plan, index_file, read

log = logging.getLogger(__name__)

#: ImageNet's photographs fill about 200 megabytes each.
PER_SHARD = 2048


def pack(data: DataRef, folder: Path) -> Plan:
    """Write the images of `data`, split, into `folder`; what its pack.json says.

    Files go in as they are, arrays as PNG. Packing that was interrupted goes on where it stopped.
    Raises BadInput if `folder` holds something else.
    """
    split = data.split()
    parts = {TRAIN: split.train, VALIDATION: split.validation, TEST: split.test}
    if split.validation is split.test:  # One part that serves as both is packed once.
        del parts[VALIDATION]
    plan = Plan(
        **asdict(data),
        fingerprint=split.train.fingerprint,
        classes=split.train.classes,
        channels=split.train.channels,
        images={part: len(examples) for part, examples in parts.items()},
        shards={part: -(-len(examples) // PER_SHARD) for part, examples in parts.items()},
    )
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; name a new or an empty folder")
    with alone(folder / ".lock", f"{folder} is being packed by another process; wait for its end"):
        _claim(folder, plan)
        for part, examples in parts.items():
            _write(folder, part, examples, plan.shards[part])
        (folder / PLAN).replace(folder / RECORD)
        read(folder)
    return plan


def _claim(folder: Path, plan: Plan) -> None:
    if (folder / RECORD).exists():
        raise BadInput(f"{folder} already holds a packed set; name another folder, or remove it")
    wanted, begun = json.loads(json.dumps(asdict(plan))), None
    with suppress(BadInput):
        begun = records.read(folder / PLAN)
    if begun != wanted and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise BadInput(
            f"{folder} holds something else than the beginning of this packing; "
            "name a new or an empty folder"
        )
    write_json(folder / PLAN, wanted)


def _write(folder: Path, part: str, examples: Examples, shards: int) -> None:
    """Image k goes into shard k modulo the number of shards: classes are spread over them all."""
    where = np.zeros((4, len(examples)), np.int64)
    for shard in range(shards):
        path = folder / f"{part}-{shard:05}-of-{shards:05}.tfrecord"
        chosen = range(shard, len(examples), shards)
        if not path.exists():  # It is whole if it is there.
            with replacing(path) as temporary, open(temporary, "wb") as file:
                for i in chosen:
                    file.write(tfrecord.framed(_record(examples, i)))
            log.info("%s: %d images", path, len(chosen))
        rows = [(shard, at, len(data), crc32(data)) for at, data in tfrecord.records(path)]
        where[:, shard::shards] = np.transpose(rows)
    digests = np.frombuffer(b"".join(examples.digests), np.uint8).reshape(len(examples), -1)
    with replacing(index_file(folder, part)) as temporary:
        np.savez(temporary, where=where, labels=examples.labels, digests=digests)


def _record(examples: Examples, i: int) -> bytes:
    """A tf.train.Example under the names of TF-slim's ImageNet."""
    label = int(examples.labels[i])
    try:
        if examples.encoded is None:
            buffer = io.BytesIO()
            examples.image(i).save(buffer, "PNG")
            content = buffer.getvalue()
        else:
            content = examples.encoded(i)
        format = format_of(opened(content)).lower()
    except Unreadable as error:
        raise BadInput(f"{examples.name(i)} cannot be read: {error}") from error
    return tfrecord.example(
        {
            "image/encoded": content,
            "image/format": format.encode(),
            "image/class/label": label,
            "image/class/text": examples.classes[label].encode("utf-8", "surrogateescape"),
            "image/filename": examples.name(i).encode("utf-8", "surrogateescape"),
        }
    )
