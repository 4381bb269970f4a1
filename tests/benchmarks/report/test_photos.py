import html
import io
import json
import re
import shutil
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tiny_runs import MALICIOUS

from benchmarks.report import photos as photos_module
from benchmarks.report.leaderboard import Leaderboard, load_results
from benchmarks.report.page import write_report
from benchmarks.report.photos import (
    LARGEST_BYTES,
    BrowsedPhoto,
    PhotoTile,
    browse,
    disagreement,
    make_tile,
    photo_score,
    telling,
    within_bound,
)


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of a finished benchmark's folder, to change."""
    return shutil.copytree(finished, tmp_path / "copy")


def rewrite(out, change):
    """Change every stored result in place."""
    for path in sorted((out / "results").glob("*.json")):
        result = json.loads(path.read_text())
        change(result)
        path.write_text(json.dumps(result))


def browsed(out):
    board = Leaderboard(tuple(load_results(out)))
    return board, browse(board.finished, board.titles, out / "pictures")


def photo(name, disagreement=None, size=10):
    return BrowsedPhoto(name, "test", disagreement, (PhotoTile("truth", b"x" * size),))


SCORES = st.floats(0, 100, allow_nan=False)


@given(st.lists(SCORES, max_size=8), st.integers(0, 3))
def test_disagreement_is_the_standard_deviation_of_the_known_scores(scores, unknown):
    found = disagreement([*scores, *[None] * unknown])
    if len(scores) < 2:
        assert found is None
    else:
        assert found == pytest.approx(statistics.pstdev(scores), abs=1e-9)


@given(st.lists(st.tuples(SCORES, SCORES) | st.none(), max_size=8))
def test_larger_disagreement_comes_first_and_none_last(values):
    """`values` are both models' scores of each photo, None for one that was trained on."""
    names = [str(number) for number in range(len(values))]
    roles = ["trained on" if pair is None else "test" for pair in values]
    entries = [{"photo": name, "role": role} for name, role in zip(names, roles, strict=True)]
    scored = {name: pair for name, pair in zip(names, values, strict=True) if pair is not None}
    results = [
        {
            "pictures": entries,
            "report": {
                "photos": [*scored],
                "scores": {"ciede2000": [pair[model] for pair in scored.values()]},
            },
        }
        for model in range(2)
    ]
    found = [entry["photo"] for entry in telling(results)]
    assert sorted(found) == sorted(names)
    # Of two scores the standard deviation is half their distance, which may vanish when squared.
    spreads = [
        round(abs(np.subtract(*scored[name])) / 2, 9) if name in scored else -1 for name in found
    ]
    assert spreads == sorted(spreads, reverse=True)


def test_stored_photos_are_ordered_by_their_stored_scores(finished):
    board, photos = browsed(finished)
    reports = [result["report"] for result in board.finished]
    scores = np.array([report["scores"]["ciede2000"] for report in reports])
    expected = [reports[0]["photos"][n] for n in np.argsort(-scores.std(axis=0))]
    assert [photo.name for photo in photos] == expected
    for photo in photos:
        number = reports[0]["photos"].index(photo.name)
        assert [tile.title for tile in photo.tiles] == [
            "input (gray)",
            "truth",
            *map(board.title, board.finished),
        ]
        assert [tile.score for tile in photo.tiles] == [None, None, *scores[:, number]]


def test_tiles_are_the_stored_pictures(finished):
    board, photos = browsed(finished)
    files = {shown["photo"]: shown["file"] for shown in board.finished[0]["pictures"]}
    folders = ["truth", *(result["key"] for result in board.finished)]
    for photo in photos:
        for folder, tile in zip(folders, photo.tiles[1:], strict=True):
            stored = np.asarray(Image.open(finished / "pictures" / folder / files[photo.name]))
            shown = np.asarray(Image.open(io.BytesIO(tile.jpeg)))
            assert shown.shape == stored.shape
            # JPEG is lossy, but not between one picture and another.
            assert np.abs(shown.astype(int) - stored).mean() < 4
        gray = np.asarray(Image.open(io.BytesIO(photo.tiles[0].jpeg))).astype(int)
        assert np.ptp(gray, axis=-1).max() <= 1


def test_photos_that_were_trained_on_come_last_without_a_score(copy):
    _, photos = browsed(copy)
    first = photos[0].name

    def change(result):
        for shown in result["pictures"]:
            shown["role"] = "trained on" if shown["photo"] == first else "test"

    rewrite(copy, change)
    _, changed = browsed(copy)
    assert [photo.name for photo in changed] == [*(p.name for p in photos[1:]), first]
    # A scored photo of the same name is another one: its score is not taken.
    assert changed[-1].disagreement is None
    assert {tile.score for tile in changed[-1].tiles} == {None}


def test_models_without_the_metric_have_no_score():
    report = {"photos": ["a.png"], "scores": {"psnr": [20.0]}}
    assert photo_score({"report": report}, "a.png", "test") is None
    report["scores"]["ciede2000"] = [7.5]
    assert photo_score({"report": report}, "a.png", "test") == 7.5
    assert photo_score({"report": report}, "b.png", "test") is None
    assert photo_score({"report": report}, "a.png", "trained on") is None


@given(st.lists(st.integers(1, LARGEST_BYTES), max_size=6))
def test_pictures_stay_below_eight_megabytes(sizes):
    assert LARGEST_BYTES == 8_000_000
    photos = [photo(str(number), size=size) for number, size in enumerate(sizes)]
    kept = within_bound(photos)
    assert kept == photos[: len(kept)]
    assert sum(one.size for one in kept) <= 8_000_000
    if len(kept) < len(photos):
        assert sum(one.size for one in photos[: len(kept) + 1]) > 8_000_000


def test_the_first_photo_is_always_shown():
    photos = [photo("a", size=LARGEST_BYTES + 1), photo("b")]
    assert within_bound(photos) == photos[:1]


def test_page_says_how_many_photos_are_left_out(copy, monkeypatch):
    monkeypatch.setattr(photos_module, "LARGEST_BYTES", 1)
    write_report(copy)
    page = (copy / "report.html").read_text()
    assert page.count('<article class="photo">') == 1
    assert "2 more photos are left out" in page


def test_page_lists_all_photos_in_order_without_a_script(finished):
    page = (finished / "report.html").read_text()
    _, photos = browsed(finished)
    articles = re.findall(r'<article class="photo">.*?</article>', page, re.S)
    assert len(articles) == len(photos)
    for article, photo in zip(articles, photos, strict=True):
        assert f"<h3>{html.escape(photo.name)}</h3>" in article
        assert f"standard deviation of {photo.disagreement:.2f}" in article
        assert re.findall(r'src="([^"]+)"', article) == [tile.uri for tile in photo.tiles]
        scores = [f"{tile.score:.2f}" for tile in photo.tiles if tile.score is not None]
        assert re.findall(r'class="score">([^<]+)<', article) == scores
        assert "hidden" not in article
    # Buttons that need the script are hidden until it runs.
    assert '<div class="compare" hidden>' in page
    assert "left out" not in page


def test_names_and_titles_are_escaped(copy):
    rewrite(copy, lambda result: result["cell"].update(label=f"{MALICIOUS}{result['key']}"))
    write_report(copy)
    page = (copy / "report.html").read_text()
    assert MALICIOUS not in page
    assert "<img src=x" not in page
    articles = re.findall(r'<article class="photo">.*?</article>', page, re.S)
    for article in articles:
        assert article.count(f"<figcaption>{html.escape(MALICIOUS)}") == 3
        assert not re.search(r"<img src=x|alert\(1\)>\.", article)


def test_colors_keep_their_full_resolution():
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255, 0, 0
    stripes[:, 1::2] = 0, 0, 255
    shown = np.asarray(Image.open(io.BytesIO(make_tile("", stripes).jpeg))).astype(int)
    assert np.abs(shown - stripes).mean() < 10
