"""The report's photos that stand apart: they count in no headline figure.

A pretrained encoder may have learned from such photos, with labels; they would flatter the models
around it. `--apart LABEL` names them by their label.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.report.leaderboard import HEADLINE, Leaderboard
from benchmarks.report.text import figure, heading
from zoo.cli.inputs import counted
from zoo.evaluation.report import Report
from zoo.metrics import get_metric

#: Where it is known: what a training learns from is refused among the photos that are scored.
UNSEEN = "no colorization training saw these photos"


@dataclass(frozen=True)
class Apart:
    """What there is to say of these photos: a sentence, and a table with a row for each model."""

    sentence: str
    headings: list[str]
    rows: list[list[str]]


def apart_of(board: Leaderboard) -> Apart | None:
    """Collect what the results say of photos that stand apart; None where there are none."""
    scored = [result for result in board.finished if "apart" in result]
    if not scored:
        return None
    reports = [Report.from_json(result["apart"]) for result in scored]
    # Of weights that were trained elsewhere nobody knows here.
    unseen = all(result["cell"]["start"] is None for result in scored)
    metrics = [get_metric(name) for name in HEADLINE if name in reports[0].scores]
    rows = []
    for result, report in zip(scored, reports, strict=True):
        summary = {name: asdict(interval) for name, interval in report.summary().items()}
        cells = (figure({"summary": summary}, metric) for metric in metrics)
        rows.append([board.title(result), *cells])
    return Apart(sentence(reports[0], unseen), ["Model", *map(heading, metrics)], rows)


def sentence(report: Report, unseen: bool) -> str:
    """Say which photos stand apart, and why; `unseen`: that no training learned from them."""
    told = f"; {UNSEEN}" if unseen else ""
    return (
        f"{counted(len(report.photos), 'photo')} of {_listed(report.labels)} stand apart and count "
        f"in no other figure: a pretrained encoder may know them with their labels{told}."
    )


def _listed(labels: Sequence[str | None]) -> str:
    *first, last = sorted({label for label in labels if label is not None})
    return f"{', '.join(first)} and {last}" if first else last
