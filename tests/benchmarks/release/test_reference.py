"""Suite `pretrained`, stored results, and the README that is made of them."""

import importlib
import json
import shutil
from dataclasses import asdict, replace

import pytest
from tiny_runs import CONDITIONS, ROOT, make_photos

from benchmarks import run_all
from benchmarks.harness.rows import chosen_rows
from benchmarks.release import reference
from benchmarks.release.readme_tables import PICTURE, approaches_table, block_in, updated
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
    assert "mse_regression: mse_regression:tiny" in (runs / "embedded/leaderboard.md").read_text()


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
    assert reference.stale(checkout, results) == ["approaches", "picture", "models", "leaderboard"]
    reference.write(checkout, results)
    assert reference.stale(checkout, results) == []
    text = (checkout / "README.md").read_text()
    assert "An old caption" not in text
    assert text.count("docs/comparison.jpg") == 2  # the comment and the picture
    assert text.index("| `mse_regression` |") < text.index("## From Python")
    found = results_in(results / "held-out")["mse_regression"]["summary"]
    row = next(line for line in text.splitlines() if line.startswith("| `mse_regression` |"))
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[1] == f"{found['auc_rebalanced']['mean']:.3f}"
    assert cells[2] == f"{found['ciede2000']['mean']:.2f}"
    assert cells[3].endswith("%")
    assert cells[6] == "CC BY-NC 4.0"
    size = (checkout / "weights/mse_regression/weights.npz").stat().st_size
    assert cells[5] == f"{size / 1e6:.1f} MB"
    interval = found["ciede2000"]
    assert f"{interval['mean']:.2f} [{interval['low']:.2f}, {interval['high']:.2f}]" in text
    # Again, nothing moves, wherever the blocks have been put.
    (checkout / "README.md").write_text(text.replace("# A zoo\n", "# A zoo\n\nMore.\n"))
    reference.write(checkout, results)
    assert (checkout / "README.md").read_text() == text.replace("# A zoo\n", "# A zoo\n\nMore.\n")


def test_what_is_stale_is_noticed(checkout):
    results = checkout / "results"
    reference.write(checkout, results)
    path = next(
        path
        for path in (results / "held-out/results").glob("*.json")
        if '"mse_regression"' in path.read_text()
    )
    stored = read_json(path)
    stored["summary"]["ciede2000"]["mean"] += 1
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
