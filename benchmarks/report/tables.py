"""A leaderboard and what belongs to it as files: CSV for programs, Markdown for readers."""

from collections.abc import Sequence
from typing import Any

from benchmarks.report.apart import apart_of
from benchmarks.report.films import films_csv
from benchmarks.report.hints import hints_csv
from benchmarks.report.leaderboard import Leaderboard
from benchmarks.report.notes import notes
from benchmarks.report.robustness import robustness_csv
from benchmarks.report.speed import SPEED_HEADINGS, speed_csv_rows
from benchmarks.report.text import csv_text, markdown_table
from zoo.evaluation.report import Report


def table_files(board: Leaderboard) -> dict[str, str]:
    """Write the files by name; speed.csv only where the speed of a model was measured.

    Likewise robustness.csv only where a model was scored on degraded photos, hints.csv with hints,
    films.csv on films.
    """
    files = {
        "leaderboard.csv": leaderboard_csv(board),
        "leaderboard.md": leaderboard_markdown(board),
        "per_photo.csv": per_photo_csv(board),
        "differences.csv": differences_csv(board),
    }
    if board.speed_rows:
        files["speed.csv"] = csv_text(speed_csv_rows(board.finished, board.title))
    if robustness := robustness_csv(board):
        files["robustness.csv"] = robustness
    if hints := hints_csv(board):
        files["hints.csv"] = hints
    if films := films_csv(board):
        files["films.csv"] = films
    return files


def leaderboard_csv(board: Leaderboard) -> str:
    """Write the table for programs: full precision, empty where there is no figure."""
    rows = []
    for result in board.results:
        history = result.get("history", {})
        row = _start(board, result)
        row |= {"rank": board.ranks.get(result["key"]), "status": result["status"]}
        for metric in board.metrics:
            interval = result.get("summary", {}).get(metric.name, {})
            for suffix, end in (("", "mean"), ("_low", "low"), ("_high", "high")):
                row[metric.name + suffix] = interval.get(end)
            if metric.name in board.effective_photos:
                row[f"{metric.name}_effective_photos"] = board.effective_photos[metric.name]
            if board.seed_rows:
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
    return csv_text(rows)


def leaderboard_markdown(board: Leaderboard) -> str:
    """Write the table for readers, with its notes."""
    lead = [board.conditions, ""] + ([f"**{board.caution}**", ""] if board.caution else [])
    table = markdown_table([column.heading for column in board.columns], board.rows())
    seed_headings = ["Model", "Seeds", *(metric.title for metric in board.metrics)]
    seeds = _section("Seeds", seed_headings, board.seed_rows)
    speed = _section("Speed", SPEED_HEADINGS, board.speed_rows)
    points = [f"- {note}" for note in notes(board)]
    found = apart_of(board)
    apart = _section("Photos apart", found.headings, found.rows) if found else []
    return "\n".join(["# Leaderboard", "", *lead, *table, "", *points, "", *apart, *seeds, *speed])


def differences_csv(board: Leaderboard) -> str:
    """Write every pair's difference in every metric, first less second, in full precision."""
    rows = [
        {
            "first": board.title(board.finished[i]),
            "second": board.title(board.finished[j]),
            "metric": name,
            "difference": found.mean,
            "low": found.low,
            "high": found.high,
            "excludes_zero": found.excludes_zero,
        }
        for (i, j), of_pair in board.differences.items()
        for name, found in of_pair.items()
    ]
    return csv_text(rows)


def per_photo_csv(board: Leaderboard) -> str:
    """Write every score of every photo, in full precision."""
    rows = []
    for result in board.finished:
        start = _start(board, result) | {"key": result["key"]}
        for part in ("report", "apart"):
            if part in result:
                rows += [start | row for row in Report.from_json(result[part]).per_photo_rows()]
    return csv_text(rows)


def _start(board: Leaderboard, result: dict[str, Any]) -> dict[str, Any]:
    cell = result["cell"]
    return {"title": board.title(result), "model": cell["model"], "preset": cell["preset"]}


def _section(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"## {title}", "", *markdown_table(headings, rows), ""] if rows else []
