"""Run the cells of one benchmark in its folder: finished ones never again, failed ones again."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.harness import films, hints, robustness
from benchmarks.harness.cells import Cell, Conditions
from benchmarks.harness.run_cell import Task, record_failure, result_path, run_cell, store_result
from benchmarks.harness.stored import Result, check_comparable, speed_path
from zoo.cli.startup import start_keras
from zoo.executors import Outcome, run_local, run_on_ray
from zoo.files import read_json

_PACKAGE = Path(__file__).resolve().parents[1]

# What tells rows of one table apart, whatever their configuration has become.
_ROW_FIELDS = ("model", "preset", "label", "seed")


class Runs:
    """The cells of a benchmark and what is stored of them.

    Args:
        cells: those that are wanted.
        conditions: what made them.
        out: the benchmark's folder; it is refused if it holds results of other conditions.
        executor: one of `executors.EXECUTORS`.
    """

    def __init__(
        self, cells: Sequence[Cell], conditions: Conditions, out: Path, executor: str = "local"
    ) -> None:
        self.cells = tuple(cells)
        self._conditions = conditions
        self._out = out
        self._local = executor == "local"
        self._stored = {path: read_json(path) for path in (out / "results").glob("*.json")}
        known = [result["cell"] for result in self._stored.values()]
        check_comparable([*known, *map(vars, cells)], out)

    def status(self, cell: Cell) -> str | None:
        """Say "ok" or "failed"; None if the cell never ran to an end."""
        return self._stored.get(result_path(self._out, cell), {}).get("status")

    def train_and_score(self, console: Console) -> int:
        """Run the cells that have not finished yet; return how many of them failed."""
        left = [cell for cell in self.cells if self.status(cell) != "ok"]
        for cell in self.cells:
            if cell in left:
                self._forget_failures(cell)
            else:
                console.print(f"{self._place(cell)}: finished before", highlight=False)
                self._relabel(cell)
        started = time.monotonic()
        failed = self._run(run_cell, left, console, "trained and scored")
        if left and self._local:
            self._say_overhead(left, time.monotonic() - started, console)
        return failed

    def measure_speed(self, measure: Callable[[Task], object], console: Console) -> int:
        """Time one model of each finished row not timed yet; return how many failed."""
        first: dict[str, Cell] = {}
        for cell in self.cells:
            first.setdefault(cell.row_key, cell)
        finished = [cell for cell in first.values() if self._result(cell).get("status") == "ok"]
        left = [cell for cell in finished if not speed_path(self._out, cell.row_key).is_file()]
        return self._run(measure, left, console, "timed")

    def score_degraded(self, console: Console) -> int:
        """Score each finished model on degraded photos, if it was not; return how many failed."""
        left = [cell for cell, result in self._finished() if not robustness.is_scored(result)]
        return self._run(robustness.score_degraded, left, console, "scored on degraded photos")

    def score_hints(self, console: Console) -> int:
        """Score the finished models with hints that were not, together; return how many failed."""
        left = [cell for cell, result in self._finished() if not hints.is_scored(result)]
        if not left:
            return 0
        tasks = self._tasks(left)
        ((_, problem),) = self._outcomes(hints.score_hints, [tasks])
        models = f"{len(left)} model{'s'[: len(left) > 1]}"
        words = f"{models}: {'scored with hints' if problem is None else f'failed: {problem}'}"
        console.print(words, markup=False, highlight=False)
        return 0 if problem is None else len(left)

    def score_films(self, console: Console) -> int:
        """Score each finished model on films, if it was not; return how many failed."""
        clips = self._conditions.films
        left = [cell for cell, result in self._finished() if not films.is_scored(result, clips)]
        return self._run(films.score_films, left, console, "scored on films")

    def _finished(self) -> list[tuple[Cell, Result]]:
        results = [(cell, self._result(cell)) for cell in self.cells]
        return [(cell, result) for cell, result in results if result.get("status") == "ok"]

    def _run(
        self, function: Callable[[Task], object], cells: Sequence[Cell], console: Console, done: str
    ) -> int:
        tasks = self._tasks(cells)
        failed = 0
        for number, problem in self._outcomes(function, tasks):
            task = tasks[number]
            result = self._result(task.cell)
            if function is run_cell and problem is not None and not result:
                result = record_failure(task, problem)
            error = problem or result.get("error")
            failed += error is not None
            words = f"{self._place(task.cell)}: {done if error is None else f'failed: {error}'}"
            console.print(words, markup=False, highlight=False)
        return failed

    def _tasks(self, cells: Sequence[Cell]) -> list[Task]:
        """Without a name no bars: those of cells side by side would overwrite each other."""
        return [
            Task(cell, self._conditions, self._out, self._place(cell) if self._local else "")
            for cell in cells
        ]

    def _outcomes(
        self, function: Callable[[Any], object], tasks: Sequence[Any]
    ) -> Iterator[Outcome]:
        if self._local:
            return run_local(function, tasks, prepare=start_keras)
        return run_on_ray(function, tasks, packages=[_PACKAGE])

    def _say_overhead(self, cells: Sequence[Cell], seconds: float, console: Console) -> None:
        times = [self._result(cell).get("seconds", {}) for cell in cells]
        useful = sum(part.get(name, 0.0) for part in times for name in ("training", "scoring"))
        share = max(0.0, 1 - useful / seconds)
        words = f"{seconds / 60:.1f} min, {share:.1%} of it neither training nor scoring."
        console.print(words, highlight=False)

    def _result(self, cell: Cell) -> Result:
        path = result_path(self._out, cell)
        return read_json(path) if path.is_file() else {}

    def _place(self, cell: Cell) -> str:
        seed = f", seed {cell.seed}" if len({one.seed for one in self.cells}) > 1 else ""
        return f"{1 + self.cells.index(cell)}/{len(self.cells)} {cell.title}{seed}"

    def _relabel(self, cell: Cell) -> None:
        """Give a stored result, which another suite may have left, the cell's label."""
        known = self._stored[result_path(self._out, cell)]
        if cell.label not in (None, known["cell"].get("label")):
            stored = known["cell"] | {"label": cell.label, "changes": cell.changes}
            store_result(self._out, cell, known | {"cell": stored})

    def _forget_failures(self, cell: Cell) -> None:
        """Remove the row's earlier failures: repairing its code may have changed its key."""
        for path, result in self._stored.items():
            same = all(result["cell"].get(name) == getattr(cell, name) for name in _ROW_FIELDS)
            if same and result["status"] == "failed":
                path.unlink(missing_ok=True)
