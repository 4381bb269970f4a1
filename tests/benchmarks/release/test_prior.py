"""The fixed prior of colors is counted from photos by a command."""

import dataclasses

import numpy as np
from PIL import Image
from scipy import spatial
from skimage.color import rgb2lab

from benchmarks.release import prior as command
from zoo.color.prior import paper_centers
from zoo.files import read_json
from zoo.metrics import ColorPrior


def test_the_command_counts_every_pixel_of_the_photos(tmp_path, capsys):
    folder, generator = tmp_path / "photos", np.random.default_rng(0)
    folder.mkdir()
    photos = [generator.integers(0, 256, (6, 9, 3), np.uint8) for _ in range(3)]
    for number, rgb in enumerate(photos):
        Image.fromarray(rgb).save(folder / f"{number}.png")
    out = tmp_path / "prior.json"
    words = ["--described", "three made photos", "--out", str(out)]
    assert command.main(["--photos", str(folder), *words]) == 0
    found = ColorPrior.from_json(read_json(out))
    ab = np.concatenate([rgb2lab(rgb)[..., 1:].reshape(-1, 2) for rgb in photos])
    _, nearest = spatial.cKDTree(paper_centers()).query(ab)
    np.testing.assert_array_equal(found.counts, np.bincount(nearest, minlength=313))
    assert (found.photos, found.size, found.described) == (3, 128, "three made photos")
    assert found.sha256 != dataclasses.replace(found, counts=found.counts + 1).sha256
    assert found.sha256[:16] in capsys.readouterr().out
