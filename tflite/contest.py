"""The INT8 files of a fine-tuning, one an epoch, judged on the same images: the best is kept.

Quantization-aware training is worth fractions of a point, and a few epochs of it can cost more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from keras_inception.builder import MAIN
from keras_inception.errors import BadInput
from keras_inception.inference import outputs_of
from keras_inception.training import event_files
from keras_inception.training.batches import pixels
from keras_inception.training.data import Examples
from keras_inception.training.events import Events
from keras_inception.training.metrics import Scores, score

from .classifier import Classifier, ModelInfo
from .conversion.convert import left_to_the_user
from .evaluation import outputs
from .file.interpreter import File
from .file.outputs import probabilities
from .gates.agreement import Agreement, agreement
from .gates.by_layer import Layer, by_layer, first_departure
from .source import Source

log = logging.getLogger(__name__)

#: Of more held-out images so many take part, the same number of every class.
JUDGED = 10_000
#: How many are compared output by output, and layer by layer.
COMPARED, OBSERVED = 500, 4


@dataclass(frozen=True)
class Entry:
    """A file after `epoch` epochs of fine-tuning: its bytes, how it did, and what it computes."""

    epoch: int
    content: bytes
    scores: Scores
    agreement: Agreement
    layers: tuple[Layer, ...]

    @property
    def rank(self) -> tuple[bool, float, float]:
        return self.agreement.holds, self.scores.top1, -self.scores.loss

    def __str__(self):
        return f"after epoch {self.epoch}" if self.epoch else "post-training"


class Contest:
    """Judges the files that `make` converts from the fake-quantized model `quantized`.

    `tensorboard` gets a curve beside the run's own, counted on from its `first` epoch, and the
    ranges, saturation and noise of every layer.
    """

    def __init__(
        self,
        source: Source,
        held_out: Examples,
        quantized,
        make: Callable[[], bytes],
        tensorboard: Path,
        first: int,
    ):
        self.source, self.quantized, self.make = source, quantized, make
        self.images = held_out.balanced(JUDGED, 0) if len(held_out) > JUDGED else held_out
        size = source.model.input_shape[1]
        self.compared = pixels(self.images.balanced(COMPARED, 0), size, source.preprocessing)
        self.first, self.folder = first, tensorboard / "int8"
        self.trained = self._scores(
            lambda images: outputs_of(source.model, images), source.preprocessing
        )
        self.entries: list[Entry] = []
        event_files.forget(self.folder, 0)

    def enter(self, epoch: int) -> None:
        """Judge the file as it is after `epoch` epochs; 0 is before the first step."""
        expected, content = self.source.preprocessing, self.make()
        entry = Entry(
            epoch,
            content,
            self._scores(probabilities(File(content)), left_to_the_user(expected)),
            agreement(content, self.quantized, self.compared, expected),
            by_layer(
                content, self.quantized, self.source.model, self.compared[:OBSERVED], expected
            ),
        )
        log.info("INT8 %s: %s", entry, entry.scores)
        self._draw(entry)
        # Only the best is worth its memory.
        self.entries.append(entry)
        best = self._first()
        self.entries = [e if e is best else replace(e, content=b"") for e in self.entries]

    def best(self) -> tuple[Entry, dict]:
        """The most accurate file, the least loss among equals; and what was measured of all.

        Raises BadInput if no file computes what its fake-quantized model does, or if the only ones
        that do are less accurate than the post-training file.
        """
        best, post_training = self._first(), self.entries[0]
        if not best.agreement.holds:
            last = self.entries[-1]
            raise BadInput(
                f"the file departs from the model it came from: {last.agreement}"
                f"{first_departure(last.layers)}; it was not kept"
            )
        if best.scores.top1 < post_training.scores.top1:
            raise BadInput(
                f"fine-tuning lost accuracy, {best.scores.top1:.4f} where the post-training file "
                f"has {post_training.scores.top1:.4f}, and that departs from its model: "
                f"{post_training.agreement}{first_departure(post_training.layers)}; nothing was "
                "kept: fine-tune at a lower rate"
            )
        log.info(
            "kept: the file %s, top-1 %.4f; float %.4f, post-training %.4f, on the same %d images",
            best,
            best.scores.top1,
            self.trained.top1,
            self.entries[0].scores.top1,
            self.trained.images,
        )
        return best, {
            "float": asdict(self.trained),
            "int8_by_epoch": [asdict(entry.scores) for entry in self.entries],
            "kept_epoch": best.epoch,
            "agreement": asdict(best.agreement),
            "layers": [layer.record for layer in best.layers],
        }

    def _first(self) -> Entry:
        return max(self.entries, key=lambda entry: entry.rank)

    def _scores(self, scores, expected) -> Scores:
        _, size, _, channels = self.source.model.input_shape
        info = ModelInfo(expected, self.source.classes)
        classifier = Classifier(self.source.name, None, size, channels, scores, lambda: None, info)
        return score(outputs(classifier, self.images), self.images.labels)

    def _draw(self, entry: Entry) -> None:
        events, step = Events(self.folder), self.first + entry.epoch
        events.scalar(f"{MAIN}/accuracy", entry.scores.top1, step)
        events.scalar(f"{MAIN}/loss", entry.scores.loss, step)
        for layer in entry.layers:
            for kind, value in layer.record.items():
                if kind != "name" and value is not None:
                    events.scalar(f"{kind}/{layer.name}", value, step)
        events.close()
