"""What a training logs in every step, as a table that grows beside it: `steps.csv`.

Keras gives means over the round so far; the values of single steps are the differences of sums.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.files import atomic_path, spoken_failure


class StepLog:
    """Writes the table; rows past the position that a training resumes from are dropped.

    It begins after `step` steps; without a `run_dir` nothing is written.
    """

    def __init__(self, run_dir: Path | None, stage: str, batch_size: int, step: int) -> None:
        self._path = run_dir and file_of(run_dir, stage)
        self._batch_size, self._step = batch_size, step
        self._count = 0
        self._means: dict[str, float] = {}
        self._waiting: list[tuple[int, int, Mapping[str, Any]]] = []
        if self._path is not None:
            self._cut(self._path)

    def begin_round(self, count: int, means: Mapping[str, Any]) -> None:
        """A round begins or goes on, `count` of its steps and the means over these done."""
        self._count = count
        self._means = {name: float(value) for name, value in means.items()}

    def add(self, means: Mapping[str, Any]) -> None:
        self._step += 1
        self._count += 1
        # They are looked at later: each look waits for the device.
        self._waiting.append((self._step, self._count, dict(means)))

    def flush(self) -> None:
        rows = [self._row(*waiting) for waiting in self._waiting]
        self._waiting = []
        if self._path is None or not rows:
            return
        with spoken_failure(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            header = not self._path.exists()
            with self._path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                if header:
                    writer.writerow(["step", "photos_seen", *self._means])
                writer.writerows(rows)

    def _row(self, step: int, count: int, means: Mapping[str, Any]) -> list[str]:
        before = self._means
        self._means = {name: float(value) for name, value in means.items()}
        sums = ((name, value * count) for name, value in self._means.items())
        values = [total - before.get(name, 0.0) * (count - 1) for name, total in sums]
        return [str(step), str(step * self._batch_size), *(f"{value:.6g}" for value in values)]

    def _cut(self, path: Path) -> None:
        if self._step == 0:
            path.unlink(missing_ok=True)
        elif path.exists():
            header, *rows = path.read_text(encoding="utf-8").splitlines()
            # A last row that a crash cut in half has fewer columns.
            whole = [row for row in rows if row.count(",") == header.count(",")]
            kept = [row for row in whole if int(row.partition(",")[0]) <= self._step]
            with atomic_path(path) as temporary:
                temporary.write_text("\n".join([header, *kept, ""]), encoding="utf-8")


def file_of(run_dir: Path, stage: str) -> Path:
    """Where a stage's table is."""
    return run_dir / (f"steps-{stage}.csv" if stage else "steps.csv")


def read_steps(path: Path) -> dict[str, np.ndarray]:
    """A table's columns by name."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            names, *rows = csv.reader(file)
        return dict(zip(names, np.array(rows, float).reshape(-1, len(names)).T, strict=True))
    except (OSError, ValueError) as error:
        raise ZooError(f"{path} cannot be read as a table of steps ({error}).") from error
