"""The 1000 classes of ImageNet (ILSVRC 2012 to 2014) and the naming of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

from .errors import BadInput

#: Networks trained by Google's own code tell a class 0, "background", from the 1000.
BACKGROUND = ("background", "background")


@cache
def imagenet_classes() -> tuple[tuple[str, str], ...]:
    """(WordNet id, first name) of classes 0..999, in the order of Caffe's synset_words.txt."""
    listing = resources.files("keras_inception").joinpath("imagenet_classes.txt").read_text("utf-8")
    parted = (line.partition(" ") for line in listing.splitlines())
    return tuple((wordnet, name) for wordnet, _, name in parted)


def class_names(count: int) -> tuple[str, ...]:
    """Names of the outputs of an ImageNet network with `count` of them, 1000 or 1001."""
    return tuple(name for _, name in _known(count))


def _known(count: int) -> tuple[tuple[str, str], ...]:
    known = imagenet_classes()
    if count == len(known):
        return known
    if count == len(known) + 1:
        return (BACKGROUND, *known)
    raise BadInput(
        f"predictions of 1000 classes, or 1001 with the background first, can be named; got "
        f"{count}: give labels=, one name per class"
    )


def decode_predictions(
    predictions, top: int = 5, labels: Sequence[str] | None = None
) -> list[list[tuple[str, str, float]]]:
    """The `top` classes of each prediction, best first: (WordNet id, name, score).

    `predictions` are (n, classes) scores of 1000 ImageNet classes, or of 1001 with the
    background first. For other classes give `labels`, one name per class; their id is the
    position, as text. The 1008 outputs of the 2015 "inception5h" graph have an order of their
    own, in the imagenet_comp_graph_label_strings.txt of its archive.

    Raises BadInput for a shape or labels that do not fit.

    >>> import numpy as np
    >>> import keras_inception
    >>> keras_inception.decode_predictions(np.array([[0.25, 0.75]]), top=1, labels=["cat", "dog"])
    [[('1', 'dog', 0.75)]]
    """
    import numpy as np  # not at the top: printing tables needs none of it

    predictions = np.asarray(predictions)
    if predictions.ndim != 2:
        raise BadInput(f"predictions must have the shape (n, classes); got {predictions.shape}")
    if labels is None:
        named = _known(predictions.shape[1])
    elif len(labels) == predictions.shape[1]:
        named = [(str(position), name) for position, name in enumerate(labels)]
    else:
        raise BadInput(f"{predictions.shape[1]} classes need as many labels; got {len(labels)}")
    best = np.argsort(-predictions, axis=1, kind="stable")[:, :top]
    return [
        [(*named[k], float(row[k])) for k in ranked]
        for row, ranked in zip(predictions, best, strict=True)
    ]
