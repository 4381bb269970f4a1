"""The README is true: no model is left out, and its examples run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import skimage
from PIL import Image

import zoo
from benchmarks import run_all
from zoo.cli import main
from zoo.training import precision

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(heading: str, language: str) -> str:
    """The first code block of a language below a heading."""
    section = README.split(f"## {heading}\n", 1)[1]
    return re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)[1]


def test_every_model_is_in_the_table():
    for name in zoo.list_models():
        assert f"| `{name}` |" in README


@pytest.mark.usefixtures("eager")
def test_the_python_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("From Python", "python")
    assert "photos_seen=640" in code
    exec(compile(code.replace("photos_seen=640", "photos_seen=16"), "README.md", "exec"), {})
    assert (tmp_path / "runs" / "readme" / "card.json").is_file()


@pytest.mark.usefixtures("eager")
def test_the_command_line_example_runs(tmp_path, monkeypatch):
    """Line by line, in this process: what starting Python and TensorFlow takes is no news."""
    commands = block("From the command line", "bash")
    assert commands.count("--budget 3000") == 5
    # The commands are the same for every preset; the small one saves most of the time.
    commands = re.sub(r"zoo train (\w+) ", r"zoo train \1:tiny ", commands)
    # The same photos, a few of them and smaller: all that comes with scikit-image takes a minute.
    assert 'skimage.__path__[0])")/data ' in commands
    commands = re.sub(r"^photos=.*", f"photos={small_photos(tmp_path / 'photos')}", commands)
    monkeypatch.chdir(tmp_path)
    for arguments in calls(commands.replace("--budget 3000", "--budget 16")):
        monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, arguments
    for made in (
        "colorized/camera.png",
        "runs/scores.json",
        "runs/comparison.png",
        "runs/gan/checkpoints.webp",
        "colorized/zhang/camera_confidence.png",
        "runs/zhang/temperature_curves.png",
    ):
        assert (tmp_path / made).is_file()


def test_the_benchmark_s_example_is_planned(tmp_path, monkeypatch, capsys, zoo_cache):
    """Its photos are enough to learn from and to test on; training itself is tested elsewhere."""
    photos = block("From the command line", "bash").splitlines()[0]
    tests, _, _, command, again = block("The benchmark", "bash").splitlines()
    assert again == f"{command} --resume"
    command = command.replace("python benchmarks/run_all.py", "zoo")
    (arguments,) = calls("\n".join([photos, tests, command]))
    monkeypatch.chdir(tmp_path)
    # No other test's rates are known; which precision is faster is, as it takes seconds to measure.
    (tmp_path / "cache").mkdir()
    shutil.copy(zoo_cache / precision.STORE, tmp_path / "cache")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    assert run_all.main([*arguments, "--dry-run"]) == 0
    assert "2 of them never ran" in capsys.readouterr().out


def small_photos(folder: Path) -> Path:
    """Those of scikit-image's photos that the commands name, and two more."""
    folder.mkdir()
    for name in ("camera.png", "chelsea.png", "astronaut.png", "coffee.png"):
        with Image.open(Path(skimage.__path__[0]) / "data" / name) as photo:
            photo.resize((96, 96)).save(folder / name)
    return folder


def calls(commands: str) -> list[list[str]]:
    """The arguments of each call of `zoo` in a script, as the shell makes them."""
    tools = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-euc", f"zoo() {{ printf '%s\\n' $# \"$@\"; }}\n{commands}"],
        env=os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = iter(done.stdout.splitlines())
    return [[next(lines) for _ in range(int(count))] for count in lines]
