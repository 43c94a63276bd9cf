"""The board of a run: what TensorBoard shows while it trains, and how it ended."""

from __future__ import annotations

import time
from dataclasses import asdict

import keras
import numpy as np

from keras_inception.builder import MAIN
from keras_inception.escaping import markdown

from ..data.batches import TrainingBatches
from ..data.evaluation_pixels import EvaluationPixels
from ..run.run_folder import Run
from . import pictures
from .events import Events
from .gradient_norms import GradientNorms
from .graph import graph
from .rows import Rows

#: How many images a picture shows at most.
SHOWN = 24

#: What the HParams table says of a run beside its recipe: how it did on the validation images.
METRICS = (f"{MAIN}/accuracy", f"{MAIN}/top5", f"{MAIN}/loss")


def tags(logs: dict[str, float], outputs: list[str]) -> dict[str, float]:
    """Keras' log names as TensorBoard tags: `aux1_loss` -> `aux1/loss`, the sum stays `loss`."""
    tagged = {}
    for key, value in logs.items():
        output, _, metric = key.partition("_")
        if output in outputs and metric:
            tagged[f"{output}/{metric}"] = value
        elif len(outputs) > 1:
            tagged[key] = value
        else:
            tagged[f"{MAIN}/{key}"] = value
    return tagged


class Board(keras.callbacks.Callback):
    """Writes a run's board, in parts that TensorBoard calls runs: train and validation, and at the
    end test; steps are epochs."""

    def __init__(
        self, run: Run, batches: TrainingBatches, validated: int, norms: GradientNorms, histograms
    ):
        super().__init__()
        self.run, self.batches, self.norms, self.histograms = run, batches, norms, histograms
        self.rows = Rows(run.network)
        self.parts = {part: Events(run.tensorboard / part) for part in ("train", "validation")}
        self.images = {"train": len(batches) * batches.batch_size, "validation": validated}
        self._began, self._seconds = {}, {}

    def on_train_begin(self, logs=None):
        epoch = self.batches.epoch
        recipe = asdict(self.run.recipe)
        simple = {k: v if isinstance(v, bool | int | float) else str(v) for k, v in recipe.items()}
        self.parts["validation"].trial(simple, METRICS)
        self.parts["train"].graph(graph(self.model, self.run.network))
        table = "\n".join(f"| {name} | {markdown(str(value))} |" for name, value in recipe.items())
        self.parts["train"].text("recipe", f"| option | value |\n|---|---|\n{table}", epoch)
        self._write_record(epoch)
        inputs, labels, *_ = (np.asarray(part)[:SHOWN] for part in self.batches[0])
        if self.run.recipe.soft_labels:
            labels = labels.argmax(axis=1)
        names = [self.run.classes[label] for label in labels]
        sheet = pictures.sheet(pictures.as_seen(inputs, self.run.preprocessing), names)
        self.parts["train"].image("pictures/samples", sheet, epoch)
        self._flush()

    def on_epoch_begin(self, epoch, logs=None):
        self._began["train"] = time.perf_counter()

    def on_test_begin(self, logs=None):
        self._began["validation"] = time.perf_counter()
        self._seconds["train"] = self._began["validation"] - self._began["train"]

    def on_test_end(self, logs=None):
        self._seconds["validation"] = time.perf_counter() - self._began["validation"]

    def on_epoch_end(self, epoch, logs=None):
        train, validation = {}, {}
        for key, value in (logs or {}).items():
            curves = validation if key.startswith("val_") else train
            curves[key.removeprefix("val_")] = value
        outputs = self.model.output_names
        train = self._optimization() | tags(train, outputs)
        for part, curves in (("train", train), ("validation", tags(validation, outputs))):
            curves["images_per_second"] = self.images[part] / self._seconds[part]
            for tag, value in curves.items():
                self.parts[part].scalar(tag, value, epoch + 1)
        if self.histograms:
            for variable in self.model.trainable_variables:
                tag = f"{self.rows.outermost(variable.path)}/{variable.path}"
                self.parts["train"].histogram(tag, _numbers(variable), epoch + 1)
        self._flush()

    def _optimization(self) -> dict[str, float]:
        """Learning rate, norms by row, and the loss scale where there is one."""
        optimizer = self.model.optimizer
        means, steps = self.norms.take()
        values = {"learning_rate": float(_numbers(optimizer.learning_rate))}
        values |= {f"gradient_norm/{row}": mean for row, mean in means.items()}
        squares = dict.fromkeys(means, 0.0)
        for variable in self.model.trainable_variables:
            square = float(np.square(_numbers(variable)).sum())
            squares[self.rows.outermost(variable.path)] += square
            squares["global"] += square
        values |= {f"weight_norm/{row}": square**0.5 for row, square in squares.items()}
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            values["loss_scale"] = float(_numbers(optimizer.dynamic_scale))
            values["skipped_steps"] = len(self.batches) - steps
        return values

    def finish(self, run: Run, probabilities: np.ndarray, shown: EvaluationPixels) -> None:
        """How the trained `run` ended, by its guesses at the test images; closes the files."""
        epoch = run.recipe.epochs
        test = self.parts["test"] = Events(run.tensorboard / "test")
        guesses, examples = probabilities.argmax(axis=1), shown.examples
        counts = pictures.confusions(examples.labels, guesses, len(run.classes))
        test.image("pictures/confusion", pictures.matrix(counts, run.classes), epoch)
        test.text("classes", _by_class(counts, run.classes), epoch)
        wrong = np.flatnonzero(guesses != examples.labels)
        surest = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:SHOWN]
        if len(surest):
            captions = [
                f"is {run.classes[examples.labels[i]]}\n"
                f"{probabilities[i].max():.0%} sure: {run.classes[guesses[i]]}"
                for i in surest
            ]
            sheet = pictures.sheet(shown.take(surest), captions)
            test.image("pictures/misclassified", sheet, epoch)
        self._write_record(epoch)
        self.parts["validation"].trial_ends()
        for events in self.parts.values():
            events.close()

    def _write_record(self, epoch: int) -> None:
        record = (self.run.folder / "run.json").read_text("utf-8")
        self.parts["train"].text("run.json", f"```\n{record}\n```", epoch)

    def _flush(self) -> None:
        for events in self.parts.values():
            events.flush()


def _numbers(value) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(value))


def _by_class(counts: np.ndarray, classes: tuple[str, ...]) -> str:
    """A Markdown table: of each class how many are right, and what the others were taken for."""
    rows = ["| class | images | accuracy | mostly taken for |", "|---|--:|--:|---|"]
    for k, name in enumerate(classes):
        others = counts[k].copy()
        others[k] = 0
        taken = [
            f"{markdown(classes[j])} ({others[j]})" for j in np.argsort(-others)[:3] if others[j]
        ]
        images = counts[k].sum()
        accuracy = f"{counts[k, k] / images:.3f}" if images else ""
        rows.append(f"| {markdown(name)} | {images} | {accuracy} | {', '.join(taken)} |")
    return "\n".join(rows)
