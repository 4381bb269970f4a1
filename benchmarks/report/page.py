"""The report: one page of HTML that needs nothing else, and the files beside it.

A pure function of the benchmark's folder: nothing is trained, timed or looked up, and rendering
twice gives the same bytes.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmarks.report.figures import PhotoRow, data_uri, draw_curves, draw_temperature_curves
from benchmarks.report.labels import label_rows
from benchmarks.report.leaderboard import SORT_METRIC, Leaderboard, load_results, sort_values
from benchmarks.report.notes import notes
from benchmarks.report.pareto import draw_cost_plots
from benchmarks.report.photos import browse, draw_models, within_bound
from benchmarks.report.speed import SPEED_HEADINGS
from benchmarks.report.tables import table_files
from benchmarks.report.temperature import Temperature, temperature_of
from benchmarks.report.text import MISSING
from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS, Report
from zoo.files import atomic_path
from zoo.metrics import get_metric

#: What the page draws against size and lists by label.
PLOTTED = (SORT_METRIC, "ciede2000")

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(out: Path) -> list[Path]:
    """Render the stored results; return the files written.

    comparison.png is among them where a model has finished, temperature.png where one has a
    temperature, speed.csv where the speed of one was measured.
    """
    board = Leaderboard(tuple(load_results(out)))
    contents = {name: text.encode() for name, text in table_files(board).items()}
    comparison, shown = _comparison(board, out)
    if comparison is not None:
        contents["comparison.png"] = comparison
    temperature = temperature_of(board, out)
    if temperature.picture is not None:
        contents["temperature.png"] = temperature.picture
    contents["report.html"] = _html(board, out, comparison, shown, temperature).encode()
    for name, content in contents.items():
        with atomic_path(out / name) as temporary:
            temporary.write_bytes(content)
    return [out / name for name in contents]


def _comparison(board: Leaderboard, out: Path) -> tuple[bytes | None, list[PhotoRow]]:
    """The picture of all models side by side, and the rows that are in it."""
    if not board.finished:
        return None, []
    # Results that share all conditions show the same photos.
    shown = board.finished[0]["pictures"]
    return draw_models(board.finished, board.titles, shown, out / "pictures")


def _losses(curves: dict[str, list[float]]) -> dict[str, list[float]]:
    """The curves drawn beside other models': those of adversarial trainings have own pictures."""
    if "d_real" not in curves:
        return curves
    return {name: curves[name] for name in ("photos_seen", "loss", "val_loss") if name in curves}


def _adversarial(board: Leaderboard, out: Path) -> list[tuple[str, str]]:
    """The pictures that adversarial trainings drew of themselves, by the model's title."""
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
    found = browse(board.finished, board.titles, out / "pictures")
    photos = within_bound(found)
    histories = [
        (board.title(result), _losses(result["history"]["curves"]))
        for result in board.finished
        if len(result["history"]["curves"].get("photos_seen", ())) > 1
    ]
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("report.html.j2").render(
        board=board,
        notes=notes(board),
        sort_values=[
            sort_values(one, board.ranks.get(one["key"]), board.metrics) for one in board.results
        ],
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
        photos=photos,
        left_out=len(found) - len(photos),
        **_labels(board),
        **_script(),
    )


def _labels(board: Leaderboard) -> dict[str, Any]:
    reports = [Report.from_json(result["report"]) for result in board.finished]
    metrics = [get_metric(name) for name in PLOTTED if get_metric(name) in board.metrics]
    tables = [(metric, label_rows(reports, metric)) for metric in metrics]
    return {
        "label_tables": [(metric, rows) for metric, rows in tables if rows],
        "unlabeled": reports[0].labels.count(None) if reports else 0,
        "claims_from": MIN_PHOTOS_FOR_CLAIMS,
    }


def _script() -> dict[str, Any]:
    """The page's script, and the hash that allows it alone."""
    script = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = hashlib.sha256(script.encode()).digest()
    return {"script": Markup(script), "script_hash": base64.b64encode(digest).decode()}


def _environments(board: Leaderboard) -> list[tuple[list[str], dict[str, Any]]]:
    """The distinct environments, each with the models that were run in it."""
    distinct: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for result in board.results:
        rows = _environment_rows(result["environment"])
        titles, _ = distinct.setdefault(json.dumps(rows, sort_keys=True), ([], rows))
        titles.append(board.title(result))
    return list(distinct.values())


def _environment_rows(environment: dict[str, Any]) -> dict[str, Any]:
    git = environment["git"]
    revision = git and git["revision"][:12] + (" with local changes" if git["dirty"] else "")
    known = environment | {"git": revision}
    rows = {name: MISSING if value is None else value for name, value in known.items()}
    return {name.replace("_", " ").replace("gib", "(GiB)"): rows[name] for name in rows}
