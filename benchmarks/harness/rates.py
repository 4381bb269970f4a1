"""Remember how long cells take on this machine."""

from pathlib import Path
from typing import Any

from benchmarks.harness.cells import Cell
from benchmarks.suites import UNTRAINED
from zoo.backend import processor_name
from zoo.budget import Budget
from zoo.files import cache_folder, read_json, write_json
from zoo.training.plan import History


def expected_seconds(cell: Cell) -> float | None:
    """Estimate how long a cell takes here, by the last one like it; None where there was none."""
    known = _known_rates().get(_rate_key(cell))
    if known is None:
        return None
    training = 0.0
    if cell.budget != UNTRAINED:
        budget = Budget.parse(cell.budget).over(cell.train_photos)
        per_photo = known["seconds_per_photo"]
        training = budget.photos_seen * per_photo if budget.minutes is None else 60 * budget.minutes
    return training + known["other_seconds"]


def remember_rate(cell: Cell, history: History, seconds: float) -> None:
    """Store how long a cell took, in seconds, and how much of it was training."""
    rate = {
        "seconds_per_photo": history.seconds / max(1, history.photos_seen),
        "other_seconds": max(0.0, seconds - history.seconds),
    }
    write_json(_rates_file(), _known_rates() | {_rate_key(cell): rate})


def _rate_key(cell: Cell) -> str:
    size = f"{cell.train_size} px, {cell.precision}, {cell.backend}"
    return f"{cell.model}:{cell.preset}, {size}, {processor_name()}"


def _known_rates() -> dict[str, Any]:
    return read_json(_rates_file()) if _rates_file().is_file() else {}


def _rates_file() -> Path:
    return cache_folder() / "rates.json"
