"""Columns of pretrained networks in the benchmark's report."""

import csv
import dataclasses
import json
import shutil

import numpy as np
import pytest

from benchmarks.harness.stored import merge_seeds
from benchmarks.report.leaderboard import Leaderboard, load_results
from benchmarks.report.page import write_report
from zoo.evaluation.report import Report
from zoo.metrics import list_metrics

NAMES = ("top1@net", "frechet@net")
REASON = "The ImageNet weights of X cannot be fetched."


def add_networks(path, present):
    """Store scores of networks in a result, or the reason why they are missing."""
    result = json.loads(path.read_text())
    report = Report.from_json(result["report"])
    if present:
        source = {"network": "classifier=hub:net", "sha256": "1", "input": "its <b>middle</b>"}
        sources = {name: source | {"notes": ["Mind this."], "truth": 0.75} for name in NAMES}
        scores = report.scores | {"top1@net": np.array([1.0, 0.0, np.nan])}
        figures = {"frechet@net": 12.345}
        report = dataclasses.replace(report, scores=scores, set_scores=figures, sources=sources)
    else:
        report = dataclasses.replace(report, missing=dict.fromkeys(NAMES, REASON))
    summary = {name: dataclasses.asdict(one) for name, one in report.summary().items()}
    path.write_text(json.dumps(result | {"report": report.to_json(), "summary": summary}))


@pytest.fixture(scope="module")
def rendered(finished, tmp_path_factory):
    """A benchmark whose gray model lacks what the others have."""
    out = shutil.copytree(finished, tmp_path_factory.mktemp("networks") / "out")
    for path in (out / "results").glob("*.json"):
        model = json.loads(path.read_text())["cell"]["model"]
        add_networks(path, present=model != "gray")
    write_report(out)
    return out


def test_columns_of_networks_follow_the_others(rendered):
    board = Leaderboard(tuple(load_results(rendered)))
    first = ("ciede2000", "auc", "colorfulness")
    others = [name for name in list_metrics() if name not in first]
    assert [metric.name for metric in board.metrics] == [*first, *others, *NAMES]
    place = len(list_metrics()) + 2
    assert [column.heading for column in board.columns[place : place + 2]] == [
        "top-1 (net)\N{NO-BREAK SPACE}↑",
        "Fréchet distance (net)\N{NO-BREAK SPACE}↓",
    ]
    cells = {row[0]: row[place : place + 2] for row in board.rows()}
    assert cells["gray:default"] == ["–", "–"]
    assert cells["mean_color:default"] == ["0.500 [0.000, 1.000]", "12.35"]


def test_files_hold_what_there_is(rendered):
    with (rendered / "leaderboard.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert rows["gray"]["frechet@net"] == rows["gray"]["top1@net"] == ""
    assert float(rows["mean_color"]["frechet@net"]) == 12.345
    assert rows["mean_color"]["frechet@net_low"] == ""
    with (rendered / "per_photo.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "mean_color"]
    assert [row["top1@net"] for row in rows] == ["1.0", "0.0", ""]
    with (rendered / "differences.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if "@" in row["metric"]]
    assert [row["metric"] for row in rows] == ["top1@net"]
    assert "gray" not in rows[0]["first"] + rows[0]["second"]


def test_notes_tell_of_the_truth_and_of_what_is_missing(rendered):
    text = (rendered / "leaderboard.md").read_text(encoding="utf-8")
    assert (
        "- True photos: top-1 (net) 0.750, Fréchet distance (net) 0.750. "
        "Seen: its <b>middle</b>. Mind this.\n" in text
    )
    assert f"- No top-1 (net), Fréchet distance (net) of gray:default: {REASON}\n" in text
    page = (rendered / "report.html").read_text(encoding="utf-8")
    assert "its &lt;b&gt;middle&lt;/b&gt;" in page
    assert '<th scope="row">Fréchet distance (net)</th>' in page, "it is among the definitions"
    assert "<summary>top-1 (net) (higher is better)</summary>" in page
    assert "<summary>Fréchet distance (net)" not in page, "it has no paired differences"


def test_figures_of_several_seeds_are_averaged(rendered):
    results = load_results(rendered)
    first = next(one for one in results if one["cell"]["model"] == "mse_regression")
    report = Report.from_json(first["report"])
    scores = report.scores | {"top1@net": np.array([1.0, 1.0, np.nan])}
    other = dataclasses.replace(report, scores=scores, set_scores={"frechet@net": 14.345})
    summary = {name: dataclasses.asdict(one) for name, one in other.summary().items()}
    second = first | {"report": other.to_json(), "summary": summary}
    second["cell"] = first["cell"] | {"seed": 1}
    merged = merge_seeds([first, second])
    assert merged["summary"]["frechet@net"] == {"mean": 13.345, "low": None, "high": None}
    assert merged["summary"]["top1@net"]["mean"] == 0.75
    assert merged["report"]["scores"]["top1@net"] == [1.0, 0.5, None]
    assert merged["by_seed"]["frechet@net"] == [12.345, 14.345]
