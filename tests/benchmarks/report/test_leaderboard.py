import re

import pytest

from benchmarks.report.leaderboard import Leaderboard, load_results, sort_values
from zoo.metrics import get_metric, list_metrics

METRICS = [get_metric(name) for name in list_metrics()]


def leaderboard(out):
    page = (out / "report.html").read_text()
    return re.search(r"<h2>Leaderboard</h2>.*?</table>", page, re.S)[0]


def test_columns_say_how_they_sort(finished):
    board = Leaderboard(tuple(load_results(finished)))
    columns = board.columns
    assert {len(row) for row in board.rows()} == {len(columns)}
    texts = [column.heading for column in columns if column.kind == "text"]
    assert texts == ["Model", "Status"]
    first = {
        metric.name: column.first for metric, column in zip(METRICS, columns[2:], strict=False)
    }
    assert first["psnr"] == first["auc_rebalanced"] == "descending"
    assert first["ciede2000"] == first["colorfulness"] == "ascending"
    assert [column.heading[:20] for column in columns if column.sorted] == ["class-rebalanced AuC"]


def test_page_says_what_it_is_sorted_by(finished):
    headings = re.findall(r"<th scope=\"col\"[^>]*>[^<]*</th>", leaderboard(finished))
    (said,) = [heading for heading in headings if "aria-sort" in heading]
    assert 'aria-sort="descending">class-rebalanced' in said


def test_values_are_the_stored_numbers_in_full(finished):
    rows = re.findall(r'<tr>\s*<th scope="row">.*?</tr>', leaderboard(finished), re.S)
    results = load_results(finished)
    assert len(rows) == len(results)
    for row, result in zip(rows, results, strict=True):
        found = [float(text) for text in re.findall(r'data-value="([^"]+)"', row)]
        assert found == [
            *(result["summary"][name]["mean"] for name in list_metrics()),
            result["history"]["photos_seen"],
            result["history"]["seconds"],
            result["parameters"],
        ]
        # Few photos give no ranks: the second cell has no value, and sorts last.
        assert "<td>–</td>" in row
        assert row.count('class="interval"') == len(list_metrics())


@pytest.mark.parametrize(("rank", "number"), [("2=", 2), ("11", 11), (None, None)])
def test_ranks_are_numbers(rank, number):
    assert sort_values({}, rank, METRICS[:1]) == [number, None, None, None, None]


def test_a_missing_metric_has_no_value():
    result = {
        "summary": {METRICS[1].name: {"mean": 0.0}},
        "history": {"photos_seen": 0, "seconds": 1.5},
        "parameters": 0,
    }
    assert sort_values(result, None, METRICS[:2]) == [None, None, 0.0, 0, 1.5, 0]
