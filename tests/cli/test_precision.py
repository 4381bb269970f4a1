"""The option --precision of `zoo colorize` and `zoo serve`."""

import sys

import pytest

from tests.conftest import pixels
from zoo.cli import main
from zoo.export import int8
from zoo.networks.runner import PlainRunner


class Counting(PlainRunner):
    """Says how often it was asked."""

    precision = "int8"
    calls = 0

    def __call__(self, network, inputs):
        self.calls += 1
        return super().__call__(network, inputs)


@pytest.fixture
def counting(monkeypatch):
    runner = Counting()
    choice = int8.Choice(runner, int8.Gain(2.04, 0.31))
    monkeypatch.setattr(int8, "fastest", lambda model: choice)
    return runner


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command: the exit status, what was said, and what of errors."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return command


def test_auto_colors_by_what_was_chosen_and_says_why(run, photo_folder, tmp_path, counting):
    photo = sorted(photo_folder.iterdir())[0]
    plain, fast = tmp_path / "plain", tmp_path / "fast"
    command = ("colorize", photo, "--model", "gray", "--out")
    assert run(*command, plain)[0] == 0
    assert counting.calls == 0
    status, said, _ = run(*command, fast, "--precision", "auto")
    assert status == 0
    assert counting.calls == 1
    why = "int8 is 2.0 times as fast on this machine, CIEDE2000 0.31 to float32."
    assert f"Predicting in int8: {why}" in said
    first, second = (pixels(next(folder.iterdir())).astype(int) for folder in (plain, fast))
    assert abs(first - second).max() <= 1


@pytest.mark.parametrize("command", [["colorize", "photo.jpg", "--model", "gan"], ["serve"]])
def test_another_precision_is_refused(run, command):
    status, _, told = run(*command, "--precision", "int9")
    assert status == 2
    assert "int9" in told
    assert "float32, auto" in told


def test_an_exported_model_has_its_own_precision(run, photo_folder, tmp_path):
    (tmp_path / "model.onnx").touch()
    command = ("colorize", photo_folder, "--model", tmp_path, "--out", tmp_path / "out")
    status, _, told = run(*command, "--precision", "auto")
    assert status == 2
    assert "whose precision is fixed; leave out --precision" in told
