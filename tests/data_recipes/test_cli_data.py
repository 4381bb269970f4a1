"""The commands `zoo data list` and `zoo data prepare`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import data_recipes
from data_recipes import prepare as module
from data_recipes.recipe import Download, Recipe, by_pattern
from zoo import PhotoSet
from zoo.cli.commands import app

HEAVY = ("keras", "tensorflow", "jax", "torch", "skimage", "matplotlib", "pooch", "requests")


def run(*arguments):
    result = CliRunner().invoke(app, ["data", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return result


def refused(result, *words, status=2):
    """One sentence on standard error that contains the words."""
    assert result.exit_code == status
    sentence = result.stderr.strip().splitlines()[-1]
    assert sentence.endswith(".")
    for word in words:
        assert word in sentence


def test_list_shows_every_set_at_once():
    code = (
        "import sys, time\n"
        "from zoo.cli import main\n"
        "sys.argv = ['zoo', 'data', 'list']\n"
        "try: main()\n"
        "except SystemExit as ended: status = ended.code or 0\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print(status, time.process_time(), *loaded, file=sys.stderr)\n"
    )
    seconds = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"COLUMNS": "200"},
        )
        status, spent, *loaded = done.stderr.split()
        assert (int(status), loaded) == (0, [])
        seconds.append(float(spent))
    assert min(seconds) <= 1.0  # a framework takes several
    for recipe in data_recipes.recipes():
        assert recipe.name in done.stdout
        assert recipe.title in done.stdout


def test_library_does_not_know_the_recipes():
    root = Path(__file__).resolve().parents[2] / "zoo"
    for file in root.rglob("*.py"):
        known = "data_recipes" in file.read_text(encoding="utf-8")
        assert not known or file.parent.name == "cli", file
    code = "import sys, zoo.cli; print('data_recipes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_prepare_a_folder(photo_folder, tmp_path):
    out = tmp_path / "out"
    (photo_folder / "sea" / "broken.png").write_bytes(b"no photo")
    result = run("prepare", "folder", "--from", photo_folder, "--out", out)
    assert result.exit_code == 0
    assert "6 photos: " in result.stdout
    assert f"zoo train MODEL --photos {out / 'manifest.csv'}" in result.stdout
    assert "1 file left out as unreadable:" in result.stderr
    assert "photos/sea/broken.png: not an image" in result.stderr
    assert PhotoSet.from_manifest(out / "manifest.csv").labels == ("sea", "tree")
    again = run("prepare", "folder", "--from", photo_folder, "--out", out)
    assert again.exit_code == 0
    assert "nothing is left to do" in again.stdout


@pytest.fixture
def small(server, photo, monkeypatch):
    """A recipe called `small`, the only one there is."""
    recipe = Recipe(
        name="small",
        title="a small set",
        page="https://example.org/small",
        license="free",
        size="1 photo",
        citation="nobody",
        downloads=(Download(server.add("1.jpg", photo(1)), "1.jpg"),),
        choose=by_pattern(r"(?P<name>1\.jpg)", split="test"),
    )
    monkeypatch.setattr(data_recipes, "recipes", lambda: [recipe])
    return recipe


def test_prepare_with_a_download(small, tmp_path):
    result = run("prepare", "small", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "a small set: 1 photo." in result.stdout
    assert "Source: https://example.org/small. License: free." in result.stdout
    assert "1 photo: 1 test." in result.stdout


def test_mistakes(small, server, tmp_path, photo_folder):
    out = tmp_path / "out"
    refused(run("prepare", "smal", "--out", out), "no data set 'smal'", "did you mean 'small'")
    server.files.clear()
    refused(run("prepare", "small", "--out", out), "status 404", "https://example.org/small")
    refused(run("prepare", "small", "--from", tmp_path / "no", "--out", out), "no folder")
    file = tmp_path / "file"
    file.write_text("x")
    refused(run("prepare", "small", "--out", file), "Cannot write into")
    assert run("prepare", "small").exit_code == 2


def test_ctrl_c(small, tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "scan", interrupt)
        result = run("prepare", "small", "--out", tmp_path / "out")
    refused(result, "Interrupted; repeat the command to go on", status=130)
    assert run("prepare", "small", "--out", tmp_path / "out").exit_code == 0
