"""Reading what people said about recolored photos: the layout of HECD.

HECD (Mullery and Whelan, Human vs Objective Evaluation of Colourisation Performance, arXiv
2204.05200) holds 20 scenes. Each has an original and 65 recolorings of it, which people rated for
how natural their colors look. `mean_zscores.csv` has one row per picture: the original's file, the
recoloring's file, and the mean of its standardized ratings, where higher is more natural.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.errors import ZooError
from zoo.photos.photoset import find_photos

#: The file with the ratings, and its columns.
RATINGS = "mean_zscores.csv"
ORIGINAL, RECOLORING, RATING = "Ground Truth File", "Recolour File", "Mean zScore"

#: With fewer recolorings a scene has no rank correlation worth the name.
FEWEST = 3

_PAGE = "https://github.com/seanmullery/HECD"


@dataclass(frozen=True)
class Scene:
    """A photo, its recolorings, n of them, and how natural people found them, (n,)."""

    original: Path
    recolorings: tuple[Path, ...]
    ratings: np.ndarray

    @property
    def name(self) -> str:
        """The original's file name without its ending and its mark "_gt"."""
        return self.original.stem.removesuffix("_gt")


def read_scenes(folder: Path) -> list[Scene]:
    """Read the scenes of a folder that holds HECD, in the order of their names.

    The ratings and the pictures may lie in any sub-folder, so that a checkout of the set is read
    as well as what `zoo data prepare hecd` makes of it. The originals' own ratings are left out:
    every metric gives an original the best score there is.

    Raises:
        ZooError: if the folder has another layout, a rating is no finite number, a picture is
            missing, or a scene has too few recolorings.
    """
    ratings = _read_ratings(_find_ratings(folder))
    pictures = _find_pictures(folder, ratings)
    scenes = []
    for original, of_scene in sorted(ratings.items()):
        others = {file: rating for file, rating in of_scene.items() if file != original}
        if len(others) < FEWEST:
            raise ZooError(
                f"{RATINGS} rates {len(others)} recolorings of {original}; a rank correlation "
                f"takes at least {FEWEST}."
            )
        files = tuple(pictures[file] for file in others)
        scenes.append(Scene(pictures[original], files, np.array(list(others.values()))))
    return scenes


def _find_ratings(folder: Path) -> Path:
    if not folder.is_dir():
        raise ZooError(f"There is no folder {folder}; name the one that holds HECD ({_PAGE}).")
    found = sorted(folder.rglob(RATINGS), key=lambda path: (len(path.parts), path))
    if not found:
        raise ZooError(
            f"{folder} holds no {RATINGS}, the ratings of HECD; get the whole set from {_PAGE}, or "
            "name another folder."
        )
    return found[0]


def _read_ratings(path: Path) -> dict[str, dict[str, float]]:
    """The rating of each recoloring by its file, by the original's file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), reader.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise ZooError(f"{path} cannot be read ({error}); get it again from {_PAGE}.") from error
    missing = [name for name in (ORIGINAL, RECOLORING, RATING) if name not in columns]
    if missing:
        raise ZooError(f"{path} has no column {missing[0]!r}; get it again from {_PAGE}.")
    ratings: dict[str, dict[str, float]] = {}
    for line, row in enumerate(rows, start=2):
        original, recoloring = row[ORIGINAL], row[RECOLORING]
        if not original or not recoloring:
            raise ZooError(f"Line {line} of {path} names no picture; get it again from {_PAGE}.")
        of_scene = ratings.setdefault(original, {})
        if recoloring in of_scene:
            raise ZooError(f"{path} rates {recoloring} twice; remove one of the rows.")
        of_scene[recoloring] = _number(row[RATING], path, line)
    if not ratings:
        raise ZooError(f"{path} rates no picture; get it again from {_PAGE}.")
    return ratings


def _number(text: str | None, path: Path, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ZooError(
            f"Line {line} of {path} has the rating {text!r}, which is no finite number; mend or "
            "remove the row."
        )
    return value


def _find_pictures(folder: Path, ratings: dict[str, dict[str, float]]) -> dict[str, Path]:
    """The path of each picture that the ratings name."""
    found: dict[str, Path] = {}
    wanted = {file for original, files in ratings.items() for file in (original, *files)}
    for entry in find_photos(folder):
        name = entry.path.name
        if name in found and name in wanted:
            raise ZooError(f"{found[name]} and {entry.path} have one name; remove one of them.")
        found[name] = entry.path
    missing = sorted(wanted - found.keys())
    if missing:
        raise ZooError(
            f"{folder} lacks {len(missing)} of the {len(wanted)} pictures that {RATINGS} names, "
            f"{missing[0]} for one; get the whole set from {_PAGE}."
        )
    return {file: found[file] for file in wanted}
