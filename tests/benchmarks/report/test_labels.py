import html
import json
import re
import shutil

import numpy as np
import pytest
from tiny_runs import MALICIOUS

from benchmarks.report.labels import label_rows
from benchmarks.report.page import write_report
from zoo.evaluation.report import Report
from zoo.metrics import get_metric

AUC, CIEDE = get_metric("auc_rebalanced"), get_metric("ciede2000")


def make_report(labels, seed, metrics=("auc_rebalanced", "ciede2000")):
    generator = np.random.default_rng(seed)
    count = len(labels)
    return Report(
        model="m:p",
        photos=tuple(f"{number}.png" for number in range(count)),
        labels=tuple(labels),
        fingerprint="f",
        size=32,
        options={},
        scores={name: generator.uniform(size=count) for name in metrics},
        weights={name: generator.uniform(1, 2, count) for name in metrics if "auc_r" in name},
    )


LABELS = ["sky", None, "people"] * 20 + ["sky"] * 10


def test_figures_are_the_means_over_the_label():
    reports = [make_report(LABELS, 1), make_report(LABELS, 2)]
    labels = np.array([label or "" for label in LABELS])
    weighted, plain = label_rows(reports, AUC), label_rows(reports, CIEDE)
    assert [row.label for row in weighted] == [row.label for row in plain] == ["people", "sky"]
    assert [row.photos for row in weighted] == [20, 30]
    for row in weighted:
        chosen = labels == row.label
        for report, figure in zip(reports, row.figures, strict=True):
            scores, weights = report.scores["auc_rebalanced"], report.weights["auc_rebalanced"]
            expected = (scores * weights)[chosen].sum() / weights[chosen].sum()
            assert figure == pytest.approx(expected, abs=1e-12)
    for row in plain:
        for report, figure in zip(reports, row.figures, strict=True):
            expected = report.scores["ciede2000"][labels == row.label].mean()
            assert figure == pytest.approx(expected, abs=1e-12)


def test_claims_take_thirty_photos():
    rows = label_rows([make_report(["a"] * 29 + ["b"] * 30, 1)], CIEDE)
    assert [row.supports_claims for row in rows] == [False, True]


def test_a_model_without_the_metric_has_no_figure():
    reports = [make_report(LABELS, 1), make_report(LABELS, 2, ["ciede2000"])]
    assert all(row.figures[1] is None for row in label_rows(reports, AUC))
    assert all(row.figures[0] is not None for row in label_rows(reports, AUC))


def test_no_labels_give_no_rows():
    assert label_rows([make_report([None, None], 1)], CIEDE) == []
    assert label_rows([], CIEDE) == []


def test_page_has_no_tables_without_labels(finished):
    assert "By label" not in (finished / "report.html").read_text()


def test_page_has_a_table_a_metric_that_makes_no_claims_of_few_photos(finished, tmp_path):
    out = shutil.copytree(finished, tmp_path / "copy")
    for path in (out / "results").glob("*.json"):
        result = json.loads(path.read_text())
        result["report"]["labels"] = [None, MALICIOUS, "sky"]
        path.write_text(json.dumps(result))
    write_report(out)
    page = (out / "report.html").read_text()
    section = re.search(r"<h2>By label</h2>.*?(?=<h2>)", page, re.S)[0]
    assert "<img src=x" not in page
    assert "1 photo without a label" in section
    tables = re.findall(r"<details><summary>(.*?)</summary>.*?</details>", section, re.S)
    assert tables == ["class-rebalanced AuC (higher is better)", "CIEDE2000 (lower is better)"]
    for name in (html.escape(MALICIOUS), "sky"):
        rows = re.findall(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', section, re.S)
        assert len(rows) == 2
        assert all("1 <" in row and "under 30: no claims" in row for row in rows)
        assert all(row.count("data-value") == 1 + 3 for row in rows)
