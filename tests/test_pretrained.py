"""The trained weights that come with the package: found by name, checked, described."""

import fnmatch
import json
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from zoo import pretrained, registry
from zoo.card import read_card
from zoo.cli.commands import app
from zoo.errors import ZooError

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("mse_regression", "knn_patches")
MEGABYTE = 1_000_000


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def words(text):
    """Without what draws a table, and with single spaces."""
    return " ".join(text.translate(str.maketrans("│┃", "  ")).split())


def test_the_weights_in_the_package_keep_their_bounds():
    sizes = []
    for name in zoo.list_pretrained():
        folder = registry.shipped_folder(name)
        sizes.append((folder / "weights.npz").stat().st_size)
        assert sizes[-1] < 12 * MEGABYTE, name
        assert {path.name for path in folder.iterdir()} == {
            "config.json",
            "weights.npz",
            "card.json",
        }
        card = read_card(folder)
        assert all((card.training, card.about, card.packing, card.environment, card.test_scores))
        assert card.about.license
        assert card.packing.ciede2000_mean < 0.25
        assert zoo.load_model(name).name == name
    assert sum(sizes) < 60 * MEGABYTE


def test_the_weights_are_part_of_an_installation():
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    patterns = parser["options.package_data"]["zoo.pretrained"].replace(" ", "").split(",")
    for name in ("config.json", "weights.npz", "card.json"):
        assert any(fnmatch.fnmatch(f"zhang/{name}", pattern) for pattern in patterns)


def test_the_readme_says_whether_there_are_any():
    told = "Trained weights are not part of the package yet" in (ROOT / "README.md").read_text()
    assert told is not bool(zoo.list_pretrained())


def test_listing_them_imports_no_framework():
    code = "import sys, zoo; zoo.list_pretrained(); assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_name_is_the_shipped_model(shipped):
    assert zoo.list_pretrained() == list(SHIPPED)  # the registry's order
    photo = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    for name in SHIPPED:
        by_name, by_folder = zoo.load_model(name), zoo.load_model(shipped / name)
        assert by_name.preset == "tiny"
        np.testing.assert_array_equal(by_name.colorize(photo), by_folder.colorize(photo))


def test_a_network_saved_before_compact_had_an_encoder_is_loaded_as_it_was(tmp_path):
    today = zoo.load_model("mse_regression")
    folder = shutil.copytree(registry.shipped_folder("mse_regression"), tmp_path / "saved")
    stored = json.loads((folder / "config.json").read_text())
    assert (stored["preset"], "encoder" in stored["config"]) == ("scratch", False)
    (folder / "config.json").write_text(json.dumps(stored | {"preset": "compact"}))
    model = zoo.load_model(folder)
    assert (model.preset, model.config) == ("scratch", today.config)


def test_a_folder_of_the_same_name_comes_first(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shipped / "knn_patches", tmp_path / "mse_regression")
    assert zoo.load_model("mse_regression").name == "knn_patches"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("zhang", r"zhang has to be trained first: `zoo train zhang .*mse_regression, knn_patches"),
        ("mse_regression:tiny", "is an untrained model: give mse_regression alone"),
        ("zhnag", "no folder or model 'zhnag' .did you mean 'zhang'"),
    ],
)
def test_names_without_weights_are_refused(shipped, name, told):
    with pytest.raises(ZooError, match=told):
        zoo.load_model(name)


def test_without_any_weights_the_error_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert zoo.list_pretrained() == []
    with pytest.raises(ZooError, match=r"trained first.*none yet"):
        zoo.load_model("zhang")


def test_changed_weights_are_refused(shipped, tmp_path, monkeypatch):
    shutil.copytree(shipped, tmp_path / "changed")
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "changed")
    with (tmp_path / "changed" / "mse_regression" / "weights.npz").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    with pytest.raises(ZooError, match="sha256 differs"):
        zoo.load_model("mse_regression")


def test_the_command_line_takes_names(shipped, photo_folder, tmp_path):
    photo, out = photo_folder / "sea" / "0.png", tmp_path / "out"
    done = run("colorize", photo, "--model", "mse_regression", "--out", out)
    assert done.exit_code == 0, done.output
    assert (out / "0.png").is_file()
    failed = run("colorize", photo, "--model", "zhang", "--out", out)
    assert failed.exit_code == 2
    assert "come with the package: mse_regression, knn_patches" in failed.stderr
    absent = run("colorize", photo, "--model", "no/such", "--out", out)
    assert "There is no folder or model 'no/such'" in absent.stderr


def test_the_temperature_of_a_name_is_not_stored(shipped, photo_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("temperature", "knn_patches", "--photos", photo_folder)
    assert done.exit_code == 2
    assert "stored in a model's folder" in done.stderr
    assert not (tmp_path / "knn_patches").exists()


def test_list_marks_those_that_are_trained(shipped):
    rows = [line for line in run("list").output.splitlines() if "✓" in line]
    assert [name for name in zoo.list_models() if any(f" {name} " in row for row in rows)] == [
        *SHIPPED
    ]


def test_info_shows_the_card(shipped, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    told = words(run("info", "knn_patches").output)
    card = read_card(shipped / "knn_patches")
    for part in (
        card.weights_sha256,
        card.training.fingerprint,
        "CC BY-NC 4.0",
        "Colors are plausible",
        "told apart with a chance of",
        "validation photos",
        "class-rebalanced AuC",
    ):
        assert part in told, part
    # The default is the one that validation photos chose.
    chosen = card.temperature.chosen
    assert f"temperature {chosen:g} 0 to" in told
    assert "CC BY-NC" not in run("info", "knn_patches:compact").output
