"""Photos that stand apart: scored, but in no headline figure."""

import csv
import re
import shutil

import numpy as np
import pytest
from conftest import eagerly
from tiny_runs import TINY, make_photos

from benchmarks.harness.stored import merge_seeds, read_results
from benchmarks.report.apart import UNSEEN, apart_of
from benchmarks.report.leaderboard import Leaderboard, load_results
from benchmarks.report.page import write_report
from benchmarks.run_all import main
from zoo.card import read_card
from zoo.evaluation.report import Report
from zoo.files import read_json, write_json


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("apart")
    make_photos(root / "train", [f"{number:02}.png" for number in range(12)], seed=1)
    for label, count in (("cats", 3), ("things", 2)):
        make_photos(root / "test" / label, [f"{n}.png" for n in range(count)], seed=len(label))
    return ["--photos", str(root / "train"), "--test-photos", str(root / "test")]


@pytest.fixture(scope="module")
def run(tmp_path_factory, folders, cells_run_here):
    out = tmp_path_factory.mktemp("run") / "apart"
    with eagerly():
        assert main([*TINY, *folders, "--out", str(out), "--apart", "things"]) == 0
    return out


def test_headline_figures_are_of_the_other_photos(run):
    board = Leaderboard(tuple(load_results(run)))
    assert "3 test photos" in board.conditions
    for path in (run / "results").glob("*.json"):
        stored = read_json(path)
        scores = np.array(stored["report"]["scores"]["ciede2000"])
        labels = np.array(stored["report"]["labels"])
        (read,) = [one for one in board.results if one["key"] == stored["key"]]
        headline = scores[labels == "cats"].mean()
        assert len(scores) == 5
        assert stored["summary"]["ciede2000"]["mean"] == pytest.approx(headline)
        assert read["summary"] == stored["summary"]
        assert set(read["report"]["labels"]) == {"cats"}
        card = read_card(run / "models" / stored["key"]).test_scores["test photos"]
        assert card.photos == 3
        assert card.summary["ciede2000"].mean == pytest.approx(headline)
        aside = Report.from_json(read["apart"])
        assert aside.summary()["ciede2000"].mean == pytest.approx(scores[labels == "things"].mean())
    for (i, j), found in board.differences.items():
        one, other = (board.finished[k]["summary"]["auc"]["mean"] for k in (i, j))
        assert found["auc"].mean == pytest.approx(one - other)


def test_they_have_a_table_that_says_what_they_are(run):
    found = apart_of(Leaderboard(tuple(load_results(run))))
    assert found.sentence.startswith("2 photos of things stand apart and count in no other figure")
    assert UNSEEN in found.sentence
    assert [row[0] for row in found.rows] == [
        row["cell"]["label"] or f"{row['cell']['model']}:{row['cell']['preset']}"
        for row in load_results(run)
    ]
    page, text = (run / "report.html").read_text(), (run / "leaderboard.md").read_text()
    section = re.search(r"<h2>Photos apart</h2>.*?</table>", page, re.S)[0]
    assert found.sentence in section
    assert section.count("<tr>") == 1 + 3
    assert "## Photos apart" in text
    assert f"- {found.sentence}" in text
    with (run / "per_photo.csv").open() as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert (labels.count("cats"), labels.count("things")) == (9, 6)


def test_of_weights_trained_elsewhere_it_is_not_said_that_they_saw_none(run, tmp_path):
    out = shutil.copytree(run, tmp_path / "copy")
    path = next((out / "results").glob("*.json"))
    result = read_json(path)
    result["cell"]["start"] = "/runs/elsewhere"
    write_json(path, result)
    write_report(out)
    assert "stand apart" in (out / "leaderboard.md").read_text()
    assert UNSEEN not in (out / "leaderboard.md").read_text()


def test_seeds_are_averaged_apart_too(run):
    (one, *_) = [one for one in read_results(run) if one["cell"]["model"] == "mse_regression"]
    other = one | {"cell": one["cell"] | {"seed": 1}}
    scores = one["apart"]["scores"]
    worse = scores | {"ciede2000": [value + 2 for value in scores["ciede2000"]]}
    merged = merge_seeds([one, other | {"apart": one["apart"] | {"scores": worse}}])
    expected = np.array(scores["ciede2000"]) + 1
    np.testing.assert_allclose(merged["apart"]["scores"]["ciede2000"], expected)


@pytest.mark.usefixtures("cells_run_here")
def test_other_labels_apart_make_another_benchmark(run, folders, tmp_path, capsys):
    out = shutil.copytree(run, tmp_path / "copy")
    assert main([*TINY, *folders, "--out", str(out), "--resume", "--apart", "cats"]) == 2
    assert "different: labels that stand apart" in capsys.readouterr().err
    assert main([*TINY, *folders, "--out", str(out), "--resume", "--apart", "things"]) == 0


@pytest.mark.parametrize(
    ("labels", "told"),
    [(["thing"], "did you mean 'things'"), (["cats", "things"], "no test photo is left")],
)
def test_labels_that_cannot_stand_apart_are_refused(folders, tmp_path, capsys, labels, told):
    words = [word for label in labels for word in ("--apart", label)]
    assert main([*TINY, *folders, "--out", str(tmp_path / "out"), *words]) == 2
    assert told in capsys.readouterr().err
