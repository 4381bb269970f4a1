"""What denoising brings, measured on validation photos."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.release import denoising
from zoo import PhotoSet, conformance, create_model, evaluate
from zoo.evaluation.degraded import Degraded
from zoo.photos.degrade import DEGRADATIONS


@pytest.fixture
def folder(tmp_path):
    """Four photos, and a model that colors them."""
    generator = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(4):
        patches = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        photo = Image.fromarray(patches).resize((40, 32), Image.Resampling.BICUBIC)
        photo.save(tmp_path / "photos" / f"{number}.png")
    conformance.shaken(create_model("mse_regression:tiny")).save(tmp_path / "model")
    return tmp_path


def test_a_row_for_each_kind_and_strength_with_paired_differences(folder, capsys):
    words = [f"--photos={folder / 'photos'}", f"--models={folder / 'model'}"]
    assert denoising.main([*words, "--strengths", "20", "--size", "32"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[:3] for row in rows] == [
        ["mse_regression", kind, strength]
        for kind in ("clean", "grain", "jpeg-30")
        for strength in ("0", "20")
    ]
    model = conformance.shaken(create_model("mse_regression:tiny"))
    photos = PhotoSet.from_folder(folder / "photos")
    settings = {"size": 32, "metrics": ("auc", "ciede2000"), "render_factor": 8}
    for kind, (off, on) in zip(("clean", "grain"), (rows[:2], rows[2:4]), strict=True):
        seen = Degraded(model, DEGRADATIONS[kind]) if kind in DEGRADATIONS else model
        plain = evaluate(seen, photos, **settings).summary()["ciede2000"].mean
        smooth = evaluate(seen, photos, denoise=20, **settings).summary()["ciede2000"].mean
        assert smooth != plain
        assert off[4:] == [f"{plain:.2f}", "", ""]
        assert on[4] == f"{smooth:.2f}"
        assert on[6].startswith(f"{smooth - plain:+.2f} [")


def test_a_strength_that_is_none_is_told(folder, capsys):
    words = [f"--photos={folder / 'photos'}", f"--models={folder / 'model'}"]
    assert denoising.main([*words, "--strengths", "2,strong"]) == 2
    assert "Option denoise" in capsys.readouterr().err
