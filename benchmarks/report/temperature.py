"""What the report shows of models that have a temperature: a photo at several, and curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.stored import Result
from benchmarks.report import figures
from benchmarks.report.figures import PhotoRow, TemperatureCurves
from benchmarks.report.leaderboard import Leaderboard
from benchmarks.report.text import caution
from zoo.card import Study
from zoo.cli.inputs import counted
from zoo.photos.decoding import read_rgb


@dataclass(frozen=True)
class Temperature:
    """What is shown of the models that have a temperature; all empty where there are none.

    Attributes:
        defaults: title and default temperature of each model.
        rows: the models that are in `strips`.
        photo: the name of the photo in `strips`.
        strips: a photo as PNG: one row per model, one column per temperature.
        curves: the models whose temperatures were scored on validation photos.
        available: how many validation photos there are, of which not all may have been scored.
    """

    defaults: tuple[tuple[str, float], ...] = ()
    rows: tuple[PhotoRow, ...] = ()
    photo: str = ""
    strips: bytes | None = None
    curves: tuple[TemperatureCurves, ...] = ()
    available: int = 0

    @cached_property
    def picture(self) -> bytes | None:
        """The photo and the curves in one PNG file."""
        parts = [self.strips] if self.strips else []
        if self.curves:
            parts.append(figures.draw_temperature_curves(self.curves, "png"))
        return figures.stack(parts) if parts else None

    @property
    def scored(self) -> str:
        photos, size = self.curves[0].study.photos, self.curves[0].study.size
        part = "" if photos == self.available else f"{photos:,}, evenly spread, of "
        available = counted(self.available, "validation photo")
        return f"{part}the {available}, at most {size} px on the short side"

    @property
    def caution(self) -> str | None:
        return caution(self.curves[0].study.photos, "validation photo", "the curves make")


def temperature_of(board: Leaderboard, out: Path) -> Temperature:
    """Collect what the results say about temperatures."""
    results = [result for result in board.finished if "temperature" in result]
    strips = [result for result in results if result["temperature"]["tiles"]]
    png, rows, photo = _strips(board, strips, out) if strips else (None, (), "")
    studied = [result for result in results if result["temperature"]["study"]]
    return Temperature(
        defaults=tuple((board.title(one), one["temperature"]["default"]) for one in results),
        rows=rows,
        photo=photo,
        strips=png,
        curves=tuple(_curves(board.title(one), one["temperature"]) for one in studied),
        available=studied[0]["temperature"]["validation_photos"] if studied else 0,
    )


def _curves(title: str, stored: dict[str, Any]) -> TemperatureCurves:
    return TemperatureCurves(title, stored["default"], Study.from_json(stored["study"]))


def _strips(
    board: Leaderboard, results: Sequence[Result], out: Path
) -> tuple[bytes, tuple[PhotoRow, ...], str]:
    """Draw the first photo at several temperatures; return picture, models in it, photo's name."""
    # Results that share all conditions show the same photo, and it is the first of each.
    shown = results[0]["pictures"][0]
    truth = read_rgb(out / "pictures" / "truth" / shown["file"])
    blank = np.full_like(truth, 255)
    # A model whose default is an unusual one has a column more than the others.
    tiles_of = (result["temperature"]["tiles"] for result in results)
    files = [{tile["temperature"]: tile["file"] for tile in tiles} for tiles in tiles_of]
    columns = sorted(set().union(*files))
    rows = []
    for result, by_temperature in zip(results, files, strict=True):
        folder = out / "pictures" / result["key"]
        tiles = dict.fromkeys(columns, blank)
        tiles |= {T: read_rgb(folder / file) for T, file in by_temperature.items()}
        name = f"{board.title(result)}, default T = {result['temperature']['default']:g}"
        rows.append(PhotoRow(name, shown["role"], (*tiles.values(), truth)))
    png, count = figures.draw_comparison([*(f"T = {T:g}" for T in columns), "truth"], rows)
    return png, tuple(rows[:count]), shown["photo"]
