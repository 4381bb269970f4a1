import json
import re
import shutil

import pytest

from benchmarks.report.leaderboard import Leaderboard, load_results, sort_values
from benchmarks.report.page import write_report
from zoo.files import write_json
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
        metric.name: column.first
        for metric, column in zip(board.metrics, columns[2:], strict=False)
    }
    assert first["psnr"] == first["auc_rebalanced"] == "descending"
    assert first["ciede2000"] == first["colorfulness"] == "ascending"
    assert [column.heading[:9] for column in columns if column.sorted] == ["CIEDE2000"]
    assert [metric.name for metric in board.metrics][:3] == ["ciede2000", "auc", "colorfulness"]
    assert sorted(metric.name for metric in board.metrics) == sorted(list_metrics())


def test_page_says_what_it_is_sorted_by(finished):
    headings = re.findall(r"<th scope=\"col\"[^>]*>[^<]*</th>", leaderboard(finished))
    assert len(headings) == len(Leaderboard(tuple(load_results(finished))).columns)
    (said,) = [heading for heading in headings if "aria-sort" in heading]
    assert 'aria-sort="ascending">CIEDE2000' in said


def test_values_are_the_stored_numbers_in_full(finished):
    rows = re.findall(r'<tr>\s*<th scope="row">.*?</tr>', leaderboard(finished), re.S)
    results = load_results(finished)
    metrics = Leaderboard(tuple(results)).metrics
    assert len(rows) == len(results)
    for row, result in zip(rows, results, strict=True):
        found = [float(text) for text in re.findall(r'data-value="([^"]+)"', row)]
        assert found == [
            *(result["summary"][metric.name]["mean"] for metric in metrics),
            result["history"]["photos_seen"],
            result["history"]["seconds"],
            result["parameters"],
            result["bytes_on_disk"],
        ]
        # Few photos give no ranks: the second cell has no value, and sorts last.
        assert '<td class="extra">–</td>' in row
        assert row.count('class="interval"') == len(list_metrics())


@pytest.mark.parametrize(("rank", "number"), [("2=", 2), ("11", 11), (None, None)])
def test_ranks_are_numbers(rank, number):
    assert sort_values({}, rank, METRICS[:1]) == [number, None, None, None, None, None, None]


def test_a_missing_metric_has_no_value():
    result = {
        "summary": {METRICS[1].name: {"mean": 0.0}},
        "history": {"photos_seen": 0, "seconds": 1.5},
        "parameters": 0,
    }
    assert sort_values(result, None, METRICS[:2]) == [None, None, 0.0, 0, 1.5, 0, None, None]


def test_a_switch_hides_all_but_the_columns_that_rank_and_cost(finished, tmp_path):
    out = shutil.copytree(finished, tmp_path / "copy")
    assert shown_columns(out) == [
        "Model", "CIEDE2000", "AuC", "colorfulness", "Parameters", "Size (MB)",
    ]  # fmt: skip
    # The switch is a plain checkbox in front of the table: it needs no script.
    page = (out / "report.html").read_text()
    switch = re.search(r'<input type="checkbox" id="([^"]+)" class="switch"><label for="\1">', page)
    assert switch
    assert page.index(switch[0]) < page.index('<table class="wide board sortable">')
    assert ".switch:not(:checked) ~ .scroll .extra { display: none; }" in page
    # Every cell goes with its heading.
    board = Leaderboard(tuple(load_results(out)))
    extra = sum(column.extra for column in board.columns)
    table = leaderboard(out)
    assert table.count('class="extra"') + table.count("status extra") == extra * (1 + 3)


def test_failures_and_measured_times_are_shown_at_once(finished, tmp_path):
    out = shutil.copytree(finished, tmp_path / "copy")
    path = next(iter((out / "results").glob("*.json")))
    result = json.loads(path.read_text())
    path.write_text(json.dumps(result | {"status": "failed", "error": "no", "traceback": ""}))
    speed = {"median": 0.0123, "low": 0.01, "high": 0.02}
    for other in (out / "results").glob("*.json"):
        row_key = json.loads(other.read_text())["row_key"]
        write_json(out / "speed" / f"{row_key}.json", SPEED | {"latency_seconds": speed})
    write_report(out)
    assert shown_columns(out)[-2:] == ["Time (ms)", "Status"]
    assert leaderboard(out).count('<td data-value="0.0123">12.3</td>') == 2


SPEED = {
    "side": 64,
    "photos_per_second": {"median": 1.0, "low": 1.0, "high": 1.0, "batch": 1},
    "training_photos_per_second": None,
    "peak_memory_mb": 1,
    "multiply_adds": 0,
    "bytes_on_disk": 1,
    "deterministic": False,
}


def shown_columns(out):
    """The headings that stand there without the switch, without units and arrows."""
    headings = re.findall(r'<th scope="col"([^>]*)>([^<]*)</th>', leaderboard(out))
    shown = [text for attributes, text in headings if "extra" not in attributes]
    return [text.partition("\N{NO-BREAK SPACE}")[0] for text in shown]
