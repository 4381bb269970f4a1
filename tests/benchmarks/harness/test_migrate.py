"""Stored results of configurations whose fields have changed: found again, not run again."""

import dataclasses
import json
import shutil

import pytest
from tiny_runs import ROOT, TINY

from benchmarks import run_all
from benchmarks.harness.cells import Cell
from benchmarks.harness.migrate import current_cell, migrate

REFERENCE = sorted((ROOT / "benchmarks" / "results").glob("*/results/*.json"))


def stored(out):
    return {path.name: path.read_bytes() for path in (out / "results").iterdir()}


def aged(out, **changes):
    """Store the trained result as it would have been with other fields; return its old key."""
    for path in (out / "results").iterdir():
        result = json.loads(path.read_text())
        if result["cell"]["model"] != "mse_regression":
            continue
        config = {**result["cell"]["config"], **changes}
        config = {name: value for name, value in config.items() if value is not ...}
        cell = Cell(**{**result["cell"], "config": config})
        old = {"key": cell.key, "row_key": cell.row_key, "cell": dataclasses.asdict(cell)}
        for folder in ("models", "pictures"):
            shutil.move(out / folder / result["key"], out / folder / cell.key)
        path.with_name(f"{cell.key}.json").write_text(json.dumps(result | old))
        path.unlink()
        return cell.key
    raise AssertionError


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.stem)
def test_reference_results_have_the_keys_of_their_cells(path):
    result = json.loads(path.read_text())
    cell = Cell(**result["cell"])
    assert (cell.key, cell.row_key) == (result["key"], result["row_key"])
    assert current_cell(result["cell"]).key == cell.key
    assert path.stem == cell.key


def test_what_is_stored_of_former_fields_is_found_again(finished, photos, tmp_path, capsys):
    out = shutil.copytree(finished, tmp_path / "out")
    old = aged(out, scale=..., balance=0.0)
    assert run_all.main([*TINY, *photos, "--out", str(out), "--resume"]) == 0
    assert capsys.readouterr().err.count("finished before") == 3
    assert stored(out).keys() == stored(finished).keys()
    for folder in ("models", "pictures"):
        kept = {path.name for path in (out / folder).iterdir()}
        assert old not in kept
        assert kept == {path.name for path in (finished / folder).iterdir()}


def test_what_was_computed_in_another_way_stays_as_it_is(finished, tmp_path):
    out = shutil.copytree(finished, tmp_path / "out")
    aged(out, balance=0.5)
    before = stored(out)
    assert migrate(out) == 0
    assert stored(out) == before
    assert migrate(finished) == 0


def test_networks_without_an_encoder_are_of_the_preset_that_they_have_today():
    stored = [json.loads(path.read_text())["cell"] for path in REFERENCE]
    nets = [cell for cell in stored if cell["preset"] == "scratch"]
    assert {cell["model"] for cell in nets} >= {"mse_regression", "zhang", "gan"}
    for cell in nets:
        assert current_cell(cell | {"preset": "compact"}).key == Cell(**cell).key
    (patches, *_) = (cell for cell in stored if cell["model"] == "knn_patches")
    assert current_cell(patches).preset == "compact"
