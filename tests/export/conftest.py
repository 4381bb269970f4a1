"""One export in all formats, which several tests look at."""

from pathlib import Path

import numpy as np
import pytest

import conformance
import zoo
from zoo.export import checking
from zoo.export.plan import FORMATS


@pytest.fixture(scope="session")
def model():
    """A small classifier with weights at random, so that its colors are bold."""
    return conformance.shaken(zoo.create_model("zhang:tiny"))


@pytest.fixture(scope="session")
def exported(model, tmp_path_factory) -> Path:
    """`model` in every format, colored at 32 px."""
    folder = tmp_path_factory.mktemp("exports") / "zhang"
    model.card["training"] = {"photos": 5}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "_LARGE", 80)  # large photos have tests of their own
        return model.export(folder, FORMATS, render_factor=2)


@pytest.fixture
def photos() -> np.ndarray:
    """Two photos of one size, (2, 37, 23, 3) uint8."""
    return np.stack([conformance.random_photo(37, 23, seed) for seed in (0, 1)])
