"""The table of steps: single values from Keras' running means, and what resuming leaves of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import ZooError
from zoo.training.step_log import StepLog, file_of, read_steps


def write(log, values, done=0):
    """Hand the log the means over a round of which `done` steps are past."""
    for count in range(done + 1, len(values) + 1):
        log.add({"loss": np.float32(np.mean(values[:count]))})


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60))
def test_single_values_come_back_from_means(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("run")
    log = StepLog(folder, "", batch_size=4, step=0)
    log.begin_round(0, {})
    write(log, values)
    log.flush()
    found = read_steps(file_of(folder, ""))
    np.testing.assert_array_equal(found["step"], np.arange(1, len(values) + 1))
    np.testing.assert_array_equal(found["photos_seen"], 4 * found["step"])
    np.testing.assert_allclose(found["loss"], values, atol=2e-3)


def test_every_round_starts_its_means_anew(tmp_path):
    log = StepLog(tmp_path, "joint", batch_size=1, step=0)
    for values in ([1.0, 2.0], [10.0, 20.0]):
        log.begin_round(0, {})
        write(log, values)
    log.flush()
    np.testing.assert_allclose(read_steps(tmp_path / "steps-joint.csv")["loss"], [1, 2, 10, 20])


def test_resuming_drops_what_is_past_the_position_and_goes_on(tmp_path):
    values = [5.0, 1.0, 7.0, 3.0, 9.0]
    log = StepLog(tmp_path, "", batch_size=2, step=0)
    log.begin_round(0, {})
    write(log, values)
    log.flush()
    with (tmp_path / "steps.csv").open("a") as file:
        file.write("3,1")  # a crash in the middle of a row
    log = StepLog(tmp_path, "", batch_size=2, step=3)
    log.begin_round(3, {"loss": np.mean(values[:3])})
    write(log, values, done=3)
    log.flush()
    found = read_steps(tmp_path / "steps.csv")
    np.testing.assert_allclose(found["loss"], values, rtol=1e-5)
    np.testing.assert_array_equal(found["step"], [1, 2, 3, 4, 5])


def test_a_new_training_starts_a_new_table(tmp_path):
    (tmp_path / "steps.csv").write_text("step,photos_seen,old\n1,4,5\n")
    StepLog(tmp_path, "", batch_size=1, step=0)
    assert not (tmp_path / "steps.csv").exists()


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = StepLog(None, "", batch_size=1, step=0)
    log.begin_round(0, {})
    log.add({"loss": 1.0})
    log.flush()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_table_says_so(tmp_path):
    (tmp_path / "steps.csv").write_text("step,photos_seen\none,two\n")
    with pytest.raises(ZooError, match="cannot be read as a table of steps"):
        read_steps(tmp_path / "steps.csv")
    with pytest.raises(ZooError, match="cannot be read"):
        read_steps(tmp_path / "missing.csv")
