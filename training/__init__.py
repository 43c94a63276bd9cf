"""Training: recipes, data, `model.fit`, and the run folder that it leaves."""

from .api import list_recipes, recipe, resume, train
from .recipes.recipe import Recipe

__all__ = ["Recipe", "list_recipes", "recipe", "resume", "train"]
