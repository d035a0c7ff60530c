"""Recipes: what to learn and how, as YAML with a schema; three of our own, with laptop defaults."""

from llmos.lab.recipes.reading import OWN, load_recipe, own_text, recipe_from
from llmos.lab.recipes.schema import Recipe

__all__ = ["OWN", "Recipe", "load_recipe", "own_text", "recipe_from"]
