"""TensorBoard's event files when a run goes on."""

from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from keras_inception.files import replacing, sweep


def forget(folder: Path, step: int) -> None:
    """Drop what the event files below `folder` say of `step` and later ones.

    An epoch may have been drawn before its checkpoint was complete. TensorBoard's own mark for a
    restart would do for its pages, but other readers of the files do not heed it.
    """
    for path in sorted(folder.rglob("events.*")):
        sweep(path)
        with replacing(path) as temporary, open(temporary, "wb") as file:
            writer = RecordWriter(file)
            for record in RawEventFileLoader(str(path)).Load():
                if Event.FromString(record).step < step:
                    writer.write(record)
