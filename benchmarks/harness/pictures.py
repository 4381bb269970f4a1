"""Store what reports show of a cell's model: its pictures, also at several temperatures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.cells import Cell, Conditions
from benchmarks.harness.photos import Shown
from zoo.colorizer import Colorizer
from zoo.evaluation.calibrate import study
from zoo.photos.decoding import write_photo

#: Reports show models that have a temperature at these and at their default.
TEMPERATURES = (0.0, 0.2, 0.38, 0.6, 1.0)

#: How many validation photos are scored at each temperature: more hardly move a mean.
STUDY_PHOTOS = 200


def save_pictures(
    model: Colorizer, cell: Cell, shown: Sequence[Shown], out: Path
) -> list[dict[str, str]]:
    """Color the photos to show at the test photos' size, store them in full, and list them."""
    pictures = []
    for entry in shown:
        file = f"{entry.photo.sha256[:16]}.png"
        truth = _save_variants(model, cell, entry, {file: cell.options}, out)
        write_photo(out / "pictures" / "truth" / file, truth)
        pictures.append({"photo": entry.photo.name, "role": entry.role, "file": file})
    return pictures


def try_temperatures(
    model: Colorizer, cell: Cell, conditions: Conditions, out: Path, progress: bool
) -> dict[str, Any]:
    """Color a photo and score validation photos at several temperatures, for reports to show.

    Not test photos: a temperature chosen by their scores would make those scores too good.
    """
    default = model.resolve_options(cell.options)["temperature"]
    temperatures = sorted({*TEMPERATURES, default})
    tiles = []
    for entry in conditions.shown[:1]:
        files = {T: f"{entry.photo.sha256[:16]}-T{T:g}.png" for T in temperatures}
        variants = {file: cell.options | {"temperature": T} for T, file in files.items()}
        _save_variants(model, cell, entry, variants, out)
        tiles += [{"temperature": T, "file": file} for T, file in files.items()]
    stored = {"default": default, "tiles": tiles, "validation_photos": 0, "study": None}
    if conditions.validation:
        photos = conditions.validation.color_only()
        scored = photos.spread(STUDY_PHOTOS)
        found = study(model, scored, temperatures, size=cell.test_size, progress=progress)
        stored |= {"validation_photos": len(photos), "study": found.to_json()}
    return stored


def _save_variants(
    model: Colorizer,
    cell: Cell,
    entry: Shown,
    variants: Mapping[str, Mapping[str, float]],
    out: Path,
) -> np.ndarray:
    """Store a photo in the colors of each set of options, by file; return the photo."""
    truth = entry.photo.read(short_side=cell.test_size)
    colored = model.colorize_variants(truth[None], list(variants.values()))
    for file, (rgb,) in zip(variants, colored, strict=True):
        write_photo(out / "pictures" / cell.key / file, rgb)
    return truth
