"""The end of a run: the trained network for inference, and how it does."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace

import keras

from keras_inception.builder import build
from keras_inception.files import replacing
from keras_inception.metrics import score
from keras_inception.transform import without_aux
from keras_inception.weights import store

from .data.batches import EvaluationBatches
from .data.evaluation_pixels import EvaluationPixels
from .run.checkpoints import Progress
from .run.run_folder import Run

log = logging.getLogger(__name__)


def finish(
    run: Run, test: EvaluationPixels, model, progress: Progress, replaced: int, board
) -> Run:
    """Write the trained network, and how it does on the test images; on the `board` too, if there
    is one."""
    deployed = build(without_aux(run.network), keras, dtype="float32")
    store.write(deployed, store.read(model), partial=True)
    with replacing(run.model) as temporary:
        deployed.save(temporary)
    probabilities = deployed.predict(EvaluationBatches(test), verbose=0)
    scores = score(probabilities, test.examples.labels, test.examples.part)
    if replaced:
        log.warning("%d images to train on could not be read and were replaced", replaced)
    seconds = round(progress.seconds)
    run = replace(run, result={**asdict(scores), "seconds": seconds, "replaced_images": replaced})
    run.save()
    if board:
        board.finish(run, probabilities, test)
    return run
