"""What TensorBoard reads, written with its own writer and protobufs: no TensorFlow is needed."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2, summary_v2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from keras_inception.files import replacing


class Events:
    """An event file in `folder`."""

    def __init__(self, folder: Path):
        self._writer = EventFileWriter(str(folder))
        self.flush, self.close = self._writer.flush, self._writer.close

    def scalar(self, tag: str, value: float, step: int) -> None:
        self._write(step=step, summary=scalar_pb(tag, value))

    def histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        """The distribution of `values`, in thirty bins."""
        self._write(step=step, summary=histogram_pb(tag, values))

    def image(self, tag: str, image: Image.Image, step: int) -> None:
        encoded = io.BytesIO()
        image.save(encoded, "PNG")
        value = [str(image.width).encode(), str(image.height).encode(), encoded.getvalue()]
        metadata = image_metadata.create_summary_metadata(None, None)
        values = [Summary.Value(tag=tag, tensor=make_tensor_proto(value), metadata=metadata)]
        self._write(step=step, summary=Summary(value=values))

    def text(self, tag: str, markdown: str, step: int) -> None:
        self._write(step=step, summary=text_pb(tag, markdown))

    def graph(self, graph: GraphDef) -> None:
        self._write(graph_def=graph.SerializeToString())

    def trial(self, settings: dict, metrics: Iterable[str]) -> None:
        """A row of the HParams table: `settings`, and the last values of the scalars `metrics`."""
        kinds = {bool: api_pb2.DATA_TYPE_BOOL, str: api_pb2.DATA_TYPE_STRING}
        experiment = api_pb2.Experiment(
            hparam_infos=[
                api_pb2.HParamInfo(name=name, type=kinds.get(type(v), api_pb2.DATA_TYPE_FLOAT64))
                for name, v in settings.items()
            ],
            metric_infos=[api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag)) for tag in metrics],
        )
        self._hparams(hparams_metadata.EXPERIMENT_TAG, experiment=experiment)
        self._write(summary=summary_v2.hparams_pb(settings))

    def trial_ends(self) -> None:
        ended = plugin_data_pb2.SessionEndInfo(
            status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time()
        )
        self._hparams(hparams_metadata.SESSION_END_INFO_TAG, session_end_info=ended)

    def _hparams(self, tag: str, **content) -> None:
        metadata = hparams_metadata.create_summary_metadata(
            plugin_data_pb2.HParamsPluginData(**content)
        )
        value = Summary.Value(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR)
        self._write(summary=Summary(value=[value]))

    def _write(self, **content) -> None:
        self._writer.add_event(Event(wall_time=time.time(), **content))


def truncate(folder: Path, step: int) -> None:
    """Drop what the event files below `folder` say of `step` and later ones.

    An epoch may have been drawn before its checkpoint was complete. TensorBoard's own mark for a
    restart would do for its pages, but other readers of the files do not heed it.
    """
    for path in sorted(folder.rglob("events.*")):
        with replacing(path) as temporary, open(temporary, "wb") as file:
            writer = RecordWriter(file)
            for record in RawEventFileLoader(str(path)).Load():
                if Event.FromString(record).step < step:
                    writer.write(record)
