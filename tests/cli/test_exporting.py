"""`zoo export`."""

import pytest
from PIL import Image
from typer.testing import CliRunner

import zoo
from zoo import conformance
from zoo.card import read_card
from zoo.cli.commands import app
from zoo.cli.exporting import parse_size
from zoo.errors import ZooError


@pytest.mark.usefixtures("small_checks")
def test_the_command_line_calibrates_with_the_photos_of_folders(tmp_path, recwarn):
    for number, folder in enumerate(("sea", "forest")):
        (tmp_path / folder).mkdir()
        Image.fromarray(conformance.random_photo(24, 32, number)).save(tmp_path / folder / "a.png")
    run = zoo.create_model("mse_regression:tiny").save(tmp_path / "run")
    arguments = ["export", run, "--out", tmp_path / "made", "--format", "litert"]
    arguments += ["--weights", "int8", "-o", "render_factor=2"]
    for folder in ("sea", "forest"):
        arguments += ["--calibration", tmp_path / folder]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    assert read_card(tmp_path / "made").export.calibration_photos == 2
    assert not [one for one in recwarn if "Interpreter" in str(one.message)]


def test_sizes_are_read_as_width_by_height():
    assert parse_size("640x480") == (480, 640)
    for wrong in ("640", "0x5", "-3x4", "4x", "640X480", "4x4x4", "1000000x2"):
        with pytest.raises(ZooError, match="as in 640x480"):
            parse_size(wrong)
