"""The report: one page of HTML that needs nothing else, and the files beside it.

A pure function of the benchmark's folder: nothing is trained, timed or looked up, and rendering
twice gives the same bytes.
"""

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from benchmarks.report.apart import apart_of
from benchmarks.report.figures import data_uri, draw_curves, draw_temperature_curves
from benchmarks.report.films import MEASURES as FILM_MEASURES
from benchmarks.report.films import films_of
from benchmarks.report.hints import hint_curves_of
from benchmarks.report.labels import FEWEST, label_rows
from benchmarks.report.leaderboard import RANKED_BY, Leaderboard, load_results, sort_values
from benchmarks.report.notes import notes
from benchmarks.report.pareto import draw_cost_plots
from benchmarks.report.photos import (
    TELLING,
    as_jpeg,
    browse,
    draw_models,
    telling,
    within_bound,
    without_gray,
)
from benchmarks.report.robustness import robustness_of
from benchmarks.report.speed import SPEED_HEADINGS
from benchmarks.report.tables import table_files
from benchmarks.report.temperature import Temperature, temperature_of
from benchmarks.report.text import MISSING
from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS, Report
from zoo.files import atomic_path
from zoo.metrics import get_metric

#: The side of the first picture's tiles in px: about what a dozen of them get on a screen.
_TOP_SIDE = 160

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(out: Path) -> list[Path]:
    """Render the stored results; return the files written.

    comparison.png is among them where a model has finished, temperature.png where one has a
    temperature, speed.csv where the speed of one was measured, robustness.csv where one was scored
    on degraded photos, hints.csv with hints, films.csv on films.
    """
    board = Leaderboard(tuple(load_results(out)))
    contents = {name: text.encode() for name, text in table_files(board).items()}
    comparison = _comparison(board, out)
    if comparison is not None:
        contents["comparison.png"] = comparison
    temperature = temperature_of(board, out)
    if temperature.picture is not None:
        contents["temperature.png"] = temperature.picture
    contents["report.html"] = _html(board, out, temperature).encode()
    for name, content in contents.items():
        with atomic_path(out / name) as temporary:
            temporary.write_bytes(content)
    return [out / name for name in contents]


def _comparison(board: Leaderboard, out: Path) -> bytes | None:
    """Draw all models side by side on all photos that are shown; nothing where there are none."""
    shown = telling(board.finished)
    return draw_models(board.finished, board.titles, shown, out / "pictures")[0] if shown else None


def _top(board: Leaderboard, out: Path) -> dict[str, Any]:
    """The picture that the page begins with, its photos' names, and its columns' number and width.

    It shows the photos that tell most.
    """
    models, shown = without_gray(board.finished), telling(board.finished)[:TELLING]
    if not shown:
        return {"top": None}
    png, rows = draw_models(models, board.titles, shown, out / "pictures", _TOP_SIDE)
    return {
        "top": data_uri(as_jpeg(Image.open(io.BytesIO(png))), "image/jpeg"),
        "top_columns": len(models) + 2,
        "top_side": _TOP_SIDE,
        "top_photos": [row.label for row in rows],
    }


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


def _html(board: Leaderboard, out: Path, temperature: Temperature) -> str:
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
        curves=data_uri(draw_curves(histories), "image/svg+xml") if histories else None,
        adversarial=_adversarial(board, out),
        temperature=temperature,
        temperature_strips=temperature.strips and data_uri(temperature.strips, "image/png"),
        temperature_curves=temperature.curves
        and data_uri(draw_temperature_curves(temperature.curves, "svg"), "image/svg+xml"),
        environments=_environments(board),
        commands=list(dict.fromkeys(result["command"] for result in board.results)),
        cost_plots=draw_cost_plots(board.finished, board.titles, RANKED_BY),
        speed_headings=SPEED_HEADINGS,
        speed_rows=board.speed_rows,
        speed_side=next((one["speed"]["side"] for one in board.finished if "speed" in one), None),
        missing=MISSING,
        apart=apart_of(board),
        robustness=robustness_of(board, out / "pictures"),
        hints=hint_curves_of(board),
        films=films_of(board, out),
        film_measures=[measure.title for measure in FILM_MEASURES],
        photos=photos,
        left_out=len(found) - len(photos),
        **_top(board, out),
        **_labels(board),
        **_script(),
    )


def _labels(board: Leaderboard) -> dict[str, Any]:
    reports = [Report.from_json(result["report"]) for result in board.finished]
    metrics = [get_metric(name) for name in RANKED_BY if get_metric(name) in board.metrics]
    tables = [(metric, label_rows(reports, metric)) for metric in metrics]
    return {
        "label_tables": [(metric, rows) for metric, rows in tables if rows],
        "unlabeled": reports[0].labels.count(None) if reports else 0,
        "claims_from": MIN_PHOTOS_FOR_CLAIMS,
        "fewest": FEWEST,
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
