"""Accuracy and latency of the files that ship: Keras models and `.tflite`, on the same images."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from keras_inception import load_model
from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.training import data, run_folder
from keras_inception.training.batches import pixels
from keras_inception.training.evaluate import Scores, score

from .interpreter import File


@dataclass(frozen=True)
class Subject:
    """Something to evaluate: `scores` maps preprocessed images to (n, classes) probabilities."""

    path: Path
    size: int
    channels: int
    scores: Callable[[np.ndarray], np.ndarray]
    run_once: Callable[[], None]


def open_subject(path: str | Path) -> Subject:
    """A run folder (its trained model), a `.keras` file or a `.tflite` file.

    Raises BadInput for anything else.
    """
    path = Path(path)
    if path.is_dir():
        path = run_folder.trained(path).model
    if path.suffix == ".tflite":
        file = File(path)
        height, width, channels = file.input_shape
        subject = Subject(path, height, channels, file.scores, file.invoke)
    elif path.suffix == ".keras" and path.is_file():
        model = load_model(path, compile=False)
        _, height, width, channels = model.input_shape
        blank = np.zeros((1, height or 1, width or 1, channels), np.float32)
        subject = Subject(
            path,
            height,
            channels,
            lambda images: model.predict(images, verbose=0),
            lambda: model.predict_on_batch(blank),
        )
    else:
        raise BadInput(
            f"{path} is neither a run folder nor a .keras or .tflite file; give one of these"
        )
    if height != width or not height:
        raise BadInput(f"{path} needs a fixed square input; it takes {height}x{width}")
    return subject


def origin(path: str | Path) -> dict:
    """How the subject at `path` was made, if its run folder or JSON says so: the preprocessing,
    and the data set with its split; an empty dictionary otherwise."""
    path = Path(path)
    beside = path.with_suffix(".json")
    if path.suffix == ".tflite" and beside.is_file():
        try:
            record = json.loads(beside.read_text())
            return {"preprocessing": record["preprocessing"], **record["data"]}
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"{beside} is damaged ({error!r}); export {path.name} again, or remove it and "
                "name the images with --data"
            ) from error
    folder = path if path.is_dir() else path.parent
    if not run_folder.exists(folder):
        return {}
    run = run_folder.read(folder)
    return {
        "preprocessing": asdict(run.preprocessing),
        "source": run.recipe.data,
        "holdout": run.recipe.holdout,
        "seed": run.recipe.seed,
    }


def evaluate(path: str | Path, source: str | None = None) -> Scores:
    """Top-1, top-5 and loss on the held-out images of `source` (of its own data set if None).

    The split is that of the run the subject came from, so the images are ones it has not seen.
    Raises BadInput if classes or channels do not fit.
    """
    subject, made = open_subject(path), origin(path)
    source = source or made.get("source")
    if source is None:
        raise BadInput(f"{path} does not say what it was trained on; name images with --data")
    split = data.load(source, made.get("holdout", 0.2), made.get("seed", 0))
    images, labels = test_images(subject, split, made)
    outputs = subject.scores(images)
    if outputs.shape[1] != len(split.test.classes):
        raise BadInput(
            f"{path} tells {outputs.shape[1]} classes apart, {source} has {len(split.test.classes)}"
        )
    return score(outputs, labels)


def test_images(subject: Subject, split: data.Split, made: dict) -> tuple[np.ndarray, np.ndarray]:
    """The held-out images as `subject` takes them, and their labels."""
    if split.test.channels != subject.channels:
        raise BadInput(
            f"{subject.path} takes {subject.channels} channels; the images have "
            f"{split.test.channels}"
        )
    preprocessing = Preprocessing(**made.get("preprocessing", {}))
    return preprocessing(pixels(split.test, subject.size)), split.test.labels


def median_latencies(subjects: list[Subject], rounds: int = 200) -> list[float]:
    """Median milliseconds for one image on one thread, the subjects taking turns."""
    times = [[] for _ in subjects]
    for round_ in range(rounds + rounds // 10):
        for subject, mine in zip(subjects, times, strict=True):
            began = time.perf_counter()
            subject.run_once()
            if round_ >= rounds // 10:
                mine.append(time.perf_counter() - began)
    return [1000 * statistics.median(mine) for mine in times]


def report(folder: str | Path) -> str:
    """A table of everything a run has delivered: top-1, size and latency of each file."""
    run = run_folder.trained(folder)
    made = origin(run.folder)
    split = run.split()
    subjects = [open_subject(p) for p in (run.model, *sorted(run.folder.glob("[!.]*.tflite")))]
    # The files of a run take the same images: they are decoded once.
    kinds = {(subject.size, subject.channels): subject for subject in subjects}
    held_out = {kind: test_images(subject, split, made) for kind, subject in kinds.items()}
    milliseconds = median_latencies(subjects)
    names = [subject.path.name for subject in subjects]
    wide = max(len(name) for name in names)
    lines = [f"{'file':<{wide}}   top-1    size kB   ms, one image"]
    for subject, name, latency in zip(subjects, names, milliseconds, strict=True):
        images, labels = held_out[subject.size, subject.channels]
        scores = score(subject.scores(images), labels)
        size = subject.path.stat().st_size / 1000
        lines.append(f"{name:<{wide}}  {scores.top1:.4f}  {size:9.1f}   {latency:9.3f}")
    lines += [
        f"(top-1 on {len(split.test)} held-out images; median latency, one thread for .tflite)",
        "",
        f"TensorBoard   tensorboard --logdir {run.tensorboard}",
        f"Keras model   {run.model}",
        f"for a phone   {run.folder}/*.tflite, each with a .json of labels and preprocessing",
    ]
    return "\n".join(lines)
