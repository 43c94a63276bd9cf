"""Recipes: everything that decides the outcome of a run, ours and the papers'."""

from .recipe import DATA, Recipe, recipe_for

__all__ = ["DATA", "Recipe", "recipe_for"]
