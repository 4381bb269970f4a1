"""What averaged and smoothed predictions gain and cost, measured on validation photos."""

import pytest
from conftest import make_photo_folder

from benchmarks.release import consensus
from zoo import PhotoSet, conformance, create_model, evaluate


@pytest.mark.usefixtures("eager")
def test_a_row_for_each_setting_with_paired_differences(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(consensus, "_TIMED", 1)
    model = conformance.shaken(create_model("mse_regression:tiny"))
    model.save(tmp_path / "model")
    photos = make_photo_folder(tmp_path)
    words = [f"--photos={photos}", f"--models={tmp_path / 'model'}", "--size", "32"]
    assert consensus.main(words) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[1] for row in rows] == list(consensus.SETTINGS)
    scored = PhotoSet.from_folder(photos)
    plain, mirrored = (
        evaluate(model, scored, size=32, metrics=("ciede2000",), **options).summary()["ciede2000"]
        for options in ({}, {"consensus": 2})
    )
    assert rows[0][3] == f"{plain.mean:.2f}"
    assert rows[1][3].startswith(f"{mirrored.mean - plain.mean:+.2f} [")
    assert mirrored.mean != plain.mean
    assert rows[0][-1] == "1.0"
    assert all(float(row[-1]) > 0 for row in rows)
