"""The published weights that a run starts from."""

from __future__ import annotations

import logging

from keras_inception.errors import BadInput
from keras_inception.weights import published
from keras_inception.weights.published import Published
from keras_inception.weights.reuse import reuse

from ..recipes.recipe import Recipe

log = logging.getLogger(__name__)


def published_weights(recipe: Recipe, classes: int) -> Published | None:
    """The weights a recipe starts from. Raises BadInput if `classes` are not theirs and the
    classifier is to be kept."""
    if not recipe.weights:
        return None
    found = published.load(recipe.weights, recipe.network)
    if recipe.classes_from_data:
        return found.without_classifiers()
    found = found.with_classes(classes)
    if found.net.classes != classes:
        raise BadInput(
            f"{found.origin} has {found.net.classes} classes, the data have {classes}; "
            "--classes-from-data puts a new classifier in the place of theirs"
        )
    return found


def put(found: Published, model) -> None:
    """Into `model`, what of `found` fits it. Raises BadInput if that is less than half of it."""
    log.info("%s: %s", found.origin, reuse(model, found.arrays, found.origin))
