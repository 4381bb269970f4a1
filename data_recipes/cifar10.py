"""CIFAR-10: tiny photos, 32 px, in ten classes.

`keras.datasets` downloads them, checks the sha256 that it has, and keeps the archive in its own
cache folder (`KERAS_HOME`, else ~/.keras).
"""

from collections.abc import Iterator
from functools import partial

from data_recipes.recipe import Made, Place, Recipe, Sources
from zoo.errors import ZooError

_PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
_LABELS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def _make(sources: Sources) -> Iterator[Made]:
    import keras

    try:
        parts = keras.datasets.cifar10.load_data()
    except Exception as error:  # Keras raises a plain Exception where a download fails
        raise ZooError(
            f"Keras could not load CIFAR-10 ({error}); get cifar-10-python.tar.gz from {_PAGE} "
            "and put it into ~/.keras/datasets as cifar-10-batches-py-target_archive."
        ) from error
    for split, (photos, numbers) in zip(("train", "test"), parts, strict=True):
        for index, number in enumerate(numbers.ravel()):
            place = Place.of(f"{index:05d}.png", split, _LABELS[number])
            yield Made(place, partial(photos.__getitem__, index))


RECIPE = Recipe(
    name="cifar10",
    title="CIFAR-10, tiny photos in ten classes",
    page=_PAGE,
    license="none is stated; made for research",
    size="60,000 photos of 32 px, 170 MB",
    citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    make=_make,
    uses_keras=True,
)
