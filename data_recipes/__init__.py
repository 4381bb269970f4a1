"""Recipes for public data sets: one file a set, each fetched, verified and turned into photos.

`recipes()` lists them, `find(name)` is one of them, `prepare.prepare(recipe, folder)` runs it.
"""

from importlib import import_module

from data_recipes.recipe import Recipe
from zoo.errors import valid_choice

_FILES = (
    "places_nature",
    "imagenet",
    "mirflickr",
    "mirflickr_lab",
    "sun397",
    "coco2017",
    "cifar10",
    "flowers102",
    "tf_flowers",
    "bsds500",
    "kodak",
    "drive",
    "hrf",
    "lfw",
    "hecd",
    "celeba",
    "folder",
)


def recipes() -> list[Recipe]:
    """Every recipe, in the order in which they are shown."""
    return [import_module(f"data_recipes.{file}").RECIPE for file in _FILES]


def find(name: str) -> Recipe:
    """The recipe of this name.

    Raises:
        ZooError: naming the recipes there are, if there is none.

    Examples:
        >>> find("kodak").size
        '24 photos, 15 MB'
    """
    found = {recipe.name: recipe for recipe in recipes()}
    return found[valid_choice("data set", name, list(found))]
