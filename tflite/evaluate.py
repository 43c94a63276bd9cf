"""Accuracy and latency of what ships: Keras models, `.tflite` files, on the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.training import data, run_folder
from keras_inception.training.batches import pixels
from keras_inception.training.crops import views
from keras_inception.training.data import Examples
from keras_inception.training.evaluate import Scores, score
from keras_inception.training.images import centre
from keras_inception.training.labelled import labelled

from .benchmark import in_turns
from .subject import Subject, open_subject


def evaluate(
    subjects,
    source: str | None = None,
    images: str | Path | None = None,
    labels: str | Path | None = None,
    crops: int = 1,
    short_side: int | None = None,
    preprocessing: str | Preprocessing | None = None,
    classes: str | Path | None = None,
) -> Scores:
    """Top-1, top-5 and loss of one subject, or of the average of several.

    On the held-out images of the data set `source` (None: the first subject's own, in the split
    of its run, so that they are images it has not seen); or on all photographs in the folder
    `images`, with the file `labels` if their sub-folders do not say their classes. Probabilities
    are averaged over `crops` views of an image and over the subjects. `short_side` is what
    photographs are scaled to before the centre is cut out; None takes what each subject expects.
    `preprocessing` and `classes` are for `.keras` files, as for `open_subject`. Raises BadInput if
    classes or channels do not fit.
    """
    if short_side is not None and crops != 1:
        raise BadInput(f"a short side goes with one crop: the protocols have theirs; got {crops}")
    subjects = [open_subject(what, preprocessing, classes) for what in _several(subjects)]
    examples = _examples(subjects[0], source, images, labels)
    each = [outputs(subject, examples, crops, short_side) for subject in subjects]
    return score(np.mean(each, axis=0), examples.labels)


def _several(subjects) -> list:
    return [subjects] if isinstance(subjects, str | Path) else list(subjects)


def _examples(subject: Subject, source, images, labels) -> Examples:
    if images is not None:
        if not subject.origin.classes:
            raise BadInput(f"{subject.name} does not say which classes it knows; give --data")
        return labelled(images, subject.origin.classes, labels)
    name, holdout, seed = subject.origin.data or (None, 0.2, 0)
    if source is None and name is None:
        raise BadInput(
            f"{subject.name} does not say what it was trained on; name images with --data or "
            "--images"
        )
    return data.load(source or name, holdout, seed).test


def outputs(
    subject: Subject, examples: Examples, crops: int = 1, short_side: int | None = None
) -> np.ndarray:
    """Probabilities, (n, classes), averaged over the views of each image."""
    if examples.channels != subject.channels:
        raise BadInput(
            f"{subject.name} takes {subject.channels} channels; the images have {examples.channels}"
        )
    expected, size, rows = subject.origin.preprocessing, subject.size, []
    # A hundred and forty-four views of a few images, or one of many, fill a batch.
    each = max(1, 128 // crops)
    for start in range(0, len(examples), each):
        batch = []
        for i in range(start, min(start + each, len(examples))):
            image = examples.image(i)
            if short_side is None:
                batch += views(image, size, expected, crops)
            else:
                batch.append(centre(image, size, expected, short_side))
        shape = (len(batch), size, size, examples.channels)
        stacked = np.stack([np.asarray(view) for view in batch]).reshape(shape)
        scores = subject.scores(expected(stacked))
        if scores.shape[1] != len(examples.classes):
            raise BadInput(
                f"{subject.name} tells {scores.shape[1]} classes apart, the images have "
                f"{len(examples.classes)}"
            )
        rows.append(scores.reshape(-1, crops, scores.shape[1]).mean(axis=1))
    return np.concatenate(rows)


def report(folder: str | Path) -> str:
    """A table of everything a run has delivered: top-1, size and latency of each file."""
    run = run_folder.trained(folder)
    held_out = run.split().test
    subjects = [open_subject(p) for p in (run.model, *sorted(run.folder.glob("[!.]*.tflite")))]
    # The files of a run take the same images: they are decoded once.
    shown = pixels(held_out, run.recipe.image_size, run.preprocessing)
    milliseconds = [each["median"] for each in in_turns([s.run_once for s in subjects], 200)]
    names = [subject.path.name for subject in subjects]
    wide = max(len(name) for name in names)
    lines = [f"{'file':<{wide}}   top-1    size kB   ms, one image"]
    for subject, name, latency in zip(subjects, names, milliseconds, strict=True):
        scores = score(subject.scores(subject.origin.preprocessing(shown)), held_out.labels)
        size = subject.path.stat().st_size / 1000
        lines.append(f"{name:<{wide}}  {scores.top1:.4f}  {size:9.1f}   {latency:9.3f}")
    lines += [
        f"(top-1 on {len(held_out)} held-out images; median latency, one thread for .tflite)",
        "",
        f"TensorBoard   tensorboard --logdir {run.tensorboard}",
        f"Keras model   {run.model}",
        f"for a phone   {run.folder}/*.tflite, each with a .json of labels and preprocessing",
    ]
    return "\n".join(lines)
