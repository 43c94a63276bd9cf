"""Images to train on that turn out, in the middle of a run, not to be readable."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.images import Unreadable

from .examples import Examples

log = logging.getLogger(__name__)


class BadImages:
    """Puts the next readable image of the class in the place of one that is not, or stops.

    Each is named once in the log; `stopped` is why the run was, which a backend may have dressed
    up as an error of its own.
    """

    def __init__(self, examples: Examples, policy: str):
        self.examples, self.policy = examples, policy
        self.found: set[int] = set()
        self.stopped: BadInput | None = None
        self.lock = threading.Lock()

    def first_readable(self, i: int, make: Callable[[int], object]):
        """`make` of image `i`, or else of the images of its class that follow it."""
        for candidate in self._candidates(i):
            try:
                return make(candidate)
            except Unreadable as error:
                self._note(candidate, error)
        self._stop(
            f"class {self.examples.classes[self.examples.labels[i]]} has no readable image; "
            "`keras-inception data check` says why"
        )

    def _candidates(self, i: int) -> Iterator[int]:
        yield i  # Nearly always the only one: the others are looked for when they are needed.
        members = np.flatnonzero(self.examples.labels == self.examples.labels[i])
        yield from np.roll(members, -np.searchsorted(members, i))[1:].tolist()

    def _note(self, i: int, error: Unreadable) -> None:
        with self.lock:
            if i in self.found:
                return
            self.found.add(i)
        name = self.examples.name(i)
        if self.policy == "stop":
            self._stop(
                f"{name} cannot be read: {error}; `keras-inception data check` names all "
                "such images, and --bad-images skip trains without them"
            )
        log.warning("replaced by others of its class: %s: %s", name, error)

    def _stop(self, why: str):
        self.stopped = BadInput(why)
        raise self.stopped
