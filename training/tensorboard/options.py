"""What a run shows in TensorBoard only when asked."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from keras_inception.errors import needed_by

from . import profile

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watch:
    """What a board shows only when asked: histograms of all weights after every epoch, and a
    profile of a few steps. Raises BadInput if TensorBoard, which shows them, is not installed, or
    if the backend cannot profile."""

    histograms: bool = False
    profile: bool = False

    def __post_init__(self):
        if self.profile:
            profile.check()
        if self.histograms or self.profile:
            with needed_by("a look at histograms or a profile"):
                import_module("tensorboard")


PLAIN = Watch()
