"""Runs compared: a run that was interrupted ends as one that was not."""

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import keras_inception as ki
from keras_inception.training.run import run_folder


def temporaries(folder):
    """Files that were being written, other than locks."""
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


def assert_same(folder, whole):
    """The run in `folder` is `whole` to the last bit: weights, log, result and curves."""
    __tracebackhide__ = True
    run = run_folder.read(folder)
    assert run.log.read_text() == whole.log.read_text()
    weights = zip(*(ki.load_model(r.model).get_weights() for r in (run, whole)), strict=True)
    for a, b in weights:
        np.testing.assert_array_equal(a, b)
    assert {**run.result, "seconds": 0} == {**whole.result, "seconds": 0}
    events = EventAccumulator(str(run.tensorboard / "train")).Reload()
    assert [event.step for event in events.Tensors("main/loss")] == [1, 2, 3]
    assert temporaries(folder) == []
