"""Run the trainings of the weights that come with the package, one after the other.

    python -m benchmarks.release.queue run encoder --photos DIR --val-photos DIR2 --out RUNS
    python -m benchmarks.release.queue status encoder --out RUNS
    python -m benchmarks.release.queue compare losses --out RUNS --test-photos DIR

The queues and their jobs are in `benchmarks.release.jobs`; `encoder` comes first, since others
start from what it learns, in the same folder. A job that has ended is never run again, and one that
was stopped, even by a kill, goes on where it was when the same command is repeated. Photos that are
smaller than a job's training squares are left out of it.

`compare` scores the jobs that have ended, each once on each set of test photos, and writes tables
with paired differences (`compare-QUEUE.md` and `.csv` in the folder); test photos choose nothing.

Cost: many hours of two processor cores; `status` shows the photos a second of each job.
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from benchmarks.harness.photos import labels_apart
from benchmarks.release.jobs import QUEUES, Job
from benchmarks.release.train import all_of, fit_resumably, read_each
from zoo.budget import Budget
from zoo.card import CARD, Card, Training, read_card, write_card
from zoo.cli import options
from zoo.cli.inputs import counted
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.files import atomic_path, require_writable
from zoo.photos.division import read_photos, refuse_overlap
from zoo.photos.photoset import PhotoSet

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.training.checkpoint import Progress

#: Validation photos that a finished job is scored on; its loss is measured on all of them.
_SCORED = 300
_SCORES = ("ciede2000", "auc", "colorfulness")
_VALIDATION = "validation photos"

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help=f"Which jobs: {', '.join(QUEUES)}.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="A sub-folder a job.")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(
        run, status, compare, argv=argv, interrupted="\nStopped; repeat the command to go on."
    )


def run(queue: Queue, photos: options.Photos, val_photos: options.Photos, out: Out) -> None:
    """Train what has not been trained yet."""
    jobs = _jobs(queue)
    left = [job for job in jobs if not _ended(job.name, out)]
    _refuse_missing_starts(left, out)
    chosen = {job.name: job.folders(photos) for job in left}
    require_writable(out)
    sets, validation = read_each(photos, val_photos)
    start_keras()
    for job in left:
        training = all_of(sets[folder] for folder in chosen[job.name])
        print(f"{job.name}: {job.model}, {counted(len(training), 'photo')}", flush=True)
        _learn(job, out, training, validation)
    _show(queue, out)


def status(queue: Queue, out: Out) -> None:
    """Show what is done, and where the job at hand stands."""
    _show(queue, out)


def compare(
    queue: Queue,
    out: Out,
    test_photos: Annotated[
        list[Path], typer.Option(metavar="DIR", help="A set of photos to score; repeatable.")
    ],
    photos: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="What the jobs learned from, to refuse it among the photos to score; repeatable.",
        ),
    ] = None,
    test_size: Annotated[
        int, typer.Option(min=1, metavar="PX", help="Larger test photos get this short side.")
    ] = 256,
    apart: options.LabelsApart = None,
) -> None:
    """Compare the jobs that have ended on test photos, by tables with paired differences."""
    ended = [job for job in _jobs(queue) if _ended(job.name, out)]
    if not ended:
        raise ZooError(f"No job of the queue {queue} has ended in {out}; run it first.")
    require_writable(out)
    sets = {_title(path): read_photos([path], "test").color_only() for path in test_photos}
    if len(sets) < len(test_photos):
        raise ZooError("Two sets of --test-photos have the same name; give each of them once.")
    labels = labels_apart(PhotoSet.joined(list(sets.values())), apart)
    for scored in sets.values():
        labels_apart(scored, [label for label in labels if label in scored.labels])
    if photos:
        _refuse_seen(ended, out, photos, sets)
    start_keras()
    from benchmarks.release.compare import compare_jobs, markdown, table_csv

    folders = {job.name: out / job.name for job in ended}
    parts = []
    for title, scored in sets.items():
        print(f"{title}: {scored.summary()}", flush=True)
        parts.append(compare_jobs(folders, out, title, scored, test_size))
    text = markdown(queue, parts, labels, unseen=bool(photos))
    written = {".md": text, ".csv": table_csv(parts, labels)}
    for suffix, content in written.items():
        with atomic_path(out / f"compare-{queue}{suffix}") as temporary:
            temporary.write_text(content, encoding="utf-8")
    print(f"\n{text}")


def _title(path: Path) -> str:
    """Call a set by its folder and the one that this is in, as in "everyday/test256"."""
    return "/".join(path.absolute().parts[1:][-2:])


def _refuse_seen(
    ended: Sequence[Job], out: Path, photos: Sequence[Path], sets: Mapping[str, PhotoSet]
) -> None:
    """Refuse test photos that a job learned from, and photos that are not what it learned from."""
    folders = {folder: read_photos([folder], "train").color_only() for folder in photos}
    known = {job.name: job for jobs in QUEUES.values() for job in jobs}
    left, checked = [job.name for job in ended], set[str]()
    while left:
        job = known[left.pop()]
        if job.name in checked:
            continue
        checked.add(job.name)
        left += [job.start] * bool(job.start)
        learned = all_of(folders[folder] for folder in job.folders(photos))
        training = read_card(out / job.name).training
        if training is None or training.fingerprint != learned.fingerprint:
            raise ZooError(
                f"The job {job.name} learned from other photos than those given with --photos; "
                "give the folders that it was run with, in their order, or leave --photos out."
            )
    advice = "give other photos with --test-photos"
    refuse_overlap(all_of(folders.values()), PhotoSet.joined(list(sets.values())), advice)


def _show(queue: str, out: Path) -> None:
    from zoo.training import checkpoint

    table = Table(
        Column("Job", no_wrap=True), "Photos seen", "Photos/s", "Best loss", *_SCORES, "Folder"
    )
    for job in _jobs(queue):
        folder = out / job.name
        if _ended(job.name, out):
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
    scores = card.validation_scores.get(_VALIDATION)
    means = [scores.summary[name].mean for name in _SCORES] if scores else []
    return [
        f"{training.photos_seen:,}, finished",
        f"{training.photos_seen / max(training.seconds, 1e-9):.1f}",
        "" if best is None else f"{best:.4f}",
        *(f"{mean:.4g}" for mean in means),
        *[""] * (len(_SCORES) - len(means)),
    ]


def _unfinished(trained: Mapping[str, Any], progress: "Progress") -> list[str]:
    """The same of one that was stopped or runs."""
    batch = trained["config"]["batch_size"]
    seen = progress.step * batch
    return [
        f"{seen:,} of {trained['steps'] * batch:,}",
        f"{seen / max(progress.seconds, 1e-9):.1f}",
        "" if progress.best_score is None else f"{progress.best_score:.4f}",
        *[""] * len(_SCORES),
    ]


def _jobs(queue: str) -> tuple[Job, ...]:
    return QUEUES[valid_choice("queue", queue, tuple(QUEUES))]


def _ended(name: str, out: Path) -> bool:
    return (out / name / CARD).is_file()


def _refuse_missing_starts(left: Sequence[Job], out: Path) -> None:
    """Refuse jobs that start from one which neither has ended nor stands before them."""
    for place, job in enumerate(left):
        before = [earlier.name for earlier in left[:place]]
        if job.start and not _ended(job.start, out) and job.start not in before:
            (queue, *_) = [name for name, jobs in QUEUES.items() if job.start in _names(jobs)]
            raise ZooError(
                f"The job {job.name} starts from {job.start}, which has not been trained in {out} "
                f"yet: run the queue {queue} into the same folder first."
            )


def _names(jobs: Sequence[Job]) -> list[str]:
    return [job.name for job in jobs]


def _learn(job: Job, out: Path, training: PhotoSet, validation: PhotoSet) -> None:
    """Train a job's model, score it on validation photos, and keep it in its folder."""
    from zoo.evaluation.evaluate import evaluate

    run = out / job.name
    model = _beginning(job, out)
    plan = {"train": training, "validation": validation, "size": job.sizes}
    fit_resumably(model, run, budget=Budget.parse(job.budget), **plan)
    report = evaluate(model, validation.spread(_SCORED), metrics=_SCORES, progress=True)
    scores = {_VALIDATION: report.for_card()}
    write_card(run, dataclasses.replace(read_card(run), validation_scores=scores))


def _beginning(job: Job, out: Path) -> "Colorizer":
    """The job's model with the weights that it starts from."""
    from zoo.networks.encoders.base import PREFIX
    from zoo.registry import create_model, load_model
    from zoo.training.transfer import take_layers

    if not job.start:
        return create_model(job.model, job.preset, **job.changes)
    earlier = load_model(out / job.start)
    if job.continues:
        return earlier.copy(**job.changes)
    model = create_model(job.model, job.preset, **job.changes)
    take_layers(model.networks["colorizer"], earlier.networks["colorizer"], f"{PREFIX}*")
    return model


if __name__ == "__main__":
    sys.exit(main())
