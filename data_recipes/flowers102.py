"""Oxford flowers 102, with its own splits; the labels are the classes' numbers, 001 to 102."""

import re
from pathlib import Path

from data_recipes.recipe import Chooser, Download, Place, Recipe, Sources
from zoo.errors import ZooError

_FOLDER = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
_SUMS = "torchvision (torchvision/datasets/flowers102.py)"
_SPLITS = {"train": "trnid", "val": "valid", "test": "tstid"}


def _choose(sources: Sources) -> Chooser:
    labels = _numbers(sources.files["imagelabels.mat"], "labels")
    splits = {
        number: split
        for split, key in _SPLITS.items()
        for number in _numbers(sources.files["setid.mat"], key)
    }

    def place(name: str) -> Place | None:
        found = re.fullmatch(r"jpg/(image_(\d{5})\.jpg)", name)
        number = int(found[2]) if found else 0
        if found is None or number not in splits or number > len(labels):
            return None
        return Place.of(found[1], splits[number], f"{labels[number - 1]:03d}")

    return place


def _numbers(file: Path, key: str) -> list[int]:
    from scipy.io import loadmat

    try:
        return [int(number) for number in loadmat(file)[key].ravel()]
    except Exception as error:  # loadmat raises almost anything on damaged files
        raise ZooError(f"{file} cannot be read ({error}); delete it to fetch it again.") from error


RECIPE = Recipe(
    name="flowers102",
    title="Oxford flowers 102",
    page="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
    license="none is stated; the photos belong to their authors",
    size="8,189 photos, 345 MB",
    citation="Nilsback and Zisserman, Automated Flower Classification, ICVGIP 2008",
    downloads=(
        Download(
            _FOLDER + "102flowers.tgz",
            "102flowers.tgz",
            "md5:52808999861908f626f3c1f4e79d11fa",
            _SUMS,
        ),
        Download(
            _FOLDER + "imagelabels.mat",
            "imagelabels.mat",
            "md5:e0620be6f572b9609742df49c70aed4d",
            _SUMS,
            holds_photos=False,
        ),
        Download(
            _FOLDER + "setid.mat",
            "setid.mat",
            "md5:a5357ecc9cb78c4bef273ce3793fc85c",
            _SUMS,
            holds_photos=False,
        ),
    ),
    choose=_choose,
)
