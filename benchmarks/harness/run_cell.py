"""Running a cell of the benchmark: train, score, store.

Everything is kept in one folder, each file written when it is whole:

    results/<key>.json              what became of it: scores, curves, environment, or the error
    environments/<hash>.json        the machines and versions that results refer to by this hash
    models/<key>/                   the trained model; the checkpoint while it is being trained
    pictures/<key>/<photo>.png      what the model made of the photos that reports show
    pictures/<key>/<photo>-T<t>.png the first of them at the temperature t
    pictures/truth/<photo>.png      those photos themselves
"""

import dataclasses
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.harness.cells import Cell, Conditions
from benchmarks.harness.environment import make_deterministic, store_environment
from benchmarks.harness.memory import peak_memory
from benchmarks.harness.pictures import save_pictures, try_temperatures
from benchmarks.harness.rates import remember_rate
from benchmarks.suites import UNTRAINED
from zoo import registry
from zoo.budget import Budget
from zoo.colorizer import Colorizer
from zoo.errors import TrainingInterrupted, ZooError
from zoo.evaluation.evaluate import evaluate
from zoo.evaluation.report import Report
from zoo.files import write_json
from zoo.metrics.networks import NetworkMetrics
from zoo.models.adversarial import rounds
from zoo.plotting.training import TrainingPlot
from zoo.training import checkpoint
from zoo.training.plan import History


@dataclasses.dataclass(frozen=True)
class Task:
    """A cell to run: all that another process has to know.

    Attributes:
        cell: one that `conditions.cell` made.
        conditions: the photos and the budget.
        out: the benchmark's folder.
        name: stands above the progress bars; no bars without one.
    """

    cell: Cell
    conditions: Conditions
    out: Path
    name: str = ""

    @property
    def progress(self) -> bool:
        """Whether to show progress bars."""
        return bool(self.name)

    def announce(self) -> None:
        """Say what the progress bars below are about."""
        if self.name:
            print(self.name, file=sys.stderr, flush=True)


def result_path(out: Path, cell: Cell) -> Path:
    """Where a cell's result is stored."""
    return out / "results" / f"{cell.key}.json"


def run_cell(task: Task) -> dict[str, Any]:
    """Train, score and store one cell; an interrupted training goes on where it stopped.

    From here on this process computes with deterministic operations alone.

    Returns:
        The stored result. Its "status" is "ok", or "failed" with "error" and "traceback" if the
        model raised anything.

    Raises:
        TrainingInterrupted: after Ctrl-C, once the training's position is saved.
        ZooError: if the result cannot be written.
    """
    task.announce()
    make_deterministic()
    cell, out = task.cell, task.out
    try:
        result = _run(task)
        store_result(out, cell, result)
    except TrainingInterrupted:
        raise
    except Exception as error:  # noqa: BLE001 - one model's failure must not end the others' runs
        trace = "".join(traceback.format_exception(error))
        return record_failure(task, _message(error), trace)
    checkpoint.discard(_model_folder(out, cell))
    # Nobody chooses by hand here, and a dozen models a cell would fill the disk.
    shutil.rmtree(_model_folder(out, cell) / rounds.FOLDER, ignore_errors=True)
    return result


def record_failure(task: Task, error: str, trace: str = "") -> dict[str, Any]:
    """Store that a cell came to nothing, and why in one sentence."""
    result = {
        "status": "failed",
        **_record(task),
        "error": error,
        "traceback": trace,
    }
    store_result(task.out, task.cell, result)
    return result


def store_result(out: Path, cell: Cell, result: dict[str, Any]) -> None:
    """Write a cell's result, whole or not at all."""
    write_json(result_path(out, cell), result)


def _run(task: Task) -> dict[str, Any]:
    cell, conditions, out = task.cell, task.conditions, task.out
    clock = _Clock()
    model = _untrained(cell)
    # Not the history's seconds, which are also those of a run that was stopped and went on here.
    with clock.measuring("training"):
        history = _fit(model, task)
    with clock.measuring("scoring"):
        report = evaluate(
            model,
            conditions.test,
            size=cell.test_size,
            networks=_networks(conditions),
            progress=task.progress,
            **cell.options,
        )
    result = {
        "status": "ok",
        **_record(task),
        **_scores(model, task, report),
        "history": dataclasses.asdict(history),
        "parameters": sum(network.count_params() for network in model.networks.values()),
        "pictures": save_pictures(model, cell, conditions.shown, out),
    }
    if "temperature" in model.defaults:
        with clock.measuring("scoring"):
            result["temperature"] = try_temperatures(model, cell, conditions, out, task.progress)
    remember_rate(cell, history, clock.seconds["all"])
    return result | {"seconds": clock.seconds, "peak_memory_mb": round(peak_memory())}


def _scores(model: Colorizer, task: Task, report: Report) -> dict[str, Any]:
    """What a report says, also on the card of the model, which is saved with it."""
    cell = task.cell
    summary = {name: dataclasses.asdict(value) for name, value in report.summary().items()}
    scored = {"test photos": report.for_card(cell.protocol)}
    model.card = dataclasses.replace(model.card, test_scores=model.card.test_scores | scored)
    model.save(_model_folder(task.out, cell))
    return {"summary": summary, "report": report.to_json()}


class _Clock:
    """Seconds since it was made, and those that named parts of the work took."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._parts: dict[str, float] = {}

    @contextmanager
    def measuring(self, part: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._parts[part] = self._parts.get(part, 0.0) + time.monotonic() - started

    @property
    def seconds(self) -> dict[str, float]:
        times = self._parts | {"all": time.monotonic() - self._begun}
        return {name: round(value, 2) for name, value in times.items()}


def _fit(model: Colorizer, task: Task) -> History:
    """Let the model learn as the cell says, or not at all; how that went."""
    cell = task.cell
    if cell.budget == UNTRAINED:
        return History()
    return model.fit(
        task.conditions.train,
        task.conditions.validation,
        budget=Budget.parse(cell.budget),
        size=cell.train_size,
        precision=cell.precision,
        run_dir=_model_folder(task.out, cell),
        resume=True,
        callbacks=[TrainingPlot(_model_folder(task.out, cell))],
        progress=task.progress,
    )


def _untrained(cell: Cell) -> Colorizer:
    """The model that the cell starts from."""
    if cell.start is not None:
        model = registry.load_model(cell.start)
    else:
        seed = cell.training_seed
        model = registry.create_model(cell.model, cell.preset, seed=seed, **cell.config)
    if dataclasses.asdict(model.config) != cell.config:
        raise ZooError(
            f"{cell.title} is not configured as its key says, because a model could not be loaded "
            "when the key was made; mend that and repeat the command with --resume."
        )
    return model


def _networks(conditions: Conditions) -> NetworkMetrics | None:
    """The networks that score the photos; those not at hand leave a reason, not a failure."""
    if not conditions.networks:
        return None
    return NetworkMetrics(conditions.networks, skip_missing=True)


def _message(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    message = lines[0] if lines else "no message"
    return message if isinstance(error, ZooError) else f"{type(error).__name__}: {message}"


def _record(task: Task) -> dict[str, Any]:
    """What is stored with every result, whether it is one or not."""
    cell = task.cell
    return {
        "key": cell.key,
        "row_key": cell.row_key,
        "cell": dataclasses.asdict(cell),
        "test_photos": len(task.conditions.test),
        "command": task.conditions.command,
        "deterministic": True,
        "environment": store_environment(task.out),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _model_folder(out: Path, cell: Cell) -> Path:
    return out / "models" / cell.key
