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
        prior="p",
    )


LABELS = ["sky", None, "people"] * 50 + ["sky"] * 10


def test_figures_are_the_means_over_the_label():
    reports = [make_report(LABELS, 1), make_report(LABELS, 2)]
    labels = np.array([label or "" for label in LABELS])
    weighted, plain = label_rows(reports, AUC), label_rows(reports, CIEDE)
    assert [row.label for row in weighted] == [row.label for row in plain] == ["people", "sky"]
    assert [row.photos for row in weighted] == [50, 60]
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


def test_labels_of_fewer_than_fifty_photos_share_a_row():
    labels = ["a"] * 49 + ["c"] * 50 + [None] * 5 + ["b"] * 3
    report = make_report(labels, 1)
    rows = label_rows([report], AUC)
    assert [(row.label, row.photos) for row in rows] == [("c", 50), ("other (a, b)", 52)]
    chosen = np.array([label in ("a", "b") for label in labels])
    scores, weights = (part["auc_rebalanced"][chosen] for part in (report.scores, report.weights))
    assert rows[1].figures[0] == pytest.approx((scores * weights).sum() / weights.sum(), abs=1e-12)


def test_a_single_label_of_few_photos_keeps_its_name():
    rows = label_rows([make_report(["a"] * 29 + ["b"] * 50, 1)], CIEDE)
    assert [(row.label, row.photos) for row in rows] == [("a", 29), ("b", 50)]
    # Claims take thirty photos.
    assert [row.supports_claims for row in rows] == [False, True]
    assert label_rows([make_report(["a"] * 30, 1)], CIEDE)[0].supports_claims


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
    assert tables == ["CIEDE2000 (lower is better)", "AuC (higher is better)"]
    name = f"other ({html.escape(MALICIOUS)}, sky)"
    rows = re.findall(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', section, re.S)
    assert len(rows) == 2
    assert all("2 <" in row and "under 30: no claims" in row for row in rows)
    assert all(row.count("data-value") == 1 + 3 for row in rows)
