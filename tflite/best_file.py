"""The INT8 files of a fine-tuning, one an epoch, judged on the validation images: the best is kept.

Quantization-aware training is worth fractions of a point, and a few epochs of it can cost more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np

from keras_inception.builder import MAIN
from keras_inception.errors import BadInput
from keras_inception.metrics import AnyScores
from keras_inception.training.data.evaluation_pixels import EvaluationPixels, RunImages, pixels
from keras_inception.training.tensorboard.events import Events, truncate

from .checks.agreement import Agreement, agreement
from .checks.layer_errors import Layer, by_layer, first_departure
from .file.graph import Graph
from .file.interpreter import File
from .qat.fake_quantized import FakeQuantized
from .source import Source

log = logging.getLogger(__name__)

#: Of more validation images so many take part, the same number of every class.
JUDGED = 10_000
#: How many images to train on are compared output by output, and layer by layer.
COMPARED, OBSERVED = 500, 4


@dataclass(frozen=True)
class Candidate:
    """A file after `epoch` epochs of fine-tuning: why it may not be kept (empty if it may), how it
    did, and what it computes."""

    epoch: int
    fault: str
    scores: AnyScores
    agreement: Agreement
    layers: tuple[Layer, ...]

    @property
    def rank(self) -> tuple[float, ...]:
        return not self.fault, *self.scores.rank

    def __str__(self):
        return f"after epoch {self.epoch}" if self.epoch else "post-training"


class Candidates:
    """The files that `make` converts from the fake-quantized `quantized`, each with its fault.

    `source` has a split and a recipe. TensorBoard gets a curve beside the run's own, counted on
    from its last epoch, and the ranges, saturation and noise of every layer.
    """

    def __init__(
        self, source: Source, quantized: FakeQuantized, make: Callable[[], tuple[Graph, str]]
    ):
        self.source, self.quantized, self.make = source, quantized, make
        split, chosen_by = source.split, source.split.validation
        judged = chosen_by.balanced(JUDGED, 0) if len(chosen_by) > JUDGED else chosen_by
        size, expected = source.network.shape[0], source.preprocessing
        self.compared = pixels(split.train.balanced(COMPARED, 0), size, expected)
        images = RunImages.of(replace(split, validation=judged), size, expected)
        self.shown, self.test = images.validation, images.test
        self.folder = source.folder / "tensorboard" / "int8"
        self.kind = source.classifier.kind
        self.trained = self._scores(source.classifier.of_pixels, self.shown)
        self.all: list[Candidate] = []
        self.kept: Graph
        truncate(self.folder, 0)

    def consider(self, epoch: int) -> None:
        """Judge the file as it is after `epoch` epochs; 0 is before the first step.

        Raises BadInput, while nothing is lost, if that first one may not be kept.
        """
        expected, (graph, fault) = self.source.preprocessing, self.make()
        if fault and not epoch:
            raise BadInput(fault)
        agrees = agreement(graph, self.quantized, self.compared, expected, self.kind)
        observed = self.compared[:OBSERVED]
        layers = by_layer(graph, self.quantized, self.source.network, observed, expected)
        if not agrees.holds:
            # Every operator computes what its layer does, or there were a fault: roundings add up.
            log.warning(
                "the file departs from the fake-quantized model: %s%s",
                agrees,
                first_departure(layers),
            )
        scores = self._scores(self._of_pixels(graph), self.shown)
        made = Candidate(epoch, fault, scores, agrees, layers)
        log.info("INT8 %s: %s%s", made, scores, f"; left out: {fault}" if fault else "")
        self._draw(made)
        self.all.append(made)
        if self._first() is made:  # Only the best is worth its memory.
            self.kept = graph

    def _of_pixels(self, graph: Graph) -> Callable[[np.ndarray], np.ndarray]:
        file, expected = File(graph), self.source.preprocessing
        return lambda pixels: file.probabilities(expected.caller(pixels), self.kind)

    def _scores(self, of_pixels, shown: EvaluationPixels) -> AnyScores:
        return self.kind.score(shown.every(of_pixels), shown.examples.truth, shown.examples.part)

    def best(self) -> tuple[Graph, dict]:
        """The best file, as scores of its kind of output are ranked, the first of equals; and what
        was measured: of it on the test images, and of all on the validation images.

        Raises BadInput if no file may be kept, or if the only ones that may are less accurate than
        the post-training file.
        """
        best, post_training = self._first(), self.all[0]
        if best.fault:
            raise BadInput(self.all[-1].fault)
        if best.scores.rank[0] < post_training.scores.rank[0]:
            raise BadInput(
                f"fine-tuning lost accuracy, {best.scores.chief} where the post-training file "
                f"has {post_training.scores.chief}, and that may not be kept: "
                f"{post_training.fault}; nothing was kept: fine-tune at a lower rate"
            )
        log.info(
            "kept: the file %s, %s; float %s, post-training %s, on %d %s images",
            best,
            best.scores.chief,
            self.trained.chief,
            post_training.scores.chief,
            self.trained.images,
            self.trained.part,
        )
        log.info("testing the float network and the file on %d images", len(self.test))
        tested = {
            "float": self._scores(self.source.classifier.of_pixels, self.test),
            "int8": self._scores(self._of_pixels(self.kept), self.test),
        }
        log.info("float %s", tested["float"])
        log.info("INT8 %s", tested["int8"])
        return self.kept, {
            **{name: asdict(scores) for name, scores in tested.items()},
            "validation": {
                "float": asdict(self.trained),
                "int8_by_epoch": [asdict(each.scores) for each in self.all],
            },
            "kept_epoch": best.epoch,
            "agreement": asdict(best.agreement),
            "layers": [layer.record for layer in best.layers],
        }

    def _first(self) -> Candidate:
        return max(self.all, key=lambda each: each.rank)

    def _draw(self, made: Candidate) -> None:
        events, step = Events(self.folder), self.source.recipe.epochs + made.epoch
        for name in made.scores.BETTER:
            curve = "accuracy" if name == "top1" else name  # As Keras calls it.
            events.scalar(f"{MAIN}/{curve}", getattr(made.scores, name), step)
        for layer in made.layers:
            for kind, value in layer.record.items():
                if kind != "name" and value is not None:
                    events.scalar(f"{kind}/{layer.name}", value, step)
        events.close()
