"""Whether a run has a board, which it has where TensorBoard is installed."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..data.batches import TrainingBatches
from ..run.run_folder import Run
from .gradient_norms import GradientNorms
from .options import Watch

if TYPE_CHECKING:
    from .callback import Board

log = logging.getLogger(__name__)


def board_of(
    run: Run, batches: TrainingBatches, validated: int, norms: GradientNorms, watch: Watch
) -> Board | None:
    """The run's board, as it was before the next epoch, of which `validated` is the number of
    validation images; None where TensorBoard is not installed, which trains as well: `log.csv` has
    the curves."""
    if find_spec("tensorboard") is None:
        log.info('the curves are in %s; TensorBoard: pip install "keras-inception[train]"', run.log)
        return None
    from .callback import Board
    from .event_files import forget

    log.info("TensorBoard: %s", run.tensorboard)
    forget(run.tensorboard, batches.epoch + 1)
    return Board(run, batches, validated, norms, watch)


@contextmanager
def full_disk_as_elsewhere() -> Iterator[None]:
    """A full disk is an OSError, though TensorFlow, where it is installed, writes event files."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise OSError(errno.ENOSPC, str(error)) from error
