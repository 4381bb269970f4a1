import base64
import csv
import hashlib
import html
import io
import json
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_runs import MALICIOUS

from benchmarks.report import page as page_module
from benchmarks.report.figures import PhotoRow, draw_comparison
from benchmarks.report.leaderboard import Leaderboard, load_results
from benchmarks.report.page import write_report
from benchmarks.report.tables import leaderboard_csv
from zoo.errors import ZooError
from zoo.evaluation.report import Report, compare
from zoo.metrics import list_metrics

FILES = (
    "leaderboard.csv",
    "leaderboard.md",
    "per_photo.csv",
    "differences.csv",
    "comparison.png",
    "report.html",
)


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of a finished benchmark's folder, to change."""
    return shutil.copytree(finished, tmp_path / "copy")


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def change(out, model, **changes):
    """Change the stored result of a model."""
    for path in (out / "results").glob("*.json"):
        result = json.loads(path.read_text())
        if result["cell"]["model"] == model:
            path.write_text(json.dumps(result | changes))


def test_rendering_twice_gives_the_same_bytes(finished, copy):
    for name in FILES:
        (copy / name).unlink()
    assert [path.name for path in write_report(copy)] == list(FILES)
    for name in FILES:
        assert (copy / name).read_bytes() == (finished / name).read_bytes(), name


def test_leaderboard_agrees_with_the_results(finished):
    stored = {result["key"]: result for result in load_results(finished)}
    rows = rows_of(finished / "leaderboard.csv")
    assert {row["key"] for row in rows} == set(stored)
    for row in rows:
        result = stored[row["key"]]
        assert int(row["photos_seen"]) == result["history"]["photos_seen"]
        assert int(row["parameters"]) == result["parameters"]
        for name in list_metrics():
            interval = result["summary"][name]
            values = [float(row[f"{name}{end}"]) for end in ("", "_low", "_high")]
            assert values == [interval["mean"], interval["low"], interval["high"]]


def test_per_photo_scores_agree_with_the_results(finished):
    stored = {result["key"]: result for result in load_results(finished)}
    rows = rows_of(finished / "per_photo.csv")
    assert len(rows) == 3 * len(stored)
    for row in rows:
        report = stored[row["key"]]["report"]
        number = report["photos"].index(row["photo"])
        for name in list_metrics():
            assert float(row[name]) == report["scores"][name][number]


def test_differences_agree_with_the_comparison_of_two(finished):
    results = [result for result in load_results(finished) if result["status"] == "ok"]
    reports = [Report.from_json(result["report"]) for result in results]
    rows = rows_of(finished / "differences.csv")
    assert len(rows) == 3 * len(list_metrics())
    expected = compare(reports[0], reports[2])
    names = [f"{results[i]['cell']['model']}:{results[i]['cell']['preset']}" for i in (0, 2)]
    found = [row for row in rows if [row["first"], row["second"]] == names]
    for row in found:
        interval = expected[row["metric"]]
        values = [float(row[name]) for name in ("difference", "low", "high")]
        assert values == [interval.mean, interval.low, interval.high]


def test_few_photos_give_no_ranks_and_many_do(finished, monkeypatch):
    results = tuple(load_results(finished))
    assert Leaderboard(results).ranks == {}
    assert {row["rank"] for row in rows_of(finished / "leaderboard.csv")} == {""}
    monkeypatch.setattr("zoo.evaluation.report.MIN_PHOTOS_FOR_CLAIMS", 1)
    ranked = tuple(load_results(finished))
    board = Leaderboard(ranked)
    assert set(board.ranks) == {result["key"] for result in results}
    # Ranks as `compare` of each pair gives them, summed over both metrics.
    reports = {one["key"]: Report.from_json(one["report"]) for one in ranked}
    sums = {
        key: sum(
            compare(report, other)[name].excludes_zero
            and compare(report, other)[name].mean * sign > 0
            for other in reports.values()
            if other is not report
            for name, sign in (("ciede2000", 1), ("auc", -1))
        )
        for key, report in reports.items()
    }
    numbers = {key: int(rank.removesuffix("=")) for key, rank in board.ranks.items()}
    assert numbers == {k: 1 + sum(s < sums[k] for s in sums.values()) for k in sums}
    assert [numbers[one["key"]] for one in ranked] == sorted(numbers.values())
    assert [column.heading for column in board.columns if column.sorted] == ["Rank"]


def test_rows_of_few_photos_are_sorted_by_ciede2000(finished):
    scores = [float(row["ciede2000"]) for row in rows_of(finished / "leaderboard.csv")]
    assert scores == sorted(scores)


def test_weighted_figures_say_how_many_photos_they_rest_on(finished):
    (result, *_) = load_results(finished)
    weights = np.array(result["report"]["weights"]["auc_rebalanced"])
    expected = weights.sum() ** 2 / (weights**2).sum()
    assert 1 <= expected < 3
    table = (finished / "leaderboard.md").read_text()
    assert f"class-rebalanced AuC\N{NO-BREAK SPACE}↑ ({expected:.0f} effective photos)" in table
    assert f"rests on as much as {expected:.0f} equally weighted photos of 3" in table
    for row in rows_of(finished / "leaderboard.csv"):
        assert float(row["auc_rebalanced_effective_photos"]) == pytest.approx(expected)


def test_results_of_another_protocol_are_refused(copy):
    for path in (copy / "results").glob("*.json"):
        stored = json.loads(path.read_text())
        stored["cell"]["protocol"] = 2
        path.write_text(json.dumps(stored))
    with pytest.raises(ZooError, match=r"of protocol 2, and this version scores by protocol \d"):
        write_report(copy)


def test_few_photos_make_no_claims(copy):
    assert "no claims of significance" in (copy / "leaderboard.md").read_text()
    assert "no claims of significance" in (copy / "report.html").read_text()
    for model in ("gray", "mean_color", "mse_regression"):
        change(copy, model, test_photos=30)
    write_report(copy)
    assert "no claims" not in (copy / "leaderboard.md").read_text()
    assert "no claims" not in (copy / "report.html").read_text()


def test_page_opens_offline_and_escapes_names(finished):
    page = (finished / "report.html").read_text()
    visible = re.sub(r"data:[a-z/+]+;base64,[A-Za-z0-9+/=]+", "data:", page)
    visible, scripts = re.subn(r"<script>.*?</script>", "", visible, flags=re.S)
    assert scripts == 1
    assert not re.search(r"https?:|src=\"(?!data:)|href=|<script|@import|url\(", visible)
    assert MALICIOUS not in page
    assert "<img src=x" not in page
    assert html.escape(MALICIOUS) in page


def test_page_allows_its_own_script_alone(finished):
    page = (finished / "report.html").read_text()
    script = re.search(r"<script>(.*?)</script>", page, re.S)[1]
    # Nothing of the results is in the script: it is the file, whatever the photos are called.
    assert script == (Path(page_module.__file__).parent / "templates" / "report.js").read_text()
    assert not re.search(r"https?:|fetch|XMLHttp|import|innerHTML|eval|insertAdjacent", script)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "media-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
    ]


def test_failures_are_rows_without_figures(copy):
    for path in (copy / "results").glob("*.json"):
        result = json.loads(path.read_text())
        if result["cell"]["model"] == "mean_color":
            recorded = ("key", "row_key", "cell", "test_photos", "command", "environment")
            kept = {name: result[name] for name in (*recorded, "deterministic")}
            failure = {"status": "failed", "error": "a | b <i>", "traceback": "line <b>"}
            path.write_text(json.dumps(kept | failure))
    write_report(copy)
    row = rows_of(copy / "leaderboard.csv")[-1]
    assert (row["model"], row["status"], row["error"]) == ("mean_color", "failed", "a | b <i>")
    assert all(row[name] == "" for name in [*list_metrics(), "photos_seen", "parameters"])
    line = (copy / "leaderboard.md").read_text().split("| mean_color:default |")[1].split("\n")[0]
    assert line == " – |" * (len(list_metrics()) + 6) + " failed: a \\| b <i> |"
    page = (copy / "report.html").read_text()
    assert "a | b &lt;i&gt;" in page
    assert "line &lt;b&gt;" in page


def test_missing_metric_is_shown_as_missing(copy):
    result = next(r for r in load_results(copy) if r["cell"]["model"] == "gray")
    summary = {name: value for name, value in result["summary"].items() if name != "psnr"}
    change(copy, "gray", summary=summary)
    board = Leaderboard(tuple(load_results(copy)))
    row = next(row for row in board.rows() if row[0] == "gray:default")
    # Behind the model's name and its rank.
    cells = dict(zip((metric.name for metric in board.metrics), row[2:], strict=False))
    assert [name for name, cell in cells.items() if cell == "–"] == ["psnr"]
    row = next(
        row for row in csv.DictReader(io.StringIO(leaderboard_csv(board))) if row["model"] == "gray"
    )
    assert row["psnr"] == row["psnr_low"] == ""


def test_cells_of_one_name_are_told_apart(copy):
    stored = [json.loads(path.read_text()) for path in (copy / "results").glob("*.json")]
    result = next(r for r in stored if r["cell"]["model"] == "gray")
    other = result | {"key": "0123456789abcdef", "row_key": "other"}
    (copy / "results" / "other.json").write_text(json.dumps(other))
    titles = Leaderboard(tuple(load_results(copy))).titles.values()
    assert "gray:default #012345" in titles
    assert len(set(titles)) == 4


def test_results_of_different_conditions_are_not_mixed(copy):
    result = load_results(copy)[0]
    cell = result["cell"] | {"test_fingerprint": "other", "budget": "16 min"}
    change(copy, result["cell"]["model"], cell=cell)
    with pytest.raises(ZooError, match="different: test photos, budget"):
        write_report(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_fingerprint": "other"}, "different: training photos"),
        ({"protocol": 1}, "different: protocol version"),
        ({"budget": "9 photos"}, "different: budget"),
        ({"budget": "9 photos", "train_size": 8, "own": ["train_size", "budget"]}, None),
        ({"budget": "none", "train_fingerprint": None, "train_size": 0}, None),
        ({"budget": "none", "test_fingerprint": "other"}, "different: test photos"),
    ],
)
def test_rows_may_differ_in_what_they_decide_themselves(copy, changes, message):
    result = load_results(copy)[0]
    change(copy, result["cell"]["model"], cell=result["cell"] | changes)
    if message:
        with pytest.raises(ZooError, match=message):
            write_report(copy)
    else:
        write_report(copy)
        table = (copy / "leaderboard.md").read_text()
        assert ("conditions: 8 px and a budget of 9 photos" in table) == ("own" in changes)


def test_page_begins_with_the_picture_then_the_table_then_the_rest(finished):
    page = (finished / "report.html").read_text()
    picture = page.index('<div class="scroll picture top"')
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert picture < page.index("<h2>Leaderboard</h2>")
    assert headings[:2] == ["Leaderboard", "Photos"]


def test_the_first_picture_shows_the_photos_that_tell_most(finished, copy, monkeypatch):
    def first_picture(out):
        place = r'<img src="data:image/jpeg;base64,([^"]+)" alt="([^"]*): in gray'
        found = re.search(place, (out / "report.html").read_text())
        return Image.open(io.BytesIO(base64.b64decode(found[1]))), html.unescape(found[2])

    picture, named = first_picture(finished)
    reports = [result["report"] for result in load_results(finished)]
    scores = np.array([report["scores"]["ciede2000"] for report in reports])
    order = [reports[0]["photos"][number] for number in np.argsort(-scores.std(axis=0))]
    assert named == ", ".join(order)
    # Gray, two models that are not `gray`, and the truth.
    assert picture.width == 4 * 168 + 8
    monkeypatch.setattr(page_module, "TELLING", 1)
    write_report(copy)
    fewer, named = first_picture(copy)
    assert named == order[0]
    assert fewer.height < picture.height / 2


def test_no_path_of_the_machine_is_in_a_report(finished, photos, copy):
    change(
        copy,
        "mean_color",
        status="failed",
        error=f"{photos[1]}/00.png: it is damaged.",
        traceback=f'  File "{page_module.__file__}", line 1\n  File "/my home/x.py", line 2\n',
    )
    for path in (copy / "results").glob("*.json"):
        result = json.loads(path.read_text())
        result["cell"] |= {"start": str(copy / "models"), "label": "mine"}
        result["cell"]["changes"] = {"embedding": f"hub:{copy}"}
        path.write_text(json.dumps(result))
    write_report(copy)
    for out in (finished, copy):
        for name in [name for name in FILES if not name.endswith(".png")]:
            text = html.unescape((out / name).read_text())
            for place in (finished, copy, photos[1], photos[3], Path.home(), Path.cwd()):
                assert str(place) not in text, (name, place)
            assert "/my home" not in text
    page = (copy / "report.html").read_text()
    assert "--photos DIR --test-photos DIR" in page
    assert "…/00.png: it is damaged." in page
    assert "…/page.py" in page


def test_weights_that_are_scored_as_they_are_share_a_line(copy):
    for model in ("gray", "mse_regression"):
        result = next(one for one in load_results(copy) if one["cell"]["model"] == model)
        asis = {"budget": "none", "train_fingerprint": None, "train_size": 0, "label": model}
        change(copy, model, cell=result["cell"] | asis | {"start": f"/weights/{model}"})
    write_report(copy)
    lines = (copy / "leaderboard.md").read_text().splitlines()
    titles = {"gray", "mse_regression"}
    own = tuple(f"- {title}:" for title in titles)
    told = [
        line
        for line in lines
        if line.startswith(own) or "scored as" in line or "rained weights" in line
    ]
    assert len(told) == 1
    start = "- Trained weights, scored as they are: "
    assert told[0].startswith(start)
    assert {*told[0].removeprefix(start).rstrip(".").split(", ")} == titles


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(ZooError, match="no results"):
        write_report(tmp_path)


def test_comparison_stays_below_four_megabytes():
    noise = np.random.default_rng(0).integers(0, 256, (36, 240, 240, 3), dtype=np.uint8)
    rows = [PhotoRow(f"{n}.png", "test", tuple(noise[6 * n : 6 * n + 6])) for n in range(6)]
    png, count = draw_comparison(["input"] * 6, rows)
    assert len(png) <= 4_000_000
    assert 1 <= count < 6
    # 240 px a tile, 8 px between them.
    assert Image.open(io.BytesIO(png)).width == 6 * 248 + 8


def test_odd_names_are_drawn():
    tile = np.zeros((20, 30, 3), np.uint8)
    row = PhotoRow("$\\frac 照片 " + "long " * 40, "trained on", (tile, tile))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png, _ = draw_comparison(["a" * 60, "truth"], [row])
    assert Image.open(io.BytesIO(png)).size[0] == 2 * 248 + 8
