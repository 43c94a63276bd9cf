"""Everything that a run has made, side by side: accuracy, size and latency."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keras_inception.metrics import Scores
from keras_inception.training.data.evaluation_pixels import EvaluationPixels
from keras_inception.training.run import run_folder
from keras_inception.training.run.run_folder import Run

from .classifier import Classifier, open_classifier
from .known_classes import columns


@dataclass(frozen=True)
class ReportRow:
    """One file of a run: its scores, its size in bytes, and the median milliseconds of one image,
    on one thread for `.tflite`."""

    path: Path
    scores: Scores
    size: int
    milliseconds: float


@dataclass(frozen=True)
class Report:
    """Everything that a run has made, on its test images; as text it is a table."""

    run: Run
    rows: tuple[ReportRow, ...]

    def __str__(self):
        wide = max(len(row.path.name) for row in self.rows)
        lines = [f"{'file':<{wide}}   top-1  (95 %)               size kB   ms, one image"]
        for row in self.rows:
            low, high = row.scores.interval
            lines.append(
                f"{row.path.name:<{wide}}  {row.scores.top1:.4f}  ({low:.4f} to {high:.4f})  "
                f"{row.size / 1000:9.1f}   {row.milliseconds:9.3f}"
            )
        tested = self.rows[0].scores
        lines += [
            f"(top-1 on {tested.images} {tested.part} images; median latency, one thread for "
            ".tflite)",
            "",
            f"TensorBoard   tensorboard --logdir {self.run.tensorboard}",
            f"Keras model   {self.run.model}",
            f"for a phone   {self.run.folder}/*.tflite, each with a .json of labels and "
            "preprocessing",
        ]
        return "\n".join(lines)


def report(run: str | Path | Run, *, trust: bool = False) -> Report:
    """Accuracy, size and latency of the model and of every `.tflite` file in the folder `run`.

    trust: as for `open_classifier`.

    The files take turns on the same images. Raises BadInput for a folder without a trained run.

    >>> import keras_inception
    >>> print(keras_inception.report("runs/hands"))  # doctest: +SKIP
    """
    from keras_inception.tflite.benchmarking.latency import in_turns

    run = run_folder.trained(run)
    paths = (run.model, *sorted(run.folder.glob("[!.]*.tflite")))
    classifiers = [open_classifier(path, trust=trust) for path in paths]
    # The files of a run take the same images.
    shown = EvaluationPixels(run.split().test, run.recipe.image_size, run.preprocessing)
    times = [each["median"] for each in in_turns([c.seconds for c in classifiers], 200)]
    rows = []
    for path, classifier, milliseconds in zip(paths, classifiers, times, strict=True):
        scores = _scored(shown, classifier)
        rows.append(ReportRow(path, scores, path.stat().st_size, milliseconds))
    return Report(run, tuple(rows))


def _scored(shown: EvaluationPixels, classifier: Classifier) -> Scores:
    own = columns(classifier, shown.examples.classes)
    return shown.score(lambda pixels: classifier.of_pixels(pixels)[:, own])
