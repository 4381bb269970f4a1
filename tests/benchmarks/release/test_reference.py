"""Suite `pretrained`, stored results, and the README that is made of them."""

import importlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import CONDITIONS, ROOT, make_photos

from benchmarks import run_all
from benchmarks.harness.rows import chosen_rows
from benchmarks.release import reference
from benchmarks.release.readme_tables import (
    PICTURE,
    approaches_table,
    block_in,
    updated,
    worse_than_gray,
)
from benchmarks.report.leaderboard import RANKING, Leaderboard
from benchmarks.suites import pretrained
from zoo.card import read_card
from zoo.errors import ZooError
from zoo.evaluation.report import Report
from zoo.files import read_json

README = """# A zoo

<!-- results: picture -->
<img src="docs/comparison.jpg" width="900" alt="old">

*An old caption
of two lines.*
<!-- end of results: picture -->

**See it.** Text.

<!-- results: models -->

<!-- end of results: models -->

<!-- results: leaderboard -->

<!-- end of results: leaderboard -->

<!-- results: worse -->

<!-- end of results: worse -->

## From Python

Code.

<!-- results: approaches -->

<!-- end of results: approaches -->
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory, trained_by_recipe, cells_run_here):
    """Finished runs of the suite: on the sample photos, and on three made ones with the speed."""
    root = tmp_path_factory.mktemp("runs")
    make_photos(root / "photos" / "first", ["a.png", "b.png"], seed=2)
    make_photos(root / "photos" / "second", ["a.png"], seed=3)
    tests = [f"--test-photos={root / 'photos' / part}" for part in ("first", "second")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.pretrained.FOLDER", trained_by_recipe)
        importlib.reload(pretrained)
        assert run_all.main([*CONDITIONS, "--out", str(root / "embedded")]) == 0
        suite = ["--suite", "pretrained", *CONDITIONS, *tests]
        assert run_all.main([*suite, "--out", str(root / "held-out")]) == 0
    importlib.reload(pretrained)
    return root


@pytest.fixture
def checkout(tmp_path, runs, trained_by_recipe, monkeypatch):
    """A README and stored results; the package's weights are a copy that may be changed."""
    shutil.copytree(trained_by_recipe, tmp_path / "weights")
    monkeypatch.setattr("zoo.pretrained.FOLDER", tmp_path / "weights")
    (tmp_path / "README.md").write_text(README)
    for name in ("embedded", "held-out"):
        reference.store(runs / name, tmp_path / "results" / name)
    return tmp_path


def results_in(folder):
    found = [json.loads(path.read_text()) for path in (folder / "results").glob("*.json")]
    return {result["cell"]["model"]: result for result in found}


def test_the_readme_shows_what_is_stored():
    """Fails where results were stored, or weights changed, without `reference.py write`."""
    assert reference.stale(ROOT, reference.RESULTS) == []


def test_the_suite_scores_the_weights_as_they_are_on_all_nine_photos(runs, shipped):
    from zoo import evaluate, load_model, sample_photos

    found = results_in(runs / "embedded")
    assert set(found) == {"gray", "mse_regression", "knn_patches"}
    for result in found.values():
        assert result["status"] == "ok"
        assert result["test_photos"] == len(result["pictures"]) == 9
        assert result["cell"]["budget"] == "none"
        assert {shown["role"] for shown in result["pictures"]} == {"test"}
    report = evaluate(load_model("knn_patches"), sample_photos("all"), size=32)
    assert report.to_json()["scores"] == found["knn_patches"]["report"]["scores"]
    # No list of what is scored as it is, and from where: the title of the row says it.
    table = (runs / "embedded/leaderboard.md").read_text()
    assert "| mse_regression |" in table
    assert "mse_regression:tiny" not in table
    assert str(runs.parent) not in table


def test_several_folders_of_test_photos(runs):
    result = results_in(runs / "held-out")["gray"]
    assert result["report"]["photos"] == ["a.png", "b.png", "2/a.png"]


def test_models_takes_shipped_names(shipped):
    (row,) = chosen_rows(None, "mse_regression", "compact")
    assert (row.label, row.preset, row.budget) == ("mse_regression", "tiny", "none")
    assert row.start == str(shipped / "mse_regression")
    (row,) = chosen_rows(None, "mse_regression:compact", "tiny")
    assert (row.preset, row.start, row.budget) == ("compact", None, None)
    (row,) = chosen_rows(None, "zhang", "tiny")  # no trained weights are shipped here
    assert (row.preset, row.start) == ("tiny", None)


def test_stored_results_are_complete_and_of_no_machine(checkout, runs):
    for name in ("embedded", "held-out"):
        stored, made = (results_in(root / name) for root in (checkout / "results", runs))
        for model, result in stored.items():
            report = Report.from_json(result["report"])
            full = Report.from_json(made[model]["report"])
            assert report.photos == full.photos
            for metric, scores in full.scores.items():
                assert report.scores[metric] == pytest.approx(scores, rel=1e-5)
        text = "".join(path.read_text() for path in (checkout / "results").rglob("*.json"))
        assert str(runs) not in text
        assert str(runs.parent) not in text
        assert '"zoo/pretrained/mse_regression"' in text
        assert "--test-photos=DIR" in text


def test_pictures_are_stored_of_photos_that_may_be_passed_on(checkout):
    results = checkout / "results"
    assert not (results / "held-out" / "pictures").exists()
    assert results_in(results / "held-out")["gray"]["pictures"] == []
    assert results_in(results / "held-out")["knn_patches"]["temperature"]["tiles"] == []
    # Nine photos: true, in gray, and by two models.
    for folder in (results / "embedded" / "pictures").iterdir():
        assert len(list(folder.iterdir())) == 9
    assert len(list((results / "embedded" / "pictures").iterdir())) == 4


def test_scores_go_into_the_cards_of_the_weights_that_were_scored(checkout, runs):
    before = read_card(checkout / "weights/knn_patches")
    folder = checkout / "results" / "held-out"
    # Other weights than those that were scored are left alone.
    config = checkout / "weights" / "mse_regression" / "config.json"
    config.write_text(config.read_text().replace('"seed": 0', '"seed": 1'))
    changed = reference.add_scores_to_cards(folder, "held-out")
    assert changed == [checkout / "weights" / "knn_patches"]
    card = read_card(checkout / "weights/knn_patches")
    scored = card.test_scores["held-out scenes and objects"]
    assert replace(card, test_scores={}) == before
    assert scored.photos == 3
    summary = {name: asdict(figure) for name, figure in scored.summary.items()}
    assert summary == results_in(folder)["knn_patches"]["summary"]
    from zoo import load_model

    assert load_model("knn_patches").card.test_scores


def test_a_run_with_failures_is_not_stored(runs, tmp_path):
    shutil.copytree(runs / "held-out", tmp_path / "run")
    path = next((tmp_path / "run" / "results").glob("*.json"))
    path.write_text(
        json.dumps(read_json(path) | {"status": "failed", "error": "x", "traceback": ""})
    )
    with pytest.raises(ZooError, match="repeat its command with --resume"):
        reference.store(tmp_path / "run", tmp_path / "target")


def test_the_readme_is_made_of_the_results(checkout):
    results = checkout / "results"
    assert reference.stale(checkout, results) == [
        *("approaches", "picture", "models", "leaderboard", "worse"),
    ]
    reference.write(checkout, results)
    assert reference.stale(checkout, results) == []
    text = (checkout / "README.md").read_text()
    assert "An old caption" not in text
    assert text.count("docs/comparison.jpg") == 2  # the comment and the picture
    assert text.index("| `mse_regression` |") < text.index("## From Python")
    found = results_in(results / "held-out")["mse_regression"]["summary"]
    models = block_in(text, "models")
    rows = [line for line in models.splitlines() if line.startswith("| `mse_regression` |")]
    cells, words = ([cell.strip() for cell in row.split("|")[1:-1]] for row in rows)
    assert cells[1] == "–", "three photos give no ranks"
    assert cells[2] == f"{found['ciede2000']['mean']:.2f}"
    assert cells[3] == f"{found['auc']['mean']:.3f}"
    assert cells[4].endswith("%")
    # What is no figure stands behind a switch.
    assert words[1] == "CC BY-NC 4.0"
    assert models.index("<details>") > models.index(rows[0])
    assert models.index("<details>") < models.index(rows[1])
    size = (checkout / "weights/mse_regression/weights.npz").stat().st_size
    assert cells[6] == f"{size / 1e6:.1f} MB"
    assert text.count(RANKING) == 1
    assert "- Held-out scenes and objects, worse than gray by CIEDE2000: " in text
    interval = found["ciede2000"]
    assert f"{interval['mean']:.2f} [{interval['low']:.2f}, {interval['high']:.2f}]" in text
    for place in (checkout, ROOT, Path.home()):
        assert f"{place}/" not in text
    # Again, nothing moves, wherever the blocks have been put.
    (checkout / "README.md").write_text(text.replace("# A zoo\n", "# A zoo\n\nMore.\n"))
    reference.write(checkout, results)
    assert (checkout / "README.md").read_text() == text.replace("# A zoo\n", "# A zoo\n\nMore.\n")


def test_the_readmes_picture_shows_the_photos_that_tell_most(checkout):
    results = checkout / "results"
    reference.write(checkout, results)
    found = list(results_in(results / "embedded").values())
    scores = np.array([result["report"]["scores"]["ciede2000"] for result in found])
    # Without a shown photo of the largest deviation it is another picture, without the least not.
    order = np.argsort(-scores.std(axis=0))
    names = found[0]["report"]["photos"]
    before = (checkout / PICTURE).read_bytes()
    for number, same in ((order[-1], True), (order[0], False)):
        for path in (results / "embedded" / "results").glob("*.json"):
            result = read_json(path)
            kept = [one for one in result["pictures"] if one["photo"] != names[number]]
            path.write_text(json.dumps(result | {"pictures": kept}))
        reference.write(checkout, results)
        assert ((checkout / PICTURE).read_bytes() == before) == same


def test_what_is_stale_is_noticed(checkout):
    results = checkout / "results"
    reference.write(checkout, results)
    path = next(
        path
        for path in (results / "held-out/results").glob("*.json")
        if '"mse_regression"' in path.read_text()
    )
    stored = read_json(path)
    # Too little to change the order.
    stored["summary"]["ciede2000"]["mean"] += 0.01
    path.write_text(json.dumps(stored))
    assert reference.stale(checkout, results) == ["models", "leaderboard"]
    reference.write(checkout, results)
    with (checkout / PICTURE).open("ab") as file:
        file.write(b"!")
    assert reference.stale(checkout, results) == ["picture"]
    reference.write(checkout, results)
    for path in (results / "embedded/pictures/truth").glob("*.jpg"):
        path.write_bytes(path.read_bytes() + b"!")
    assert reference.stale(checkout, results) == ["picture"]


@pytest.mark.parametrize("readme", ["# Nothing\n", "<!-- results: models -->\n| old |\n"])
def test_a_readme_without_a_place_is_refused(readme):
    with pytest.raises(ZooError, match="has no place for the models; put <!-- results: models"):
        updated(readme, {"models": "x"})
    with pytest.raises(ZooError, match="has no place for the models"):
        block_in(readme, "models")


def test_the_command_line_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "RESULTS", tmp_path / "results")
    (tmp_path / "README.md").write_text(updated(README, {"approaches": approaches_table()}))
    assert reference.main(["write"]) == 2
    assert "store a run there first" in capsys.readouterr().err
    assert reference.main(["check"]) == 0
    assert reference.main(["store", str(tmp_path / "none"), "held-out"]) == 2
    assert "There are no results" in capsys.readouterr().err


def made_result(model, auc, ciede2000):
    """A stored result of sixty photos with these scores."""
    count = len(auc)
    report = Report(
        model=model,
        photos=tuple(f"{number}.png" for number in range(count)),
        labels=(None,) * count,
        fingerprint="f",
        size=32,
        options={},
        scores={"auc": auc, "ciede2000": ciede2000},
    )
    cell = {"model": model, "preset": "tiny", "label": model}
    summary = {name: asdict(figure) for name, figure in report.summary().items()}
    return {
        "status": "ok",
        "key": model,
        "cell": cell,
        "report": report.to_json(),
        "summary": summary,
    }


@pytest.mark.parametrize("gray_at", [0, 1, 3])
def test_models_that_are_worse_than_gray_are_named_by_each_score(gray_at):
    generator = np.random.default_rng(0)
    auc, error = generator.uniform(0.8, 0.9, 60), generator.uniform(9, 12, 60)
    noise = generator.normal(0, 0.5, 60)
    results = [
        made_result("better", auc + 0.01, error - 1),
        made_result("bold", auc - 0.02, error + 0.5),
        # Worse by its mean, by less than the photos tell apart.
        made_result("unclear", auc + 0.01, error + noise - noise.mean() + 0.01),
    ]
    results.insert(gray_at, made_result("gray", auc, error))
    assert worse_than_gray("Made photos", Leaderboard(tuple(results))) == (
        "Made photos, worse than gray by CIEDE2000: `bold` +0.50, (`unclear` +0.01); "
        "by AuC: `bold` -0.020."
    )
    without = [one for one in results if one["cell"]["model"] in ("gray", "better")]
    assert worse_than_gray("Made photos", Leaderboard(tuple(without))) == (
        "Made photos, worse than gray by CIEDE2000: none; by AuC: none."
    )
    alone = Leaderboard((results[0] if gray_at else results[1],))
    assert "gray was not scored" in worse_than_gray("Made photos", alone)
