"""Whether a run has a board, which it has where TensorBoard is installed, and what it shows."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from keras_inception.errors import needed_by

from ..data.batches import TrainingBatches
from ..run.run_folder import Run
from . import profile
from .gradient_norms import GradientNorms

if TYPE_CHECKING:
    from .callback import Board

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BoardOptions:
    """What a board shows only when asked: histograms of all weights after every epoch, and a
    profile of a few steps. Raises BadInput if TensorBoard, which shows them, is not installed, or
    if the backend cannot profile."""

    histograms: bool = False
    profile: bool = False

    def __post_init__(self):
        if self.profile:
            profile.profiler()
        if self.histograms or self.profile:
            with needed_by("a look at histograms or a profile"):
                import_module("tensorboard")


DEFAULT = BoardOptions()


def board_of(
    run: Run, batches: TrainingBatches, validated: int, norms: GradientNorms, histograms: bool
) -> Board | None:
    """The run's board, as it was before the next epoch, of which `validated` is the number of
    validation images; None where TensorBoard is not installed, which trains as well: `log.csv` has
    the curves."""
    if find_spec("tensorboard") is None:
        log.info('the curves are in %s; TensorBoard: pip install "keras-inception[train]"', run.log)
        return None
    from .callback import Board
    from .events import truncate

    log.info("TensorBoard: %s", run.tensorboard)
    truncate(run.tensorboard, batches.epoch + 1)
    return Board(run, batches, validated, norms, histograms)


@contextmanager
def full_disk_as_elsewhere() -> Iterator[None]:
    """A full disk is an OSError, though TensorFlow, where it is installed, writes event files."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise OSError(errno.ENOSPC, str(error)) from error
