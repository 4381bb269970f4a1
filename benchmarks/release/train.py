"""Train the weights that come with the package: one recipe for all models, in queues of jobs.

    python -m benchmarks.release.train run encoder --photos DIR --val-photos DIR2 --out RUNS
    python -m benchmarks.release.train status encoder --out RUNS
    python -m benchmarks.release.train compare losses --out RUNS --test-photos DIR
    python -m benchmarks.release.train ship approaches --photos DIR --val-photos DIR2 --out RUNS

The queues and their jobs are in `benchmarks.release.jobs`; `encoder` comes first, since others
start from what it learns, in the same folder. A job that has ended is never run again, and one that
was stopped, even by a kill, goes on where it was when the same command is repeated, and ends with
the same weights. Photos that are smaller than a job's training squares are left out of it.

`compare` scores the jobs that have ended, each once on each set of test photos, and writes tables
with paired differences (`compare-QUEUE.md` and `.csv` in the folder); test photos choose nothing.
`ship` chooses temperature or saturation on validation photos, packs the weights and puts them into
`zoo/pretrained/`.

Cost: many hours of two processor cores; `status` shows the photos a second of each job.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.harness.photos import labels_apart
from benchmarks.release.jobs import QUEUES, Job
from benchmarks.release.learning import (
    all_of,
    ended,
    learn,
    learned_from,
    photos_of,
    read_each,
    read_folders,
    refuse_missing_starts,
)
from benchmarks.release.standing import show
from zoo.cli import options
from zoo.cli.inputs import counted
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.files import atomic_path, require_writable
from zoo.photos.division import read_photos, refuse_overlap
from zoo.photos.photoset import PhotoSet
from zoo.pretrained import FOLDER

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help=f"Which jobs: {', '.join(QUEUES)}.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="A sub-folder a job.")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    stopped = "\nStopped; repeat the command to go on."
    return run_script(run, status, compare, ship, argv=argv, interrupted=stopped)


def run(queue: Queue, photos: options.Photos, val_photos: options.Photos, out: Out) -> None:
    """Train what has not been trained yet."""
    jobs = _jobs(queue)
    left = [job for job in jobs if not ended(job.name, out)]
    refuse_missing_starts(left, out)
    for job in left:
        job.folders(photos)  # refuses what it cannot find, before any photo is read
    require_writable(out)
    folders, validation = read_each(photos, val_photos)
    start_keras()
    for job in left:
        training = photos_of(job, folders)
        print(f"{job.name}: {job.model}, {counted(len(training), 'photo')}", flush=True)
        learn(job, out, training, validation)
    show(jobs, out)


def status(queue: Queue, out: Out) -> None:
    """Show what is done, and where the job at hand stands."""
    show(_jobs(queue), out)


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
    finished = _finished(queue, out)
    require_writable(out)
    sets = {_title(path): read_photos([path], "test").color_only() for path in test_photos}
    if len(sets) < len(test_photos):
        raise ZooError("Two sets of --test-photos have the same name; give each of them once.")
    labels = labels_apart(PhotoSet.joined(list(sets.values())), apart)
    for scored in sets.values():
        labels_apart(scored, [label for label in labels if label in scored.labels])
    if photos:
        _refuse_seen(finished, out, photos, sets)
    start_keras()
    from benchmarks.release.compare import compare_jobs, markdown, table_csv

    runs = {job.name: out / job.name for job in finished}
    parts = []
    for title, scored in sets.items():
        print(f"{title}: {scored.summary()}", flush=True)
        parts.append(compare_jobs(runs, out, title, scored, test_size))
    text = markdown(queue, parts, labels, unseen=bool(photos))
    written = {".md": text, ".csv": table_csv(parts, labels)}
    for suffix, content in written.items():
        with atomic_path(out / f"compare-{queue}{suffix}") as temporary:
            temporary.write_text(content, encoding="utf-8")
    print(f"\n{text}")


def ship(
    queue: Queue,
    photos: options.Photos,
    val_photos: options.Photos,
    out: Out,
    described: Annotated[
        str, typer.Option(metavar="WORDS", help="What the photos are, for the cards.")
    ] = "photos of people, rooms, food, things, vehicles, streets, scenes, animals and flowers "
    "from public research collections",
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the packed models go, a sub-folder each.")
    ] = FOLDER,
) -> None:
    """Choose how vivid the jobs that have ended color, pack them, and put them in their place."""
    finished = _finished(queue, out)
    if len({job.model for job in finished}) < len(finished):
        raise ZooError(f"The queue {queue} has several jobs of one model; ship one with one each.")
    for folder in (out, to):
        require_writable(folder)
    folders, validation = read_each(photos, val_photos)
    training = {job.name: learned_from(job, out, folders) for job in finished}
    start_keras()
    from benchmarks.release.sharing import share_encoders
    from benchmarks.release.shipping import ship_model

    for job in finished:
        learned = training[job.name]
        print(ship_model(job.model, out / job.name, to, learned, validation, described), flush=True)
    for names in share_encoders(to).values():
        print(f"The encoder of {', '.join(names)} is stored once.")


def _jobs(queue: str) -> tuple[Job, ...]:
    return QUEUES[valid_choice("queue", queue, tuple(QUEUES))]


def _finished(queue: str, out: Path) -> list[Job]:
    """The jobs of a queue that have ended, of which there must be some."""
    found = [job for job in _jobs(queue) if ended(job.name, out)]
    if not found:
        raise ZooError(f"No job of the queue {queue} has ended in {out}; run it first.")
    return found


def _title(path: Path) -> str:
    """Call a set by its folder and the one that this is in, as in "everyday/test256"."""
    return "/".join(path.absolute().parts[1:][-2:])


def _refuse_seen(
    finished: Sequence[Job], out: Path, photos: Sequence[Path], sets: Mapping[str, PhotoSet]
) -> None:
    """Refuse test photos that a job learned from, and photos that are not what it learned from."""
    folders = read_folders(photos)
    known = {job.name: job for jobs in QUEUES.values() for job in jobs}
    left, checked = [job.name for job in finished], set[str]()
    while left:
        job = known[left.pop()]
        if job.name not in checked:
            checked.add(job.name)
            left += [job.start] * bool(job.start)
            learned_from(job, out, folders)
    advice = "give other photos with --test-photos"
    refuse_overlap(all_of(folders.values()), PhotoSet.joined(list(sets.values())), advice)


if __name__ == "__main__":
    sys.exit(main())
