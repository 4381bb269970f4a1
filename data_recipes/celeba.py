"""CelebA: faces of celebrities, aligned. Its files are on a drive that only browsers get at."""

import re

from data_recipes.recipe import Chooser, Download, Place, Recipe, Sources
from zoo.errors import ZooError

_SUMS = "torchvision (torchvision/datasets/celeba.py)"
_SPLITS = {"0": "train", "1": "val", "2": "test"}


def _choose(sources: Sources) -> Chooser:
    file = sources.files["list_eval_partition.txt"]
    try:
        rows = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
        splits = {name: _SPLITS[number] for name, number in filter(None, rows)}
    except (ValueError, KeyError) as error:
        raise ZooError(f"{file} is not the published list; fetch it again.") from error

    def place(name: str) -> Place | None:
        found = re.fullmatch(r"img_align_celeba/(\d+\.jpg)", name)
        if found is None or found[1] not in splits:
            return None
        return Place.of(found[1], splits[found[1]])

    return place


RECIPE = Recipe(
    name="celeba",
    title="CelebA, aligned faces",
    page="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    license="for non-commercial research; not to be passed on",
    size="202,599 photos, 1.4 GB",
    citation="Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015",
    downloads=(
        Download(None, "img_align_celeba.zip", "md5:00d2c5bc6d35e252742224ab0c1e8fcb", _SUMS),
        Download(
            None,
            "list_eval_partition.txt",
            "md5:d32c9cbf5e040fd4025c592c306e6668",
            _SUMS,
            holds_photos=False,
        ),
    ),
    by_hand="download the two files in a browser; name their folder with --from",
    choose=_choose,
)
