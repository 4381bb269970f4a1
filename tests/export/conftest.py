"""One export in all formats, which several tests look at."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from zoo import conformance
from zoo.card import Card, Training
from zoo.cli.commands import app
from zoo.export import questions
from zoo.export.plan import FORMATS


@pytest.fixture(scope="session")
def model():
    """A small classifier with weights at random, so that its colors are bold."""
    return conformance.shaken(zoo.create_model("zhang:tiny"))


@pytest.fixture(scope="session")
def exported(model, tmp_path_factory) -> Path:
    """`model` in every format that shares a folder, colored at 32 px, by the command line."""
    folder = tmp_path_factory.mktemp("exports")
    model.card = Card(training=Training(photos=5))
    run, made = str(model.save(folder / "run")), folder / "zhang"
    formats = ",".join(name for name in FORMATS if name != "web")
    arguments = ["export", run, "--out", str(made), "--format", formats]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions, "_LARGE", 80)  # large photos have tests of their own
        done = CliRunner().invoke(app, [*arguments, "-o", "render_factor=2"])
    assert done.exit_code == 0, done.output
    assert f"onnx: {made / 'model.onnx'}, 0.0" in done.output.replace("\n", "")
    return made


@pytest.fixture
def photos() -> np.ndarray:
    """Two photos of one size, (2, 37, 23, 3) uint8."""
    return np.stack([conformance.random_photo(37, 23, seed) for seed in (0, 1)])
