"""The published weights that a run starts from."""

from __future__ import annotations

import logging

from keras_inception.errors import BadInput
from keras_inception.weights import pretrained
from keras_inception.weights.pretrained import PretrainedWeights
from keras_inception.weights.transfer_learning import reuse

from ..recipes.recipe import Recipe

log = logging.getLogger(__name__)


def published_weights(recipe: Recipe, classes: int) -> PretrainedWeights | None:
    """The weights a recipe starts from. Raises BadInput if `classes` are not theirs and the
    classifier is to be kept."""
    if not recipe.weights:
        return None
    found = pretrained.load(recipe.weights, recipe.network)
    if recipe.classes_from_data:
        return found.without_classifiers()
    found = found.with_classes(classes)
    if found.net.classes != classes:
        raise BadInput(
            f"{found.origin} has {found.net.classes} classes, the data have {classes}; "
            "--classes-from-data puts a new classifier in the place of theirs"
        )
    return found


def put(found: PretrainedWeights, model) -> None:
    """Into `model`, what of `found` fits it. Raises BadInput if that is less than half of it."""
    log.info("%s: %s", found.origin, reuse(model, found.arrays, found.origin))
