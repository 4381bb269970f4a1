"""From stored results to tables and pages: leaderboard, per-photo scores, pictures, HTML.

A pure function of the benchmark's folder: nothing is trained, timed or looked up, and rendering
twice gives the same bytes. Only results that share all conditions get into one table.
"""

import base64
import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmarks.harness.stored import read_results, seeds_of
from benchmarks.report.figures import (
    PhotoRow,
    TemperatureCurves,
    data_uri,
    draw_comparison,
    draw_curves,
    draw_temperature_curves,
    stack,
)
from benchmarks.report.labels import label_rows
from benchmarks.report.pareto import draw_cost_plots
from benchmarks.report.photos import browse, gray_input, within_bound
from benchmarks.report.sorting import leaderboard_columns, sort_values
from benchmarks.report.speed import (
    MISSING,
    SPEED_HEADINGS,
    seed_rows,
    speed_csv_rows,
    speed_rows,
)
from benchmarks.suites import UNTRAINED
from zoo.evaluation.report import (
    MIN_PHOTOS_FOR_CLAIMS,
    Differences,
    Interval,
    Report,
    compare_all,
    ranks,
)
from zoo.files import atomic_path
from zoo.metrics import Metric, get_metric, list_metrics
from zoo.photos.decoding import read_rgb

#: Rewards rare colors, which the gray and the muted answers miss; the table is sorted by it.
SORT_METRIC = "auc_rebalanced"

#: What the page draws against size and lists by label.
PLOTTED = (SORT_METRIC, "ciede2000")

_TEMPLATES = Path(__file__).parent / "templates"

_ARROWS = {"higher": "\N{NO-BREAK SPACE}↑", "lower": "\N{NO-BREAK SPACE}↓", None: ""}


def load_results(out: Path) -> list[dict[str, Any]]:
    """The stored results in the leaderboard's order.

    That is by class-rebalanced AuC, best first, baselines among the others; failures come last.

    Raises:
        ZooError: if there are none, one is damaged, or they are of different conditions.
    """
    return sorted(read_results(out), key=_rank)


def write_report(out: Path) -> list[Path]:
    """Render the stored results; see the module's description.

    Returns:
        The files written: leaderboard.csv, leaderboard.md, per_photo.csv, differences.csv,
        report.html; comparison.png where at least one model has finished; temperature.png where one
        has a temperature; speed.csv where the speed of one was measured.

    Raises:
        ZooError: if the results cannot be read or compared, or a file cannot be written.
    """
    board = Leaderboard(tuple(load_results(out)))
    contents = {
        "leaderboard.csv": board.as_csv().encode(),
        "leaderboard.md": board.as_markdown().encode(),
        "per_photo.csv": board.per_photo_csv().encode(),
        "differences.csv": board.differences_csv().encode(),
    }
    if board.speed_rows:
        contents["speed.csv"] = _csv(speed_csv_rows(board.finished, board.title)).encode()
    comparison, shown = _comparison(board, out)
    if comparison is not None:
        contents["comparison.png"] = comparison
    temperature = _temperature(board, out)
    if temperature.picture is not None:
        contents["temperature.png"] = temperature.picture
    contents["report.html"] = _html(board, out, comparison, shown, temperature).encode()
    for name, content in contents.items():
        with atomic_path(out / name) as temporary:
            temporary.write_bytes(content)
    return [out / name for name in contents]


@dataclass(frozen=True)
class Leaderboard:
    """The results as a table, a row a model.

    Attributes:
        results: in the order of the rows.
    """

    results: tuple[dict[str, Any], ...]

    @property
    def finished(self) -> list[dict[str, Any]]:
        """The results of the models that did not fail."""
        return [result for result in self.results if result["status"] == "ok"]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The results of the models that failed."""
        return [result for result in self.results if result["status"] == "failed"]

    @cached_property
    def metrics(self) -> list[Metric]:
        """The metrics that at least one model was scored with, in the registry's order.

        Those of networks follow in the order in which they were asked for.
        """
        known = dict.fromkeys(name for result in self.finished for name in result["summary"])
        usual = [name for name in list_metrics() if name in known]
        return [get_metric(name) for name in dict.fromkeys([*usual, *known])]

    @property
    def compared(self) -> list[Metric]:
        """The metrics in which models have paired differences: those with scores of photos."""
        return [metric for metric in self.metrics if metric.aggregate is not None]

    @cached_property
    def titles(self) -> dict[str, str]:
        """Each result's title by key; results of one name are told apart by their key."""
        names = {result["key"]: _name(result) for result in self.results}
        count = Counter(names.values())
        return {
            key: name if count[name] == 1 else f"{name} #{key[:6]}" for key, name in names.items()
        }

    def title(self, result: dict[str, Any]) -> str:
        """What a result is called in tables and pictures."""
        return self.titles[result["key"]]

    @cached_property
    def differences(self) -> Differences:
        """Every pair of the finished models, by their places in `finished`."""
        reports = [Report.from_json(result["report"]) for result in self.finished]
        return compare_all(reports) if len(reports) > 1 else {}

    @cached_property
    def ranks(self) -> dict[str, str]:
        """Each finished result's rank by key; empty where there are too few photos for ranks."""
        if self.caution or not self.differences:
            return {}
        found = ranks(self.differences, len(self.finished), SORT_METRIC)
        return {
            result["key"]: f"{rank}{'=' if found.count(rank) > 1 else ''}"
            for result, rank in zip(self.finished, found, strict=True)
        }

    @property
    def headings(self) -> list[str]:
        """The headings of the table for readers."""
        metrics = [heading(metric) for metric in self.metrics]
        return ["Model", "Rank", *metrics, "Photos seen", "Training (s)", "Parameters", "Status"]

    def rows(self) -> list[list[str]]:
        """The rows of the table for readers, as text."""
        return [
            [
                self.title(result),
                self.ranks.get(result["key"], MISSING),
                *(figure(result, metric) for metric in self.metrics),
                *_effort(result),
                "ok" if result["status"] == "ok" else f"failed: {result['error']}",
            ]
            for result in self.results
        ]

    @property
    def conditions(self) -> str:
        """What all rows share, in one sentence; rows with conditions of their own say so below."""
        result = self.results[0]
        trained = [one["cell"] for one in self.results if one["cell"]["budget"] != UNTRAINED]
        scored = (
            f"cored on {_count(result['test_photos'], 'test photo')} of at most "
            f"{result['cell']['test_size']} px on the short side."
        )
        if not trained:
            return f"S{scored}"
        cell = next((cell for cell in trained if not cell["own"]), trained[0])
        seeds = sorted({seed for one in self.results for seed in seeds_of(one)})
        kinds = "seed" if len(seeds) == 1 else "seeds"
        return (
            f"Trained on {_count(cell['train_photos'], 'photo')} at {cell['train_size']} px with a "
            f"budget of {cell['budget']} and {kinds} {', '.join(map(str, seeds))}; s{scored}"
        )

    @property
    def caution(self) -> str | None:
        """The warning that goes with a table of few photos."""
        return _caution(self.results[0]["test_photos"], "test photo", "this table makes")

    @property
    def notes(self) -> list[str]:
        """How to read the table, one point each."""
        return [
            f"Sorted by {get_metric(SORT_METRIC).title}, best first; baselines are rows like the "
            "others. No single figure tells which colors people prefer: look at the pictures.",
            f"Rank: 1 plus the number of models that are better in {get_metric(SORT_METRIC).title} "
            "by a paired 95 % interval that excludes zero; = marks a tie.",
            "Arrows point to the better direction. Brackets hold 95 % bootstrap intervals over the "
            f"test photos; {MISSING} means that there is no figure.",
            "Training seconds depend on the machine and on what else it did: no speed comparison.",
            *(
                f"{self.title(result)}: {_definition(result)}."
                for result in self.results
                if result["cell"]["label"]
                or result["cell"]["own"]
                or result["cell"]["budget"] == UNTRAINED
            ),
            *self._source_notes(),
            *self._missing_notes(),
        ]

    def _source_notes(self) -> list[str]:
        """Of each network what it sees, what it says of the true photos, and what to mind."""
        sources: dict[str, dict[str, Any]] = {}
        for result in self.finished:
            sources = result["report"].get("sources", {}) | sources
        notes: dict[str, list[str]] = {}
        for name, source in sources.items():
            truth = f"{get_metric(name).title} {source['truth']:.3f}"
            notes.setdefault(" ".join([f"Seen: {source['input']}.", *source["notes"]]), []).append(
                truth
            )
        return [f"True photos: {', '.join(truths)}. {note}" for note, truths in notes.items()]

    def _missing_notes(self) -> list[str]:
        """Why metrics of networks are missing, and of which models."""
        found: dict[tuple[str, ...], list[str]] = {}
        for result in self.finished:
            reasons: dict[str, list[str]] = {}
            for name, reason in result["report"].get("missing", {}).items():
                reasons.setdefault(reason, []).append(get_metric(name).title)
            for reason, titles in reasons.items():
                found.setdefault((reason, *titles), []).append(self.title(result))
        everyone = [self.title(result) for result in self.finished]
        return [
            f"No {', '.join(titles)}{'' if models == everyone else ' of ' + ', '.join(models)}: "
            f"{reason.rstrip('.')}."
            for (reason, *titles), models in found.items()
        ]

    @property
    def speed_rows(self) -> list[list[str]]:
        """The rows of the table of speed; empty where none was measured."""
        return speed_rows(self.finished, self.title)

    @property
    def seed_rows(self) -> list[list[str]]:
        """The rows of the table of seeds; empty where each row has one."""
        return seed_rows(self.finished, self.title, self.metrics)

    def as_csv(self) -> str:
        """The table for programs: full precision, empty where there is no figure."""
        ends = ("mean", "low", "high")
        rows = []
        for result in self.results:
            history = result.get("history", {})
            row = {
                "title": self.title(result),
                "model": result["cell"]["model"],
                "preset": result["cell"]["preset"],
                "rank": self.ranks.get(result["key"]),
                "status": result["status"],
            }
            for metric in self.metrics:
                interval = result.get("summary", {}).get(metric.name, {})
                columns = (metric.name, f"{metric.name}_low", f"{metric.name}_high")
                row |= {
                    column: interval.get(end) for column, end in zip(columns, ends, strict=True)
                }
                if self.seed_rows:
                    by_seed = result.get("by_seed", {}).get(metric.name, (None,))
                    row[f"{metric.name}_by_seed"] = " ".join(map(repr, by_seed))
            row |= {
                "photos_seen": history.get("photos_seen"),
                "training_seconds": history.get("seconds"),
                "parameters": result.get("parameters"),
                "test_photos": result["test_photos"],
                "precision": result["cell"]["precision"],
                "deterministic": result["deterministic"],
                "peak_memory_mb": result.get("peak_memory_mb"),
                "key": result["key"],
                "error": result.get("error"),
            }
            rows.append(row)
        return _csv(rows)

    def as_markdown(self) -> str:
        """The table for readers, with its notes."""
        headings = self.headings
        lines = [_markdown_row(headings), "|---" * len(headings) + "|"]
        lines += [_markdown_row(row) for row in self.rows()]
        lead = [self.conditions, ""] + ([f"**{self.caution}**", ""] if self.caution else [])
        notes = [f"- {note}" for note in self.notes]
        seed_headings = ["Model", "Seeds", *(metric.title for metric in self.metrics)]
        sections = [
            *_markdown_section("Seeds", seed_headings, self.seed_rows),
            *_markdown_section("Speed", SPEED_HEADINGS, self.speed_rows),
        ]
        return "\n".join(["# Leaderboard", "", *lead, *lines, "", *notes, "", *sections])

    def difference_rows(self, metric: Metric) -> list[list[str]]:
        """The table of a metric's differences: row less column, as text, finished models only."""
        rows = []
        for i, result in enumerate(self.finished):
            cells = [self.title(result)]
            for j in range(len(self.finished)):
                found = self.differences.get((min(i, j), max(i, j)), {}).get(metric.name)
                cells.append(MISSING if found is None else _difference(found, metric, turned=i > j))
            rows.append(cells)
        return rows

    def differences_csv(self) -> str:
        """Every pair's paired difference in every metric, first less second, in full precision."""
        rows = [
            {
                "first": self.title(self.finished[i]),
                "second": self.title(self.finished[j]),
                "metric": name,
                "difference": found.mean,
                "low": found.low,
                "high": found.high,
                "excludes_zero": found.excludes_zero,
            }
            for (i, j), of_pair in self.differences.items()
            for name, found in of_pair.items()
        ]
        return _csv(rows)

    def per_photo_csv(self) -> str:
        """Every score of every photo, in full precision."""
        rows = []
        for result in self.finished:
            start = {
                "title": self.title(result),
                "model": result["cell"]["model"],
                "preset": result["cell"]["preset"],
                "key": result["key"],
            }
            rows += [start | row for row in Report.from_json(result["report"]).per_photo_rows()]
        return _csv(rows)


@dataclass(frozen=True)
class Temperature:
    """What is shown of the models that have a temperature; all empty where there are none.

    Attributes:
        defaults: title and default temperature of each model.
        rows: the models that are in the picture of the photo.
        photo: that photo's name and role.
        strips: the picture, as PNG: a row a model, a column a temperature.
        curves: the models whose temperatures were scored on validation photos.
        available: how many validation photos there are, of which not all may have been scored.
    """

    defaults: tuple[tuple[str, float], ...] = ()
    rows: tuple[PhotoRow, ...] = ()
    photo: str = ""
    strips: bytes | None = None
    curves: tuple[TemperatureCurves, ...] = ()
    available: int = 0

    @cached_property
    def picture(self) -> bytes | None:
        """The photo and the curves in one PNG file; None without either."""
        parts = [self.strips] if self.strips else []
        if self.curves:
            parts.append(draw_temperature_curves(self.curves, "png"))
        return stack(parts) if parts else None

    @property
    def scored(self) -> str:
        """The photos behind the curves, in words."""
        photos, size = (self.curves[0].study[part] for part in ("photos", "size"))
        part = "" if photos == self.available else f"{photos:,}, evenly spread, of "
        return (
            f"{part}the {_count(self.available, 'validation photo')}, at most {size} px on the "
            "short side"
        )

    @property
    def caution(self) -> str | None:
        """The warning that goes with curves of few photos."""
        return _caution(self.curves[0].study["photos"], "validation photo", "the curves make")


def heading(metric: Metric) -> str:
    """A metric's heading: title, unit, and an arrow to the better direction."""
    unit = f" ({metric.unit})" if metric.unit else ""
    return f"{metric.title}{unit}{_ARROWS[metric.direction]}"


def figure(result: dict[str, Any], metric: Metric) -> str:
    """A result's figure with its interval where it has one, as text."""
    interval = result.get("summary", {}).get(metric.name)
    if interval is None:
        return MISSING
    digits = 3 if metric.high == 1 else 2
    if interval["low"] is None:
        return f"{interval['mean']:.{digits}f}"
    mean, low, high = (f"{interval[end]:.{digits}f}" for end in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def _difference(found: Interval, metric: Metric, turned: bool) -> str:
    """A difference with its interval; * marks one that excludes zero."""
    ends = (-found.mean, -found.high, -found.low) if turned else (found.mean, found.low, found.high)
    digits = 4 if metric.high == 1 else 2
    mean, low, high = (f"{end:+.{digits}f}" for end in ends)
    return f"{mean}{' *' if found.excludes_zero else ''} [{low}, {high}]"


def _rank(result: dict[str, Any]) -> tuple[bool, float, str, str]:
    interval = result.get("summary", {}).get(SORT_METRIC)
    score = interval["mean"] if interval else float("-inf")
    return result["status"] != "ok", -score, _name(result), result["key"]


def _name(result: dict[str, Any]) -> str:
    cell = result["cell"]
    return cell.get("label") or f"{cell['model']}:{cell['preset']}"


def _definition(result: dict[str, Any]) -> str:
    """What a row stands for, as in "zhang:compact with loss = plain"."""
    cell = result["cell"]
    changes = ", ".join(f"{name} = {value}" for name, value in cell["changes"].items())
    words = f"{cell['model']}:{cell['preset']}" + (f" with {changes}" if changes else "")
    if cell["start"] is not None:
        words += f", from the weights in {cell['start']}"
    if cell["budget"] == UNTRAINED:
        return f"{words}, scored as it is"
    own = {"train_size": f"{cell['train_size']} px", "budget": f"a budget of {cell['budget']}"}
    if cell["own"]:
        words += f", trained under its own conditions: {' and '.join(map(own.get, cell['own']))}"
    return words


def _effort(result: dict[str, Any]) -> list[str]:
    if result["status"] != "ok":
        return [MISSING] * 3
    history = result["history"]
    return [
        f"{history['photos_seen']:,}",
        f"{history['seconds']:,.1f}",
        f"{result['parameters']:,}",
    ]


def _caution(photos: int, kind: str, subject: str) -> str | None:
    if photos >= MIN_PHOTOS_FOR_CLAIMS:
        return None
    return (
        f"With {_count(photos, kind)}, fewer than {MIN_PHOTOS_FOR_CLAIMS}, {subject} no claims of "
        "significance: differences may well be chance."
    )


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    buffer = io.StringIO(newline="")
    if rows:
        # Models may have been scored with different metrics: the columns are those of all rows.
        columns = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(buffer, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return buffer.getvalue()


def _markdown_row(cells: Iterable[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _markdown_section(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[str]:
    """A table under a heading of its own; nothing where there are no rows."""
    if not rows:
        return []
    lines = [_markdown_row(headings), "|---" * len(headings) + "|", *map(_markdown_row, rows)]
    return [f"## {title}", "", *lines, ""]


def _comparison(board: Leaderboard, out: Path) -> tuple[bytes | None, list[PhotoRow]]:
    """The picture of all models side by side, and the rows that are in it."""
    finished = board.finished
    if not finished:
        return None, []
    rows = []
    # Results that share all conditions show the same photos.
    for shown in finished[0]["pictures"]:
        truth = read_rgb(out / "pictures" / "truth" / shown["file"])
        colored = [
            read_rgb(out / "pictures" / result["key"] / shown["file"]) for result in finished
        ]
        rows.append(PhotoRow(shown["photo"], shown["role"], (gray_input(truth), *colored, truth)))
    titles = ["input (gray)", *map(board.title, finished), "truth"]
    png, count = draw_comparison(titles, rows)
    return png, rows[:count]


def _temperature(board: Leaderboard, out: Path) -> Temperature:
    """What the results tell about temperatures, those that were stored without it left out."""
    results = [result for result in board.finished if "temperature" in result]
    strips = [result for result in results if result["temperature"]["tiles"]]
    png, rows, photo = _strips(board, strips, out) if strips else (None, (), "")
    studied = [result for result in results if result["temperature"]["study"]]
    return Temperature(
        defaults=tuple((board.title(one), one["temperature"]["default"]) for one in results),
        rows=rows,
        photo=photo,
        strips=png,
        curves=tuple(
            TemperatureCurves(
                board.title(result),
                result["temperature"]["default"],
                result["temperature"]["study"],
            )
            for result in studied
        ),
        available=studied[0]["temperature"]["validation_photos"] if studied else 0,
    )


def _strips(
    board: Leaderboard, results: Sequence[dict[str, Any]], out: Path
) -> tuple[bytes, tuple[PhotoRow, ...], str]:
    """The first photo at several temperatures: the picture, the models in it, the photo's name."""
    # Results that share all conditions show the same photo, and it is the first of each.
    shown = results[0]["pictures"][0]
    truth = read_rgb(out / "pictures" / "truth" / shown["file"])
    blank = np.full_like(truth, 255)
    # A model whose default is an unusual one has a column more than the others.
    files = [
        {tile["temperature"]: tile["file"] for tile in result["temperature"]["tiles"]}
        for result in results
    ]
    columns = sorted(set().union(*files))
    rows = []
    for result, by_temperature in zip(results, files, strict=True):
        folder = out / "pictures" / result["key"]
        tiles = [
            read_rgb(folder / by_temperature[T]) if T in by_temperature else blank for T in columns
        ]
        name = f"{board.title(result)}, default T = {result['temperature']['default']:g}"
        rows.append(PhotoRow(name, shown["role"], (*tiles, truth)))
    png, count = draw_comparison([*(f"T = {T:g}" for T in columns), "truth"], rows)
    return png, tuple(rows[:count]), shown["photo"]


def _losses(curves: dict[str, list[float]]) -> dict[str, list[float]]:
    """Of what was logged, what is drawn beside other models: the two nets' have their own."""
    if "d_real" not in curves:
        return curves
    return {name: curves[name] for name in ("photos_seen", "loss", "val_loss") if name in curves}


def _adversarial(board: Leaderboard, out: Path) -> list[tuple[str, str]]:
    """The pictures that adversarial trainings drew of themselves: the model's title, the image."""
    return [
        (board.title(result), data_uri(path.read_bytes(), "image/png"))
        for result in board.finished
        for path in sorted((out / "models" / result["key"]).glob("training*.png"))
    ]


def _html(
    board: Leaderboard,
    out: Path,
    comparison: bytes | None,
    shown: Sequence[PhotoRow],
    temperature: Temperature,
) -> str:
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    histories = [
        (board.title(result), _losses(result["history"]["curves"]))
        for result in board.finished
        if len(result["history"]["curves"].get("photos_seen", ())) > 1
    ]
    return templates.get_template("report.html.j2").render(
        board=board,
        comparison=comparison and data_uri(comparison, "image/png"),
        shown=shown,
        curves=data_uri(draw_curves(histories), "image/svg+xml") if histories else None,
        adversarial=_adversarial(board, out),
        temperature=temperature,
        temperature_strips=temperature.strips and data_uri(temperature.strips, "image/png"),
        temperature_curves=temperature.curves
        and data_uri(draw_temperature_curves(temperature.curves, "svg"), "image/svg+xml"),
        environments=_environments(board),
        commands=list(dict.fromkeys(result["command"] for result in board.results)),
        cost_plots=draw_cost_plots(board.finished, board.titles, PLOTTED),
        speed_headings=SPEED_HEADINGS,
        speed_rows=board.speed_rows,
        speed_side=next((one["speed"]["side"] for one in board.finished if "speed" in one), None),
        missing=MISSING,
        **_photos(board, out),
        **_labels(board),
        **_sorting(board),
        **_script(),
    )


def _photos(board: Leaderboard, out: Path) -> dict[str, Any]:
    """What the page's browser of photos shows."""
    found = browse(board.finished, board.titles, out / "pictures")
    photos = within_bound(found)
    return {"photos": photos, "left_out": len(found) - len(photos)}


def _labels(board: Leaderboard) -> dict[str, Any]:
    """What the page's tables by label show; no tables where no photo has a label."""
    reports = [Report.from_json(result["report"]) for result in board.finished]
    metrics = [get_metric(name) for name in PLOTTED if get_metric(name) in board.metrics]
    tables = [(metric, label_rows(reports, metric)) for metric in metrics]
    return {
        "label_tables": [(metric, rows) for metric, rows in tables if rows],
        "unlabeled": reports[0].labels.count(None) if reports else 0,
        "claims_from": MIN_PHOTOS_FOR_CLAIMS,
    }


def _sorting(board: Leaderboard) -> dict[str, Any]:
    """What the page's script sorts the leaderboard by."""
    return {
        "columns": leaderboard_columns(board.headings, board.metrics, SORT_METRIC),
        "sort_values": [
            sort_values(result, board.ranks.get(result["key"]), board.metrics)
            for result in board.results
        ],
    }


def _script() -> dict[str, Any]:
    """The page's script, the same whatever the results, and the hash that allows it alone."""
    script = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = hashlib.sha256(script.encode()).digest()
    return {"script": Markup(script), "script_hash": base64.b64encode(digest).decode()}


def _environments(board: Leaderboard) -> list[tuple[list[str], dict[str, Any]]]:
    """The distinct environments, each with the models that were run in it."""
    distinct: list[tuple[list[str], dict[str, Any]]] = []
    for result in board.results:
        rows = _environment_rows(result["environment"])
        titles = next((titles for titles, known in distinct if known == rows), None)
        if titles is None:
            distinct.append(([board.title(result)], rows))
        else:
            titles.append(board.title(result))
    return distinct


def _environment_rows(environment: dict[str, Any]) -> dict[str, Any]:
    git = environment["git"]
    revision = git and git["revision"][:12] + (" with local changes" if git["dirty"] else "")
    rows = environment | {"git": revision}
    return {
        name.replace("_", " ").replace("gib", "(GiB)"): MISSING if value is None else value
        for name, value in rows.items()
    }
