"""Places365 "nature": 15,000 training and 3,000 validation photos at 256 px.

As in the colorization report of 2020, which took them from the Places of natural scenes and does
not say which. The choice is ours: 50 of the 365 categories, 300 training and 60 validation photos
of each, those whose names have the smallest SHA-256, so that everybody gets the same ones. The
training photos come from the set's own training photos, the validation photos from its own
validation photos. They are 256 x 256 px as published.
"""

import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterable

from data_recipes.recipe import Chooser, Download, Place, Recipe, Sources
from zoo.errors import ZooError

TRAIN_EACH, VAL_EACH = 300, 60
_NAMES = """
badlands bamboo_forest beach butte canyon cliff coast corn_field creek crevasse desert/sand
desert/vegetation field/cultivated field/wild forest/broadleaf forest_path glacier grotto
hayfield hot_spring ice_floe iceberg islet lagoon lake/natural marsh mountain mountain_path
mountain_snowy ocean orchard pasture pond rainforest rice_paddy river rock_arch sky snowfield
swamp tree_farm tundra underwater/ocean_deep valley vineyard volcano waterfall watering_hole
wave wheat_field
"""
NATURE = tuple(_NAMES.split())

_FOLDER = "http://data.csail.mit.edu/places/places365/"
_SUMS = "TensorFlow Datasets (tensorflow_datasets/url_checksums/places365_small.txt)"
_LISTS = "filelist_places365-standard.tar"
_TRAIN = re.compile(r"/[a-z]/(?P<label>.+)/\d{8}\.jpg")


def _choose(sources: Sources) -> Chooser:
    """Chosen are names as the lists have them; in the archives a folder comes before them."""
    lists = _read_lists(sources)
    chosen = _fewest(_train_photos(lists["places365_train_standard.txt"]), TRAIN_EACH, "train")
    chosen |= _fewest(
        _val_photos(lists["places365_val.txt"], lists["categories_places365.txt"]), VAL_EACH, "val"
    )

    def place(name: str) -> Place | None:
        folder, _, inside = name.partition("/")
        if folder == "data_256":
            return chosen.get("/" + inside)
        return chosen.get(inside) if folder == "val_256" else None

    return place


def _read_lists(sources: Sources) -> dict[str, list[str]]:
    from data_recipes.extract import members

    wanted = ("places365_train_standard.txt", "places365_val.txt", "categories_places365.txt")
    found: dict[str, list[str]] = {}
    for member in members(sources.files[_LISTS]):
        name = member.name.rpartition("/")[2]
        if name in wanted:
            text = io.TextIOWrapper(io.BytesIO(member.read()), encoding="utf-8")
            found[name] = [line.strip() for line in text]
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ZooError(f"{_LISTS} lacks {missing[0]}; delete it to fetch it again.")
    return found


def _train_photos(lines: list[str]) -> Iterable[tuple[str, str]]:
    """Name and category of each training photo: "/b/beach/00000001.jpg 48" names both."""
    for line in lines:
        name = line.partition(" ")[0]
        if found := _TRAIN.fullmatch(name):
            yield name, found["label"]


def _val_photos(lines: list[str], categories: list[str]) -> Iterable[tuple[str, str]]:
    """Name and category of each validation photo: "Places365_val_00000001.jpg 165"."""
    # "/b/beach 48": the folder of the first letter is no part of the category's name.
    names = {number: name[3:] for name, _, number in (line.partition(" ") for line in categories)}
    for line in lines:
        name, _, number = line.partition(" ")
        if number in names:
            yield name, names[number]


def _fewest(photos: Iterable[tuple[str, str]], each: int, split: str) -> dict[str, Place]:
    by_label: dict[str, list[str]] = defaultdict(list)
    for name, label in photos:
        if label in NATURE:
            by_label[label].append(name)
    return {
        name: Place.of(name.rpartition("/")[2], split, label)
        for label, names in by_label.items()
        for name in sorted(names, key=_digest)[:each]
    }


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


RECIPE = Recipe(
    name="places-nature",
    title="Places365, natural scenes at 256 px",
    page="http://places2.csail.mit.edu/download.html",
    license="for non-commercial research and education; the photos belong to their authors",
    size="18,000 photos, chosen out of 27 GB",
    citation="Zhou et al., Places: A 10 Million Image Database for Scene Recognition, PAMI 2017",
    downloads=(
        Download(
            _FOLDER + _LISTS,
            _LISTS,
            "sha256:520699e00d69b63ddc29fac54645aa00ce1c10ca42e288960aa1cf791d6e9aa9",
            _SUMS,
            holds_photos=False,
        ),
        Download(
            _FOLDER + "val_256.tar",
            "val_256.tar",
            "sha256:24b4e639ef12a0012af525bc4cb443e4ab4aaea8369a1fb009b70e4a4aad5d48",
            _SUMS,
        ),
        Download(
            _FOLDER + "train_256_places365standard.tar",
            "train_256_places365standard.tar",
            "sha256:0ade5d7d38c682aa0203014a2b99ad3bf608bf1de0f151dc0d80efba54660a0a",
            _SUMS,
        ),
    ),
    choose=_choose,
)
