import csv
import dataclasses
import io
import json
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest
from conftest import eagerly
from PIL import Image
from tiny_runs import CONDITIONS, ROOT

from benchmarks import run_all
from benchmarks.harness.rows import chosen_rows, configured
from benchmarks.suites import SUITES, Row
from zoo.models import MODELS, ModelEntry
from zoo.registry import create_model, entry, list_models

TITLES = {"gray:default", "L2 regression", "classification", "classification, rebalanced"}
TRAINED = sorted(TITLES - {"gray:default"})


@pytest.fixture(scope="module")
def ablation(tmp_path_factory, photos):
    """The arguments of the ablation in the smallest size, and its folder."""
    out = tmp_path_factory.mktemp("ablation") / "out"
    arguments = [*CONDITIONS, *photos, "--suite", "ablation", "--out", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        # As it is, this preset has the same network and training for both models.
        presets = entry("zhang").load().PRESETS
        config = dataclasses.replace(presets["tiny"].config, width=6, batch_size=8)
        changed = dataclasses.replace(presets["tiny"], config=config)
        patch.setitem(presets, "tiny", changed)
        with eagerly():
            assert run_all.main(arguments) == 0
        yield arguments, out


@pytest.fixture
def again(ablation, tmp_path):
    """The same for a copy of the folder, to go on with."""
    arguments, out = ablation
    copy = shutil.copytree(out, tmp_path / "copy")
    return [*arguments[:-1], str(copy), "--resume"], copy


@pytest.fixture
def suite(monkeypatch):
    """Register rows as a suite for one test."""

    def add(*rows):
        module = types.ModuleType("benchmarks.suites.own")
        module.ROWS = rows
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(SUITES, "own", "for a test")
        return ["--suite", "own"]

    return add


def files_of(out):
    return {path: path.read_bytes() for path in (out / "results").iterdir()}


def results_of(out):
    """The stored results by title."""
    results = map(json.loads, files_of(out).values())
    return {r["cell"]["label"] or f"{r['cell']['model']}:{r['cell']['preset']}": r for r in results}


def shapes_of(variables):
    """The shapes of the network that colorizes, its head's apart from the others'."""
    network = {name: shape for name, shape in variables if name.startswith("colorizer/")}
    head = {name: shape for name, shape in network.items() if name.startswith("colorizer/head/")}
    return {name: network[name] for name in network.keys() - head.keys()}, head


def conditions(photos):
    from benchmarks.harness.cells import Conditions
    from zoo.budget import Budget
    from zoo.photos.photoset import PhotoSet

    budget = Budget(photos_seen=16)
    train, test = PhotoSet.from_folder(photos[1]), PhotoSet.from_folder(photos[3])
    return Conditions(train, None, test, [], 32, 32, budget, "float32", "")


def ablation_cells(photos, preset):
    given = conditions(photos)
    cells = [given.cell(row) for row in chosen_rows("ablation", None, preset)]
    return {cell.title: cell for cell in cells}


def test_help_lists_the_suites(capsys):
    assert run_all.main(["--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "smoke, does everything work? every model" in told
    assert "fusion, what an embedding" in told


def test_smoke_runs_every_model():
    rows = chosen_rows("smoke", None, "tiny")
    assert [row.model for row in rows] == list_models()
    assert {row.preset for row in rows} == {"default", "tiny"}


def test_a_model_that_colors_by_hints_alone_is_not_compared():
    for suite in ("compact", "speed"):
        rows = chosen_rows(suite, None, "tiny")
        assert {row.model for row in rows} == set(list_models()) - {"levin"}


def test_suites_import_no_framework():
    code = "import sys; from benchmarks.suites import SUITES, load_suite; "
    code += "assert all(map(load_suite, SUITES)); "
    code += "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_ablation_has_four_rows(ablation):
    results = results_of(ablation[1])
    assert set(results) == TITLES
    assert {result["status"] for result in results.values()} == {"ok"}
    assert len({result["key"] for result in results.values()}) == 4
    seen = {results[title]["history"]["photos_seen"] for title in TRAINED}
    assert seen == {16}
    losses = {title: results[title]["cell"]["config"].get("loss") for title in TRAINED}
    assert losses == {
        "L2 regression": None,
        "classification": "plain",
        "classification, rebalanced": "rebalanced",
    }


def test_ablation_trains_networks_that_differ_in_the_head_alone(ablation):
    rest, heads = {}, {}
    for title in TRAINED:
        folder = ablation[1] / "models" / results_of(ablation[1])[title]["key"]
        with np.load(folder / "weights.npz") as weights:
            shapes = [(name, weights[name].shape) for name in weights]
        rest[title], heads[title] = shapes_of(shapes)
    assert len(rest["classification"]) > 10
    assert rest["L2 regression"] == rest["classification"] == rest["classification, rebalanced"]
    widths = {title: head["colorizer/head/bias"] for title, head in heads.items()}
    assert widths == {
        "L2 regression": (2,),
        "classification": (313,),
        "classification, rebalanced": (313,),
    }


@pytest.mark.parametrize("preset", ["compact", "paper"])
def test_ablation_has_the_network_and_training_of_zhang(photos, preset):
    cells = ablation_cells(photos, preset)
    zhang = dataclasses.asdict(entry("zhang").load().PRESETS[preset].config)
    names = {"architecture", "width", "depth", "output_stride", "batch_size", "learning_rate"}
    names |= {"schedule", "beta_2", "weight_decay"}
    assert names < zhang.keys()
    for title in TRAINED:
        config = cells[title].config
        assert {name: config[name] for name in names} == {name: zhang[name] for name in names}
    assert cells["classification, rebalanced"].config == zhang
    assert cells["classification"].config == zhang | {"loss": "plain"}


def test_ablation_in_compact_differs_in_the_head_alone(photos):
    shapes = []
    for title, cell in ablation_cells(photos, "compact").items():
        if title in TRAINED:
            model = create_model(cell.model, cell.preset, **cell.config)
            shapes.append(shapes_of((n, tuple(v.shape)) for n, v in model.variables().items()))
    (first, _), *others = shapes
    assert len(others) == 2
    assert all(rest == first for rest, _ in others)


def test_labels_are_in_every_report(ablation):
    out = ablation[1]
    table = (out / "leaderboard.md").read_text()
    # Narrow columns may break titles there.
    page = (out / "report.html").read_text().replace("<wbr>", "")
    for title in TITLES:
        assert f"| {title} | " in table
        assert f'<th scope="row">{title}</th>' in page
    for text in (table, page):
        assert "zhang:tiny with loss = plain." in text
        # What the label stands for, in a preset that the fixture has changed.
        assert (
            "L2 regression: mse_regression:tiny with batch_size = 8, width = 6, scale = zhang."
            in text
        )
    for name, count in (("leaderboard.csv", 1), ("per_photo.csv", 3)):
        with (out / name).open(newline="") as file:
            titles = [row["title"] for row in csv.DictReader(file)]
        assert sorted(titles) == sorted([*TITLES] * count)


def test_labels_are_in_the_pictures(ablation, monkeypatch):
    from benchmarks.report import page, photos, temperature
    from benchmarks.report.leaderboard import Leaderboard, load_results

    drawn, buffer = [], io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "png")
    pixel = buffer.getvalue()

    def comparison(titles, rows, side):
        drawn.append(set(titles))
        return pixel, len(rows)

    def curves(histories):
        drawn.append({title for title, _ in histories})
        return b"svg"

    monkeypatch.setattr(photos, "draw_comparison", comparison)
    monkeypatch.setattr(page, "draw_curves", curves)
    board = Leaderboard(tuple(load_results(ablation[1])))
    assert page._comparison(board, ablation[1]) == pixel
    page._html(board, ablation[1], temperature.Temperature())
    both = {"input (gray)", "truth"}
    assert sorted(drawn, key=len) == [set(TRAINED), set(TRAINED) | both, TITLES | both]
    shown = temperature.temperature_of(board, ablation[1])
    able = {"classification", "classification, rebalanced"}
    assert {row.name.rpartition(", default")[0] for row in shown.rows} == able


def test_a_finished_suite_is_not_run_again(again, capsys):
    arguments, out = again
    before = files_of(out)
    assert run_all.main(arguments) == 0
    assert files_of(out) == before
    assert capsys.readouterr().err.count("finished before") == 4


def test_equal_cells_of_other_suites_are_used_again(again, capsys):
    arguments, out = again
    before = files_of(out)
    place = arguments.index("--suite")
    others = [*arguments[:place], "--models", "gray,zhang:tiny", *arguments[place + 2 :]]
    assert run_all.main(others) == 0
    assert files_of(out) == before  # a row keeps its label
    assert capsys.readouterr().err.count("finished before") == 2

    # As if the other suite had been first.
    result = results_of(out)["classification, rebalanced"]
    result["cell"]["label"] = None
    path = out / "results" / f"{result['key']}.json"
    path.write_text(json.dumps(result))
    assert run_all.main(arguments) == 0
    assert json.loads(path.read_text()) == json.loads(before[path])
    assert capsys.readouterr().err.count("finished before") == 4
    assert "| classification, rebalanced | " in (out / "leaderboard.md").read_text()


def test_an_unknown_field_is_a_failed_row(tmp_path, photos, suite):
    row = Row("gray", "colorless", config={"no_such": 1})
    arguments = [*CONDITIONS, *photos, *suite(row, Row("gray")), "--out", str(tmp_path / "out")]
    assert run_all.main(arguments) == 1
    results = results_of(tmp_path / "out")
    assert results["gray:default"]["status"] == "ok"
    assert results["colorless"]["status"] == "failed"
    assert "no configuration field of gray 'no_such'" in results["colorless"]["error"]
    table = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "- colorless: gray:default with no_such = 1." in table


def test_a_failure_is_forgotten_when_its_own_row_is_run_again(tmp_path, photos, suite):
    start = [*CONDITIONS, *photos, "--out", str(tmp_path / "out")]
    rows = [Row("gray", label, config={"no_such": 1}) for label in ("one", "two")]
    assert run_all.main([*start, *suite(*rows[:1])]) == 1
    # Equal cells share a result, so the second row fails in another way.
    rows[1] = dataclasses.replace(rows[1], config={"neither": 1})
    assert run_all.main([*start, *suite(*rows[1:]), "--resume"]) == 1
    assert set(results_of(tmp_path / "out")) == {"one", "two"}

    mended = dataclasses.replace(rows[0], config={})
    assert run_all.main([*start, *suite(mended), "--resume"]) == 0
    results = results_of(tmp_path / "out")
    assert {title: result["status"] for title, result in results.items()} == {
        "one": "ok",
        "two": "failed",
    }
    assert len(files_of(tmp_path / "out")) == 2


def test_a_row_like_a_model_that_cannot_be_loaded_fails(tmp_path, photos, suite, monkeypatch):
    line = ModelEntry("absent", "no_such_module:Model", "for a test", ("default",))
    monkeypatch.setitem(MODELS, "absent", line)
    arguments = [*CONDITIONS, *photos, *suite(Row("gray", "like absent", like="absent"))]
    assert run_all.main([*arguments, "--out", str(tmp_path / "out")]) == 1
    result = results_of(tmp_path / "out")["like absent"]
    assert result["error"].startswith("like absent is not configured as its key says")


def test_fusion_differs_from_the_regression_in_the_fusion_alone():
    """Same network but for the embedding's part, same training: what the suite's rows promise."""
    rows = chosen_rows("fusion", None, "compact")
    assert [row.label or row.model for row in rows] == [
        "gray",
        "mse_regression",
        "fusion",
        "fusion without embedding",
    ]
    shapes, trainings = {}, {}
    for row in rows[1:]:
        model = create_model(row.model, row.preset, **row.config)
        config = dataclasses.asdict(model.config)
        own = ("embedding", "class_weight", "normalized")
        trainings[row.label or row.model] = {k: v for k, v in config.items() if k not in own}
        named = [(name, tuple(v.shape)) for name, v in model.variables().items()]
        kept = [(name, shape) for name, shape in named if not is_fusion(name)]
        shapes[row.label or row.model] = kept
    assert shapes["mse_regression"] == shapes["fusion"] == shapes["fusion without embedding"]
    assert trainings["mse_regression"] == trainings["fusion"]
    assert trainings["fusion"] == trainings["fusion without embedding"]


def is_fusion(name):
    return name.split("/")[1].startswith(("fusion", "features", "embedding"))


def test_set_changes_the_rows_that_leave_the_field_open():
    rows = chosen_rows("fusion", None, "compact")
    given = ["fusion.embedding=zeros,width=3", "fusion.width=5", "mse_regression.width=7"]
    changed = configured(rows, given)
    assert [row.config for row in changed] == [
        {},
        {"width": 7},
        {"embedding": "zeros,width=3", "width": 5},
        {"embedding": "zeros", "width": 5},
    ]
    assert configured(rows, None) == rows


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("fusion.embedding", "write --set name=value"),
        ("zhang.width=3", "no model in this benchmark 'zhang'"),
        ("fusion.widht=3", "did you mean 'width'"),
        ("fusion=3", "no configuration field of fusion ''"),
        ("fusion.width=wide", "must be a whole number"),
    ],
)
def test_set_that_cannot_be_used(tmp_path, photos, capsys, given, told):
    arguments = [*CONDITIONS, *photos, "--suite", "fusion", "--set", given]
    assert run_all.main([*arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert told in error
