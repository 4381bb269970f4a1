"""Score trained models that are told some of the true colors, all of them in one pass.

Models follow hints by equations of the photo and its hints alone, so those of one working size
share them. The scores are added to the cells' results, as those on degraded photos are. What was
scored before the pass was interrupted stays, a line for each photo:

    hints/<digest of the models and photos>.jsonl
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.harness.environment import make_deterministic
from benchmarks.harness.run_cell import Task, result_path, store_result
from benchmarks.harness.stored import Result
from zoo import registry
from zoo.evaluation.hints import PATCH, told_scores
from zoo.evaluation.report import Report
from zoo.files import read_json
from zoo.photos.photoset import Photo, PhotoSet

#: The numbers of points, and how many photos are scored with each.
COUNTS, PHOTOS = (0, 1, 3, 10, 30, 100), 200
#: What is scored: what the paper shows, and what models are ranked by.
METRICS = ("psnr", "ciede2000")

#: What the stored scores are of; a change makes others of them.
_PROTOCOL = {"patch": PATCH, "photos": PHOTOS, "metrics": METRICS}


def is_scored(result: Result) -> bool:
    """Whether a result holds scores with each number of points, by today's protocol."""
    stored = result.get("hints", {})
    return all(stored.get(str(count), {}).get("protocol") == _plain() for count in COUNTS)


def score_hints(tasks: Sequence[Task]) -> None:
    """Score the trained models of finished cells of one benchmark, and add it to their results."""
    make_deterministic()
    first = tasks[0]
    photos, size, out = first.conditions.test.spread(PHOTOS), first.cell.test_size, first.out
    models = [registry.load_model(out / "models" / task.cell.key) for task in tasks]
    scored = _Scored(out, [task.cell.key for task in tasks], photos)
    for photo in _tracked(scored.missing(photos), first.progress):
        rgb = photo.read(short_side=size)
        scored.add(photo.sha256, told_scores(models, rgb, COUNTS, METRICS))
    for number, task in enumerate(tasks):
        path = result_path(out, task.cell)
        reports = {
            str(count): {
                "protocol": _plain(),
                "report": _report(scored.scores(photos, number, count), task, photos).to_json(),
            }
            for count in COUNTS
        }
        store_result(out, task.cell, read_json(path) | {"hints": reports})
    scored.path.unlink(missing_ok=True)


class _Scored:
    """The scores of the photos so far, each stored as soon as there are some."""

    def __init__(self, out: Path, keys: Sequence[str], photos: PhotoSet) -> None:
        content = json.dumps([_plain(), *keys, photos.fingerprint])
        self.path = out / "hints" / f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.jsonl"
        self.path.parent.mkdir(exist_ok=True)
        self._found: dict[str, list[dict[str, dict[str, float]]]] = {}
        if self.path.is_file():
            # A line that a kill cut off is scored again.
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            self._found = dict(map(json.loads, whole))
            self.path.write_text("".join(whole), encoding="utf-8")

    def missing(self, photos: PhotoSet) -> PhotoSet:
        return PhotoSet(tuple(one for one in photos if one.sha256 not in self._found))

    def add(self, sha256: str, scores: Sequence[dict[int, dict[str, float]]]) -> None:
        line = json.dumps([sha256, scores])
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self._found[sha256] = json.loads(line)[1]

    def scores(self, photos: PhotoSet, model: int, count: int) -> dict[str, Any]:
        """By metric, the score of each photo."""
        found = [self._found[photo.sha256][model][str(count)] for photo in photos]
        return {name: [one[name] for one in found] for name in METRICS}


def _plain() -> dict[str, Any]:
    """The protocol as it comes back from JSON."""
    return json.loads(json.dumps(_PROTOCOL))


def _report(scores: dict[str, Any], task: Task, photos: PhotoSet) -> Report:
    return Report(
        model=f"{task.cell.model}:{task.cell.preset}",
        photos=tuple(photo.name for photo in photos),
        labels=tuple(photo.label for photo in photos),
        fingerprint=photos.fingerprint,
        size=task.cell.test_size,
        options=dict(task.cell.options),
        scores={name: np.array(part) for name, part in scores.items()},
    )


def _tracked(photos: PhotoSet, progress: bool) -> Iterable[Photo]:
    if not progress:
        return photos
    return track(photos, "Scoring with hints", console=Console(stderr=True))
