import dataclasses
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.harness.cells import Cell, derived_seed
from benchmarks.harness.environment import describe_environment, git_state

#: What says how a cell is called and explained.
UNCOMPARED = {"label", "changes", "start", "own", "apart"}


@pytest.fixture
def cell():
    return Cell(
        model="gray",
        preset="default",
        config={"train_size": 96},
        options={},
        weights=None,
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
        prior="c" * 64,
    )


def changed(value):
    if isinstance(value, dict):
        return {**value, "temperature": 0.38}
    if isinstance(value, int):
        return value + 1
    return "other"


def test_key_follows_from_every_field(cell):
    keys = {cell.key}
    names = {field.name for field in dataclasses.fields(cell)} - UNCOMPARED
    for name in names:
        value = getattr(cell, name)
        keys.add(dataclasses.replace(cell, **{name: changed(value)}).key)
    assert len(keys) == 1 + len(names)


def test_what_a_cell_is_called_is_not_in_its_key(cell):
    named = dataclasses.replace(cell, label="no color", changes={"train_size": 96})
    assert named.key == cell.key
    assert (named.title, cell.title) == ("no color", "gray:default")


def test_key_is_stable(cell):
    assert cell.key == "db55e196fbf81c4e"  # stored results are found by it
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


def test_seeds_of_one_row_share_its_key(cell):
    other = dataclasses.replace(cell, seed=1)
    assert other.key != cell.key
    assert other.row_key == cell.row_key
    assert dataclasses.replace(cell, budget="1 photos").row_key != cell.row_key


def test_all_models_get_the_seed_of_their_photos_and_repetition(cell):
    assert dataclasses.replace(cell, model="zhang", config={}).training_seed == cell.training_seed
    others = [
        dataclasses.replace(cell, seed=1),
        dataclasses.replace(cell, train_fingerprint="c" * 64),
        dataclasses.replace(cell, train_size=97),
    ]
    assert len({one.training_seed for one in [cell, *others]}) == 4


@given(st.dictionaries(st.text(max_size=3), st.integers(), max_size=3), st.randoms())
def test_derived_seeds_follow_from_the_axes_alone(axes, generator):
    shuffled = list(axes.items())
    generator.shuffle(shuffled)
    seed = derived_seed(**dict(shuffled))
    assert 0 <= seed < 2**31
    assert seed == derived_seed(**axes)
    # The same numbers on another axis are another seed.
    assert seed != derived_seed(**axes, other=0)


def test_neighboring_repetitions_get_unrelated_seeds():
    seeds = np.array([derived_seed(repetition=number) for number in range(2000)])
    assert len(set(seeds)) == 2000
    # Evenly spread: of uniform numbers, about a tenth lie in each tenth of the range.
    counts, _ = np.histogram(seeds, bins=10, range=(0, 2**31))
    assert counts.min() > 150
    assert counts.max() < 250
