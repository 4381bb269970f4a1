"""Run the jobs of a queue: each starts where its plan says, and goes on where it was stopped."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.release.jobs import QUEUES, Job
from zoo.budget import Budget
from zoo.card import CARD, Environment, from_json, read_card, write_card
from zoo.cli.inputs import counted, spoken_warnings
from zoo.errors import ZooError
from zoo.photos.division import read_photos, refuse_overlap
from zoo.photos.photoset import PhotoSet
from zoo.photos.samples import sample_photos

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: What a finished job is scored by, on so many validation photos; its loss is measured on all.
SCORES = ("ciede2000", "auc", "colorfulness")
_SCORED = 300
#: How its card calls them.
VALIDATION = "validation photos"


def ended(name: str, out: Path) -> bool:
    """Whether the job of this name is done; a folder gets its card last."""
    return (out / name / CARD).is_file()


def read_folders(photos: Sequence[Path]) -> dict[Path, PhotoSet]:
    """Read the color photos of each folder to learn from."""
    return {folder: read_photos([folder], "train").color_only() for folder in photos}


def read_each(
    photos: Sequence[Path], val_photos: Sequence[Path]
) -> tuple[dict[Path, PhotoSet], PhotoSet]:
    """Read the color photos to learn from, by folder, and those to choose by; none may be both."""
    folders, validation = read_folders(photos), read_photos(val_photos, "val").color_only()
    training = all_of(folders.values())
    advice = "remove them from one of the folders"
    refuse_overlap(training, [*validation, *sample_photos("all")], advice)
    print(f"Learning from {training.summary()}; choosing by {counted(len(validation), 'photo')}.")
    return folders, validation


def all_of(sets: Iterable[PhotoSet]) -> PhotoSet:
    """The photos of all sets; a single one stays as it is."""
    parts = list(sets)
    return parts[0] if len(parts) == 1 else PhotoSet.joined(parts)


def photos_of(job: Job, folders: Mapping[Path, PhotoSet]) -> PhotoSet:
    """The photos, of those in the given folders, that a job learns from."""
    return all_of(folders[folder] for folder in job.folders(list(folders)))


def learned_from(job: Job, out: Path, folders: Mapping[Path, PhotoSet]) -> PhotoSet:
    """The photos that a job has learned from.

    Raises:
        ZooError: if those in the given folders are others.
    """
    photos, training = photos_of(job, folders), read_card(out / job.name).training
    if training is None or training.fingerprint != photos.fingerprint:
        raise ZooError(
            f"The job {job.name} learned from other photos than those given with --photos; give "
            "the folders that it was run with, in their order."
        )
    return photos


def refuse_missing_starts(left: Sequence[Job], out: Path) -> None:
    """Refuse jobs that start from one which neither has ended nor stands before them."""
    for place, job in enumerate(left):
        before = [earlier.name for earlier in left[:place]]
        if job.start and not ended(job.start, out) and job.start not in before:
            queue = next(queue for queue, jobs in QUEUES.items() if job.start in _names(jobs))
            raise ZooError(
                f"The job {job.name} starts from {job.start}, which has not been trained in {out} "
                f"yet: run the queue {queue} into the same folder first."
            )


def _names(jobs: Sequence[Job]) -> list[str]:
    return [job.name for job in jobs]


def learn(job: Job, out: Path, training: PhotoSet, validation: PhotoSet) -> None:
    """Train a job's model, score it on validation photos, and keep it in its folder."""
    from zoo.evaluation.evaluate import evaluate

    run, model = out / job.name, _beginning(job, out)
    _fit_resumably(model, job, run, training, validation)
    report = evaluate(model, validation.spread(_SCORED), metrics=SCORES, progress=True)
    scores = {VALIDATION: report.for_card()}
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


def _fit_resumably(
    model: "Colorizer", job: Job, run: Path, training: PhotoSet, validation: PhotoSet
) -> None:
    """Train a model and save it in the folder `run`, where the same call goes on after a stop."""
    from benchmarks.harness.environment import describe_environment
    from zoo.plotting.training import TrainingPlot
    from zoo.training import checkpoint

    with spoken_warnings():
        model.fit(
            training,
            validation,
            budget=Budget.parse(job.budget),
            size=job.sizes,
            run_dir=run,
            resume=True,
            callbacks=[TrainingPlot(run)],
            progress=True,
        )
    environment = from_json(Environment, describe_environment())
    model.card = dataclasses.replace(model.card, environment=environment)
    model.save(run)
    checkpoint.discard(run)
