import csv
import json
import shutil

import numpy as np
import pytest
from conftest import eagerly
from tiny_runs import TINY, stored

from benchmarks.harness import robustness
from benchmarks.harness.stored import merge_seeds, read_results
from benchmarks.report.leaderboard import Leaderboard, load_results
from benchmarks.report.robustness import AS_IS, robustness_of
from benchmarks.run_all import main
from zoo.evaluation.report import Report
from zoo.photos.degrade import DEGRADATIONS, blur

#: Of all kinds, so that the tests take no minutes.
KINDS = ("sharpened", "blur-0.6", "blur-1.2", "grain")


@pytest.fixture(scope="module", autouse=True)
def few_kinds():
    with pytest.MonkeyPatch.context() as patch:
        for name in DEGRADATIONS.keys() - {*KINDS}:
            patch.delitem(DEGRADATIONS, name)
        yield


@pytest.fixture(scope="module")
def scored(tmp_path_factory, finished, photos, few_kinds):
    """A finished benchmark whose models were scored on degraded photos afterwards."""
    out = shutil.copytree(finished, tmp_path_factory.mktemp("robustness") / "scored")
    with eagerly():
        assert main([*TINY, *photos, "--out", str(out), "--resume", "--degrade"]) == 0
    return out


def test_scores_are_added_to_results_that_stay_what_they_are(finished, scored):
    before, after = stored(finished), stored(scored)
    assert before.keys() == after.keys()
    for key, result in after.items():
        added = result.pop("robustness")
        assert list(added) == list(DEGRADATIONS)
        assert result == before[key]


def test_the_gray_baseline_is_as_good_on_any_photos_and_others_are_not(scored):
    for result in stored(scored).values():
        for name, one in result["robustness"].items():
            found, plain = one["report"]["scores"], result["report"]["scores"]
            same = all(found[metric] == plain[metric] for metric in found)
            assert same == (result["cell"]["model"] in ("gray", "mean_color")), name


def test_finished_scores_are_kept_and_outdated_ones_are_not(scored, photos, monkeypatch, tmp_path):
    out = shutil.copytree(scored, tmp_path / "again")
    command = [*TINY, *photos, "--out", str(out), "--resume", "--degrade"]
    calls = []

    def counting(model, *given, **settings):
        calls.append(model.name)
        return real(model, *given, **settings)

    real = robustness.evaluate
    monkeypatch.setattr(robustness, "evaluate", counting)
    assert main(command) == 0
    assert calls == []
    changed = robustness.DEGRADATIONS["blur-1.2"].__class__("blurred, 2 px", blur, {"sigma": 2.0})
    monkeypatch.setitem(robustness.DEGRADATIONS, "blur-1.2", changed)
    assert main(command) == 0
    assert len(calls) == 3
    for result in stored(out).values():
        degradation = result["robustness"]["blur-1.2"]["degradation"]
        assert degradation == {"function": "blur", "settings": {"sigma": 2.0}}


def test_the_report_says_how_much_worse_each_model_is(scored):
    with (scored / "robustness.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * (1 + len(DEGRADATIONS)) * 3
    results = stored(scored)
    titles = {one.title: name for name, one in DEGRADATIONS.items()}
    truth = {k: Report.from_json(one["report"]).true_colorfulness for k, one in results.items()}
    for row in rows:
        result = results[row["key"]]
        plain = np.mean(result["report"]["scores"][row["metric"]])
        share = 1 / truth[row["key"]] if row["metric"] == "colorfulness" else 1.0
        if row["degradation"] == AS_IS:
            assert float(row["figure"]) == pytest.approx(share * plain)
            assert row["difference"] == ""
            continue
        report = result["robustness"][titles[row["degradation"]]]["report"]
        found = np.mean(report["scores"][row["metric"]])
        assert float(row["figure"]) == pytest.approx(share * found)
        assert float(row["difference"]) == pytest.approx(share * (found - plain), abs=1e-12)
        assert float(row["difference_low"]) <= float(row["difference"])
    page = (scored / "report.html").read_text(encoding="utf-8")
    assert "Robustness to degraded photos" in page
    assert "blurred, 0.6 px" in page
    assert "One photo, degraded in each way" in page


def test_without_such_scores_there_is_no_such_section(finished):
    assert robustness_of(Leaderboard(tuple(load_results(finished))), finished / "pictures") is None
    assert not (finished / "robustness.csv").exists()
    assert "Robustness" not in (finished / "report.html").read_text(encoding="utf-8")


def test_seeds_are_averaged_photo_by_photo(scored):
    first = next(one for one in read_results(scored) if one["cell"]["model"] == "mse_regression")
    second = json.loads(json.dumps(first))
    second["cell"]["seed"] = 1
    report = second["robustness"]["blur-0.6"]["report"]
    report["scores"]["auc"] = [0.5 * one for one in report["scores"]["auc"]]
    merged = merge_seeds([first, second])
    wanted = 0.75 * np.array(first["robustness"]["blur-0.6"]["report"]["scores"]["auc"])
    found = merged["robustness"]["blur-0.6"]["report"]["scores"]["auc"]
    np.testing.assert_allclose(found, wanted)
    # What only one seed has is no figure of the row.
    del second["robustness"]["blur-1.2"]
    left = [name for name in DEGRADATIONS if name != "blur-1.2"]
    assert list(merge_seeds([first, second])["robustness"]) == left
