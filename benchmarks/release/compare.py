"""Compare the models of a queue's jobs on test photos, paired over the photos.

Each set of photos has its own tables: gray and every job that has ended, their differences to gray
and to the first of these jobs, and how well they do by category.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness.cells import PROTOCOL, weights_digest
from benchmarks.report.apart import sentence
from benchmarks.report.labels import label_groups, label_rows
from benchmarks.report.text import MISSING, caution, csv_text, difference, heading, markdown_table
from zoo.cli.inputs import counted
from zoo.evaluation.evaluate import evaluate
from zoo.evaluation.report import Interval, Report, compare_all
from zoo.files import read_json, write_json
from zoo.metrics import Metric, get_metric
from zoo.photos.photoset import PhotoSet
from zoo.registry import create_model, load_model

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: What is compared, and what is scored for it: the truth's colorfulness follows from the last.
_COMPARED = ("ciede2000", "auc")
_SCORED = (*_COMPARED, "colorfulness", "delta_colorfulness")

_GRAY = "gray"


@dataclass(frozen=True)
class Comparison:
    """Reports of gray and of some jobs, in this order, on the same photos.

    Attributes:
        title: of the photos.
        reports: by the name of the job; `gray` is the first.
    """

    title: str
    reports: Mapping[str, Report]

    @property
    def first(self) -> str:
        """The job that the others are compared with."""
        return list(self.reports)[1]

    @property
    def photos(self) -> int:
        return len(self.reports[_GRAY].photos)

    @cached_property
    def differences(self) -> dict[str, list[dict[str, Interval]]]:
        """By job its figures less gray's, and less the first job's; none where it is that row."""
        names, found = list(self.reports), compare_all(list(self.reports.values()))
        return {
            name: [
                {metric: _turned(one) for metric, one in found[other, place].items()}
                if other < place
                else {}
                for other in (0, 1)
            ]
            for place, name in enumerate(names)
        }

    def share(self, name: str) -> float | None:
        """A job's mean colorfulness as a share of the true photos'; None where these are gray."""
        truth = self.reports[name].true_colorfulness
        return float(self.reports[name].scores["colorfulness"].mean()) / truth if truth else None

    def only(self, title: str, chosen: Any) -> "Comparison":
        """The same of some of the photos: (n,) truth values."""
        return Comparison(title, {name: one.only(chosen) for name, one in self.reports.items()})

    def apart(self, labels: Sequence[str]) -> "tuple[Comparison, Comparison | None]":
        """Divide as `Report.apart` does."""
        parts = {name: report.apart(labels) for name, report in self.reports.items()}
        rest = Comparison(self.title, {name: one for name, (one, _) in parts.items()})
        aside = {name: other for name, (_, other) in parts.items() if other is not None}
        return rest, Comparison(f"{self.title}, apart", aside) if aside else None


def compare_jobs(
    folders: Mapping[str, Path], out: Path, title: str, photos: PhotoSet, size: int
) -> Comparison:
    """Score gray and the models in these folders, unless that was done, and compare them.

    Args:
        folders: of the jobs, by name.
        out: the folder that keeps gray's scores; a job's are in its own.
        title: of the photos.
        photos: to score.
        size: larger photos are shrunk to this short side, in px.
    """
    made: dict[str, Report] = {}
    gray = out / _GRAY
    made[_GRAY] = _scored(_GRAY, partial(create_model, _GRAY), gray, _GRAY, photos, size)
    for name, folder in folders.items():
        digest = weights_digest(folder)
        made[name] = _scored(name, partial(load_model, folder), folder, digest, photos, size)
    return Comparison(title, made)


def _scored(
    name: str,
    load: "Callable[[], Colorizer]",
    folder: Path,
    weights: str,
    photos: PhotoSet,
    size: int,
) -> Report:
    """The report of a model on photos: the one that its folder keeps, or a new one."""
    identity = [PROTOCOL, weights, photos.fingerprint, size, _SCORED]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    path = folder / "scores" / f"{key}.json"
    if path.is_file():
        # The same photos may have other names and labels by now.
        names, labels = zip(*((photo.name, photo.label) for photo in photos), strict=True)
        return replace(Report.from_json(read_json(path)), photos=names, labels=labels)
    print(f"{name}: scoring {counted(len(photos), 'photo')}", flush=True)
    report = evaluate(load(), photos, size=size, metrics=_SCORED, progress=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, report.to_json())
    return report


def markdown(queue: str, parts: Sequence[Comparison], apart: Sequence[str], unseen: bool) -> str:
    """Write the tables for readers.

    Args:
        queue: its name.
        parts: a comparison for each set of photos.
        apart: labels whose photos count in no table but their own.
        unseen: whether it is known that no job learned from any of the photos.
    """
    lines = [f"# Jobs of the queue {queue}", "", _HOW_TO_READ, ""]
    for whole in parts:
        rest, aside = whole.apart(apart)
        lines += [f"## {rest.title}", "", *_table(rest), *_by_category(rest)]
        if aside is not None:
            lines += [f"### {aside.title}", "", sentence(aside.reports[_GRAY], unseen), ""]
            lines += _table(aside)
    return "\n".join(lines)


_HOW_TO_READ = (
    "Differences are paired over the photos, with 95 % intervals; * marks those that exclude zero. "
    "They are about the photos, not about another training of the same job. Colorfulness is a "
    "share of the true photos'."
)


def _table(part: Comparison) -> list[str]:
    metrics = [get_metric(name) for name in _COMPARED]
    headings = ["Job", *map(heading, metrics), "Colorfulness"]
    headings += [f"{one.title} less {of}" for of in (_GRAY, part.first) for one in metrics]
    rows = []
    for name, report in part.reports.items():
        summary, share = report.summary(), part.share(name)
        figures = [f"{summary[one.name].mean:.{_digits(one)}f}" for one in metrics]
        rows.append(
            [
                name,
                *figures,
                MISSING if share is None else f"{share:.0%}",
                *(
                    difference(found[one.name], one, turned=False) if found else MISSING
                    for found in part.differences[name]
                    for one in metrics
                ),
            ]
        )
    told = caution(part.photos, "test photo", "this table makes")
    lead = [f"**{told}**" if told else f"{counted(part.photos, 'photo')}.", ""]
    return [*lead, *markdown_table(headings, rows), ""]


def _by_category(part: Comparison) -> list[str]:
    lines = []
    for metric in map(get_metric, _COMPARED):
        rows = [
            [row.label, f"{row.photos:,}", *(_figure(one, metric) for one in row.figures)]
            for row in label_rows(list(part.reports.values()), metric)
        ]
        if rows:
            headings = [f"{heading(metric)} by category", "Photos", *part.reports]
            lines += [*markdown_table(headings, rows), ""]
    return lines


def _figure(figure: float | None, metric: Metric) -> str:
    return MISSING if figure is None else f"{figure:.{_digits(metric)}f}"


def _digits(metric: Metric) -> int:
    return 4 if metric.high == 1 else 2


def table_csv(parts: Sequence[Comparison], apart: Sequence[str]) -> str:
    """Write every figure in full precision: a row for each set, category, job and metric."""
    rows = []
    for whole in parts:
        rest, aside = whole.apart(apart)
        groups = label_groups(rest.reports[_GRAY].labels)
        rows += _csv_rows(rest, rest.title, "")
        for label, chosen in groups.items():
            rows += _csv_rows(rest.only(label, chosen), rest.title, label)
        if aside is not None:
            rows += _csv_rows(aside, aside.title, "")
    return csv_text(rows)


def _csv_rows(part: Comparison, title: str, category: str) -> list[dict[str, Any]]:
    rows = []
    for name, report in part.reports.items():
        summary = report.summary()
        for metric in (*_COMPARED, "colorfulness"):
            row = {"set": title, "category": category, "photos": part.photos, "job": name}
            row |= {"metric": metric}
            row |= _ends("figure", summary[metric])
            for of, found in zip(("gray", "first"), part.differences[name], strict=True):
                row |= _ends(f"less_{of}", found.get(metric))
            share = part.share(name) if metric == "colorfulness" else None
            rows.append(row | {"share_of_truth": share})
    return rows


def _ends(name: str, found: Interval | None) -> dict[str, float | None]:
    ends = {"": "mean", "_low": "low", "_high": "high"}
    return {f"{name}{suffix}": getattr(found, end, None) for suffix, end in ends.items()}


def _turned(found: Interval) -> Interval:
    """The difference the other way round."""
    assert found.low is not None
    assert found.high is not None
    return Interval(-found.mean, -found.high, -found.low)
