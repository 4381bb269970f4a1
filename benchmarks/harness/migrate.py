"""Rename stored results whose configuration has other fields today.

A key hashes the whole configuration, so it changes with every field that comes or goes although the
same is computed. Removed fields are dropped at the one value that means what is done today; new
ones have the preset's value, and a preset has its name of today. Changing what a preset computes
raises `PROTOCOL` instead.
"""

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness.cells import PROTOCOL, Cell
from benchmarks.harness.stored import Result, speed_path
from zoo import registry
from zoo.errors import ZooError
from zoo.files import read_json, write_json
from zoo.saving import current_fields, current_preset


def migrate(out: Path) -> int:
    """Give the finished cells of a benchmark's folder their keys of today; count the renamed."""
    moved = 0
    for path in sorted((out / "results").glob("*.json")):
        result = read_json(path)
        if result["status"] != "ok" or result["cell"]["protocol"] != PROTOCOL:
            continue
        try:
            cell = current_cell(result["cell"])
        except ZooError:
            continue  # its model is gone, or a field that meant something: it stays as it is
        if cell.key != result["key"]:
            _move(out, result, cell)
            path.unlink()
            moved += 1
    return moved


def current_cell(stored: Mapping[str, Any]) -> Cell:
    """Give a stored cell the fields that its model's configuration has today.

    Raises:
        ZooError: if there is no such model or preset, or a field had a value that is gone.
    """
    line = registry.entry(stored["model"])
    name = current_preset(stored["preset"], stored["config"])
    preset = line.load().PRESETS[line.preset_or_only(name)].config
    fields = current_fields(stored["config"], "This result")
    if gone := fields.keys() - vars(preset).keys():
        raise ZooError(f"{line.name} has no field {', '.join(gone)} any more.")
    config = dataclasses.asdict(dataclasses.replace(preset, **fields))
    return Cell(**{**stored, "preset": name, "config": config})


def _move(out: Path, result: Result, cell: Cell) -> None:
    for folder in ("models", "pictures"):
        if (out / folder / result["key"]).is_dir():
            shutil.move(out / folder / result["key"], out / folder / cell.key)
    speed = speed_path(out, result["row_key"])
    if speed.is_file():
        write_json(speed_path(out, cell.row_key), read_json(speed) | {"row_key": cell.row_key})
        speed.unlink()
    changed = {"key": cell.key, "row_key": cell.row_key, "cell": dataclasses.asdict(cell)}
    write_json(out / "results" / f"{cell.key}.json", result | changed)
