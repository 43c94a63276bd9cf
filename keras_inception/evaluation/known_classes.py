"""Images and the outputs of classifiers brought to one list of classes, by the names of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from keras_inception.class_matching import POSITION, listed, match, read_map
from keras_inception.errors import BadInput
from keras_inception.outputs import CLASSES, FEATURES
from keras_inception.training.data import DataRef, Examples, Split, targets

from .classifier import Classifier

#: A map of classes: a file, "position", or names of a network by names of images.
Map = str | Path | Mapping[str, str] | None
Shown = TypeVar("Shown", Examples, Split)

_ADVICE = (
    "say with --classes-map FILE which is which, on each line THEIRS,KNOWN, or with "
    f"--classes-map {POSITION} that both lists have one order"
)


def split_for(classifier: Classifier, data: DataRef, said: Map = None) -> Split:
    """The images that `data` names, what is right of each being in the order of the outputs of
    `classifier`: classes by `known_to`, labels and numbers out of a table's columns.

    Raises BadInput for what has no such answers, or names them otherwise.
    """
    kind, (source, _, table) = classifier.kind, data.source.partition(":")
    if kind is CLASSES:
        return known_to(classifier, data.split(), said)
    if kind is FEATURES:
        raise BadInput(
            f"{classifier.name} gives features, which have no right answer to be trained on or "
            "compared with; export says how close a file's are to its model's"
        )
    if source != "csv" or not table:
        raise BadInput(
            f"{classifier.name} gives {kind.name}; give --data csv:FILE, a table of images with a "
            "column for each"
        )
    if not classifier.classes:
        raise BadInput(
            f"{classifier.name} does not name its {classifier.outputs} {kind.name}: name them with "
            "--classes FILE, as the columns of the table"
        )
    return targets.split(data, classifier.classes, kind)


def known_to(
    classifier: Classifier, shown: Shown, said: Map = None, numbers: bool = False
) -> Shown:
    """`shown` with the classes of `classifier`: its labels are positions of the outputs.

    said: what is known of names that differ, as for `class_matching.read_map`.
    numbers: whether classes that are numbers are positions, as in Caffe's lists.

    Raises BadInput if the images have classes that the network does not know, and, unless `said` is
    "position", if the network does not name its classes.
    """
    known, said = classifier.classes, read_map(said)
    if not known:
        if said != POSITION:
            raise BadInput(
                f"{classifier.name} does not name its {classifier.outputs} classes: name them with "
                "--classes FILE, in the order of its outputs; or say with --classes-map "
                f"{POSITION} that this is the order of the images' classes, "
                f"{listed(shown.classes)}"
            )
        if classifier.outputs != len(shown.classes):
            raise BadInput(
                f"{classifier.name} has {classifier.outputs} classes, the images have "
                f"{len(shown.classes)}"
            )
        known = shown.classes
    if tuple(shown.classes) == tuple(known):
        return shown
    who = f"{classifier.name}, which has {len(known)},"
    positions = match(
        shown.classes, known, what="the images", who=who, said=said, numbers=numbers, advice=_ADVICE
    )
    return shown.known_as(known, positions)


def columns(classifier: Classifier, classes: Sequence[str], said: Map = None) -> list[int]:
    """Which of the classifier's outputs those of `classes` are.

    Raises BadInput unless its classes are the same ones.
    """
    own = classifier.classes
    if not own and read_map(said) != POSITION:
        raise BadInput(
            f"{classifier.name} does not name its classes, so that its answers cannot be put "
            "beside others'; give --classes FILE"
        )
    if classifier.outputs != len(classes):
        raise BadInput(
            f"{classifier.name} has {classifier.outputs} classes, the others {len(classes)}: only "
            "answers about the same classes are averaged or compared"
        )
    if not own or tuple(own) == tuple(classes):
        return [*range(len(classes))]
    positions = match(classes, own, what="the other networks", who=classifier.name)
    return [positions[name] for name in classes]
