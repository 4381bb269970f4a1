"""The table of exports."""

import pytest
from PIL import Image

import zoo
from benchmarks.speed import exports
from zoo import conformance


@pytest.mark.usefixtures("small_checks")
def test_the_benchmark_of_exports_has_a_row_a_format(tmp_path, monkeypatch, capsys):
    """Of photos in folders; the original's time and error are the unit and nothing."""
    (tmp_path / "photos").mkdir()
    Image.fromarray(conformance.random_photo(24, 32)).save(tmp_path / "photos" / "a.png")
    run = zoo.create_model("mean_color").save(tmp_path / "run")
    variants = (("litert", "int8"),)
    monkeypatch.setattr(exports, "VARIANTS", variants)
    arguments = ["--photos", "photos", "--calibration", "photos", "--out", "table.md"]
    monkeypatch.chdir(tmp_path)
    assert exports.main([str(run), *arguments]) == 0
    lines = (tmp_path / "table.md").read_text("utf-8").splitlines()
    assert capsys.readouterr().out.splitlines() == lines
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    names = [tuple(row[:3]) for row in rows]
    title = "mean_color:default"
    assert names[0] == (title, "the model itself", "float32")
    assert names[1:] == [(title, *variant) for variant in variants]
    assert rows[0][5:] == ["1", "0"]
    assert all(float(row[6]) < 1 for row in rows[1:])
