"""The pictures that reports show: stored in full, and small where many stand together."""

import json

import numpy as np
from PIL import Image

from benchmarks import run_all
from benchmarks.report.figures import tile
from zoo import PhotoSet


def test_pictures_have_the_size_that_was_scored(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    (tmp_path / "photos").mkdir()
    large = Image.fromarray(noise).resize((800, 600), Image.Resampling.BICUBIC)
    large.save(tmp_path / "photos" / "a.png")
    out = tmp_path / "out"
    command = ["--models", "gray", "--preset", "default", "--test-photos", str(tmp_path / "photos")]
    assert run_all.main([*command, "--test-size", "300", "--out", str(out)]) == 0
    (path,) = (out / "results").glob("*.json")
    result = json.loads(path.read_text())
    (shown,) = result["pictures"]
    photo = PhotoSet.from_folder(tmp_path / "photos")[0].read(short_side=300)
    assert photo.shape == (300, 400, 3)
    truth = np.asarray(Image.open(out / "pictures" / "truth" / shown["file"]))
    np.testing.assert_array_equal(truth, photo)
    gray = np.asarray(Image.open(out / "pictures" / result["key"] / shown["file"]))
    assert gray.shape == photo.shape
    assert np.ptp(gray, axis=-1).max() <= 1
    # Side by side all are small.
    with Image.open(out / "comparison.png") as comparison:
        assert comparison.width == 3 * 248 + 8
    assert result["bytes_on_disk"] == sum(
        (out / "models" / result["key"] / name).stat().st_size
        for name in ("config.json", "weights.npz", "card.json")
    )


def test_tiles_fit_into_their_square_and_are_never_enlarged():
    for (height, width), expected in {
        (300, 400): (180, 240),
        (400, 300): (240, 180),
        (100, 120): (100, 120),
    }.items():
        assert tile(np.zeros((height, width, 3), np.uint8)).shape == (*expected, 3)
    assert tile(np.zeros((300, 400, 3), np.uint8), 160).shape == (120, 160, 3)
