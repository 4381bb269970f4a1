import csv
import json
import shutil

import numpy as np
import pytest
from conftest import eagerly
from tiny_runs import TINY, stored

from benchmarks.harness import hints
from benchmarks.harness.stored import merge_seeds
from benchmarks.report.hints import hint_curves_of
from benchmarks.report.leaderboard import Leaderboard, load_results
from benchmarks.run_all import main
from zoo.evaluation.report import Report, compare

COUNTS = (0, 1, 2)


@pytest.fixture(scope="module", autouse=True)
def few_points():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hints, "COUNTS", COUNTS)
        yield


@pytest.fixture(scope="module")
def command(photos):
    return [*TINY, *photos, "--resume", "--hints", "--out"]


@pytest.fixture(scope="module")
def scored(tmp_path_factory, finished, command, few_points):
    """A finished benchmark whose models were told true colors afterwards."""
    out = shutil.copytree(finished, tmp_path_factory.mktemp("hints") / "scored")
    with eagerly():
        assert main([*command, str(out)]) == 0
    return out


def test_scores_are_added_to_results_that_stay_what_they_are(finished, scored):
    before, after = stored(finished), stored(scored)
    assert before.keys() == after.keys()
    for key, result in after.items():
        added = result.pop("hints")
        assert list(added) == [str(count) for count in COUNTS]
        assert result == before[key]
        # Without points a model is what it is.
        plain, untold = result["report"], added["0"]["report"]
        assert untold["photos"] == plain["photos"]
        for metric in hints.METRICS:
            np.testing.assert_allclose(untold["scores"][metric], plain["scores"][metric], atol=1e-3)
        told = np.array(added["2"]["report"]["scores"]["psnr"])
        assert told.mean() > np.mean(untold["scores"]["psnr"])
    assert not list((scored / "hints").iterdir())


def test_what_was_scored_is_not_scored_again(scored, command, monkeypatch):
    monkeypatch.setattr(hints, "told_scores", None)
    with eagerly():
        assert main([*command, str(scored)]) == 0


def test_an_interrupted_pass_goes_on(finished, scored, command, tmp_path, monkeypatch):
    out, told, seen = shutil.copytree(finished, tmp_path / "out"), hints.told_scores, []

    def once(*arguments):
        if seen:
            raise KeyboardInterrupt
        seen.append(arguments)
        return told(*arguments)

    monkeypatch.setattr(hints, "told_scores", once)
    with eagerly():
        assert main([*command, str(out)]) == 130
    (lines,) = (out / "hints").iterdir()
    with lines.open("a") as file:
        file.write('["cut off by a ki')
    left = []
    monkeypatch.setattr(hints, "told_scores", lambda *a: left.append(a) or told(*a))
    with eagerly():
        assert main([*command, str(out)]) == 0
    photos = len(next(iter(stored(out).values()))["hints"]["0"]["report"]["photos"])
    assert len(left) == photos - 1
    assert [one["hints"] for one in stored(out).values()] == [
        one["hints"] for one in stored(scored).values()
    ]


def test_the_report_has_curves_gains_and_a_file(scored):
    board = Leaderboard(tuple(load_results(scored)))
    curves = hint_curves_of(board)
    assert curves.counts == list(COUNTS)
    assert [metric.name for metric in curves.metrics] == ["psnr", "ciede2000"]
    result = next(iter(stored(scored).values()))
    reports = {n: Report.from_json(one["report"]) for n, one in result["hints"].items()}
    (told,) = (
        one
        for one in curves.figures
        if (one.key, one.points, one.metric.name) == (result["key"], 2, "psnr")
    )
    assert told.figure.mean == pytest.approx(np.mean(reports["2"].scores["psnr"]))
    assert told.gain == compare(reports["2"], reports["0"])["psnr"]
    page = (scored / "report.html").read_text()
    assert "<h2>With hints</h2>" in page
    assert page.count('<th scope="col">1 point</th>') == page.count("2 points</th>") == 2
    with (scored / "hints.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * len(COUNTS) * 2
    assert {row["gain"] for row in rows if row["points"] == "0"} == {""}


def test_seeds_are_averaged(scored):
    first = next(iter(stored(scored).values()))
    second = json.loads(json.dumps(first))
    second["cell"]["seed"] = 1
    shifted = [score + 2 for score in second["hints"]["2"]["report"]["scores"]["psnr"]]
    second["hints"]["2"]["report"]["scores"]["psnr"] = shifted
    del second["hints"]["1"]
    merged = merge_seeds([first, second])["hints"]
    assert list(merged) == ["0", "2"]
    found = Report.from_json(merged["2"]["report"]).scores["psnr"]
    np.testing.assert_allclose(found, np.array(shifted) - 1)


def test_photos_without_room_are_told_in_a_sentence(finished, command, tmp_path, monkeypatch):
    out = shutil.copytree(finished, tmp_path / "out")
    monkeypatch.setattr(hints, "COUNTS", (0, 100))
    with eagerly():
        assert main([*command, str(out)]) == 2
