"""Show where the jobs of a queue stand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Column, Table

from benchmarks.release.jobs import Job
from benchmarks.release.learning import SCORES, VALIDATION, ended
from zoo.card import Card, Training, read_card

if TYPE_CHECKING:
    from zoo.training.checkpoint import Progress


def show(jobs: Sequence[Job], out: Path) -> None:
    """Print a table: photos seen, photos a second, the best loss, scores and folders."""
    from zoo.training import checkpoint

    table = Table(
        Column("Job", no_wrap=True), "Photos seen", "Photos/s", "Best loss", *SCORES, "Folder"
    )
    for job in jobs:
        folder = out / job.name
        if ended(job.name, out):
            table.add_row(job.name, *_finished(read_card(folder)), str(folder))
            continue
        standing = checkpoint.positions(folder)
        for name, (trained, progress) in standing.items():
            cells = _unfinished(trained, progress)
            table.add_row(job.name, *cells, str(checkpoint.file_of(folder, name)))
        if not standing:
            table.add_row(job.name, "waits")
    Console().print(table, highlight=False)


def _finished(card: Card) -> list[str]:
    """Photos seen, photos a second, best loss and scores of a job that has ended."""
    training = card.training or Training()
    best = training.details.get("best_score")
    scores = card.validation_scores.get(VALIDATION)
    means = [scores.summary[name].mean for name in SCORES] if scores else []
    return [
        f"{training.photos_seen:,}, finished",
        f"{training.photos_seen / max(training.seconds, 1e-9):.1f}",
        "" if best is None else f"{best:.4f}",
        *(f"{mean:.4g}" for mean in means),
        *[""] * (len(SCORES) - len(means)),
    ]


def _unfinished(trained: Mapping[str, Any], progress: "Progress") -> list[str]:
    """The same of one that was stopped or runs."""
    batch = trained["config"]["batch_size"]
    seen = progress.step * batch
    return [
        f"{seen:,} of {trained['steps'] * batch:,}",
        f"{seen / max(progress.seconds, 1e-9):.1f}",
        "" if progress.best_score is None else f"{progress.best_score:.4f}",
        *[""] * len(SCORES),
    ]
