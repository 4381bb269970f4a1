"""Fixtures that tests of several parts share."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True, scope="session")
def zoo_cache(tmp_path_factory):
    """No test touches the user's own cache."""
    folder = tmp_path_factory.mktemp("zoo-cache")
    before = os.environ.get("ZOO_CACHE")
    os.environ["ZOO_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["ZOO_CACHE"]
    else:
        os.environ["ZOO_CACHE"] = before


@pytest.fixture
def photo_folder(tmp_path) -> Path:
    """Six colored photos of 40 x 32 px in the class folders `sea` and `tree`."""
    return make_photo_folder(tmp_path)


def make_photo_folder(parent: Path) -> Path:
    """See the fixture `photo_folder`."""
    root = parent / "photos"
    rng = np.random.default_rng(0)
    for label in ("sea", "tree"):
        (root / label).mkdir(parents=True)
        for number in range(3):
            coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
            photo = Image.fromarray(coarse).resize((40, 32), Image.Resampling.BICUBIC)
            photo.save(root / label / f"{number}.png")
    return root
