import dataclasses
import subprocess

import pytest

from benchmarks.environment import describe_environment, git_state
from benchmarks.experiment import Cell


@pytest.fixture
def cell():
    return Cell(
        model="gray",
        preset="default",
        config={"train_size": 96},
        options={},
        train_photos=5,
        train_fingerprint="a" * 64,
        validation_fingerprint=None,
        test_fingerprint="b" * 64,
        train_size=96,
        test_size=256,
        budget="3,000 photos",
        seed=0,
        backend="tensorflow",
        precision="float32",
    )


def changed(value):
    if isinstance(value, dict):
        return {**value, "temperature": 0.38}
    if isinstance(value, int):
        return value + 1
    return "other"


def test_key_follows_from_every_field(cell):
    keys = {cell.key}
    names = {field.name for field in dataclasses.fields(cell)} - {"label", "changes"}
    for name in names:
        value = getattr(cell, name)
        keys.add(dataclasses.replace(cell, **{name: changed(value)}).key)
    assert len(keys) == 1 + len(names)


def test_what_a_cell_is_called_is_not_in_its_key(cell):
    named = dataclasses.replace(cell, label="no color", changes={"train_size": 96})
    assert named.key == cell.key
    assert (named.title, cell.title) == ("no color", "gray:default")


def test_key_is_stable(cell):
    assert cell.key == "8aeb0ca918d9ab04"  # stored results are found by it
    reordered = dataclasses.replace(cell, config=dict(reversed(cell.config.items())))
    assert reordered.key == cell.key


def test_environment_is_plain_and_says_what_is_unknown():
    environment = describe_environment()
    assert environment["cores"] >= 1
    assert environment["memory_gib"] > 0.1
    for name, value in environment.items():
        assert name == "git" or value is None or isinstance(value, str | int | float)


def test_git_state(tmp_path):
    assert git_state(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert git_state(tmp_path) is None  # no commit yet
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    state = git_state(tmp_path)
    assert len(state["revision"]) == 40
    assert not state["dirty"]
    (tmp_path / "new").write_text("")
    assert git_state(tmp_path)["dirty"]
