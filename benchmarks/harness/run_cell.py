"""Run a cell of the benchmark: train, score, store.

Everything is in one folder, each file written when it is whole:

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

from benchmarks.harness.cells import Cell, Conditions
from benchmarks.harness.environment import make_deterministic, store_environment
from benchmarks.harness.memory import peak_memory
from benchmarks.harness.pictures import save_pictures, try_temperatures
from benchmarks.harness.rates import remember_rate
from benchmarks.harness.stored import Result
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
from zoo.saving import size_on_disk
from zoo.training import checkpoint
from zoo.training.plan import History


@dataclasses.dataclass(frozen=True)
class Task:
    """A cell to run: all that another process has to know.

    Attributes:
        out: the benchmark's folder.
        name: stands above the progress bars; no bars without one.
    """

    cell: Cell
    conditions: Conditions
    out: Path
    name: str = ""

    @property
    def progress(self) -> bool:
        return bool(self.name)

    def announce(self) -> None:
        if self.name:
            print(self.name, file=sys.stderr, flush=True)


def result_path(out: Path, cell: Cell) -> Path:
    """Name the file of a cell's result."""
    return out / "results" / f"{cell.key}.json"


def run_cell(task: Task) -> Result:
    """Train, score and store one cell; an interrupted training goes on where it stopped.

    From then on this process computes with deterministic operations alone.

    Returns:
        The stored result. Its "status" is "ok", or "failed" with "error" and "traceback" if the
        model raised anything.
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
    # A dozen models per cell would fill the disk, and nobody chooses among them by hand.
    shutil.rmtree(_model_folder(out, cell) / rounds.FOLDER, ignore_errors=True)
    return result


def bytes_of_model(task: Task) -> int:
    """Count the bytes of a cell's model; of weights scored as they are, where they came from."""
    cell = task.cell
    if cell.start is not None and cell.budget == UNTRAINED:
        return size_on_disk(Path(cell.start))
    return size_on_disk(_model_folder(task.out, cell))


def record_failure(task: Task, error: str, trace: str = "") -> Result:
    """Store that a cell came to nothing, and why in one sentence."""
    result = {"status": "failed", **_record(task), "error": error, "traceback": trace}
    store_result(task.out, task.cell, result)
    return result


def store_result(out: Path, cell: Cell, result: Result) -> None:
    """Write a cell's result, whole or not at all."""
    write_json(result_path(out, cell), result)


def _run(task: Task) -> Result:
    cell, conditions, out = task.cell, task.conditions, task.out
    begun = time.monotonic()
    seconds: dict[str, float] = {}
    model = _untrained(cell)
    # Not the history's seconds, which include those of a run that was stopped and resumed here.
    with _measured(seconds, "training"):
        history = _fit(model, task)
    with _measured(seconds, "scoring"):
        names = conditions.networks
        report = evaluate(
            model,
            conditions.test,
            size=cell.test_size,
            networks=NetworkMetrics(names, skip_missing=True) if names else None,
            progress=task.progress,
            **cell.options,
        )
    result = {
        "status": "ok",
        **_record(task),
        **_scores(model, task, report),
        "history": dataclasses.asdict(history),
        "parameters": sum(network.count_params() for network in model.networks.values()),
        "bytes_on_disk": bytes_of_model(task),
        "pictures": save_pictures(model, cell, conditions.shown, out),
    }
    if "temperature" in model.defaults:
        with _measured(seconds, "scoring"):
            result["temperature"] = try_temperatures(model, cell, conditions, out, task.progress)
    seconds["all"] = time.monotonic() - begun
    remember_rate(cell, history, seconds["all"])
    times = {name: round(value, 2) for name, value in seconds.items()}
    return result | {"seconds": times, "peak_memory_mb": round(peak_memory())}


def _scores(model: Colorizer, task: Task, report: Report) -> Result:
    """Store a report's figures on the model's card, and the model; return them for the result."""
    cell = task.cell
    headline, _ = report.apart(cell.apart)
    summary = {name: dataclasses.asdict(value) for name, value in headline.summary().items()}
    scored = {"test photos": headline.for_card(cell.protocol)}
    model.card = dataclasses.replace(model.card, test_scores=model.card.test_scores | scored)
    model.save(_model_folder(task.out, cell))
    return {"summary": summary, "report": report.to_json()}


@contextmanager
def _measured(seconds: dict[str, float], part: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[part] = seconds.get(part, 0.0) + time.monotonic() - started


def _fit(model: Colorizer, task: Task) -> History:
    cell, folder = task.cell, _model_folder(task.out, task.cell)
    if cell.budget == UNTRAINED:
        return History()
    return model.fit(
        task.conditions.train,
        task.conditions.validation,
        budget=Budget.parse(cell.budget),
        size=cell.train_size,
        precision=cell.precision,
        run_dir=folder,
        resume=True,
        callbacks=[TrainingPlot(folder)],
        progress=task.progress,
    )


def _untrained(cell: Cell) -> Colorizer:
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


def _message(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    message = lines[0] if lines else "no message"
    return message if isinstance(error, ZooError) else f"{type(error).__name__}: {message}"


def _record(task: Task) -> Result:
    """What is stored with every result, failures included."""
    cell = task.cell
    return {
        "key": cell.key,
        "row_key": cell.row_key,
        "cell": dataclasses.asdict(cell),
        "test_photos": sum(photo.label not in cell.apart for photo in task.conditions.test),
        "command": task.conditions.command,
        "deterministic": True,
        "environment": store_environment(task.out),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _model_folder(out: Path, cell: Cell) -> Path:
    return out / "models" / cell.key
