"""Queues of trainings: jobs that build on each other, stopped and gone on with."""

import dataclasses
import signal
from pathlib import Path

import numpy as np
import pytest
from conftest import make_photo_folder

from benchmarks.release import train
from benchmarks.release.jobs import QUEUES, Job
from benchmarks.release.learning import SCORES
from zoo import Budget, PhotoSet, create_model, load_model
from zoo.errors import ZooError
from zoo.registry import entry

#: A network around an encoder, as small as that allows.
TINY = {
    "architecture": "encoder_unet",
    "encoder": "efficientnet_lite0",
    "frozen_levels": 4,
    "scale": "",
}
ALL = [job for jobs in QUEUES.values() for job in jobs]
MODELS = ["mse_regression", "fusion", "zhang", "colorunet", "gan", "nogan"]


def configuration(job):
    preset = entry(job.model).load().PRESETS[job.preset].config
    return dataclasses.replace(preset, **job.changes)


def test_every_job_has_a_configuration_and_a_start():
    for jobs in QUEUES.values():
        for place, job in enumerate(jobs):
            assert configuration(job)
            Budget.parse(job.budget)
            elsewhere = [one.name for other in QUEUES.values() if other != jobs for one in other]
            assert not job.start or job.start in elsewhere + [one.name for one in jobs[:place]]
            earlier = [one for one in ALL if one.name == job.start]
            assert not job.continues or earlier[0].model == job.model


def test_a_name_is_one_job():
    for job in ALL:
        assert all(other == job for other in ALL if other.name == job.name)
    for jobs in QUEUES.values():
        assert len({job.name for job in jobs}) == len(jobs) > 0


def test_approaches_learn_on_equal_terms():
    *jobs, knn, som = QUEUES["approaches"]
    assert [job.model for job in jobs] == MODELS
    assert [job.model for job in (knn, som)] == ["knn_patches", "som_patches"]
    assert knn.budget == som.budget == jobs[0].budget
    for name in ("budget", "sizes", "preset", "start", "continues", "photos"):
        assert all(getattr(job, name) == getattr(jobs[0], name) for job in jobs), name
    assert (jobs[0].start, jobs[0].continues) == ("encoder-224", False)
    made = [configuration(job) for job in jobs]
    for name in ("average_weights", "degraded_share", "batch_size", "width"):
        assert all(getattr(one, name) == getattr(made[0], name) for one in made), name
    for name in ("architecture", "encoder", "frozen_levels", "encoder_rate", "weight_decay"):
        assert all(getattr(one, name) == getattr(made[0], name) for one in made), name
    assert made[0].average_weights
    assert [one.dropout for one in made] == [0.2, 0.2, 0.2, 0.2, 0.0, 0.0]


@pytest.mark.parametrize("queue", ["losses", "frozen"])
def test_trials_differ_in_what_they_try_alone(queue):
    jobs = QUEUES[queue]
    assert len({(job.budget, job.sizes, job.start, job.continues, job.photos) for job in jobs}) == 1
    tried = {"error", "gradient_weight", "uniform_share", "neighbors", "frozen_levels"}
    for model in {job.model for job in jobs}:
        made = [dataclasses.asdict(configuration(job)) for job in jobs if job.model == model]
        differing = {name for name in made[0] if len({str(one[name]) for one in made}) > 1}
        assert differing <= tried
        assert len({str(one) for one in made}) == len(made)


def test_each_step_of_the_ablation_adds_one_thing():
    jobs = QUEUES["ablation"]
    assert len({(job.model, job.budget, job.sizes, job.start) for job in jobs}) == 1
    made = [dataclasses.asdict(configuration(job)) for job in jobs]
    steps = [
        ({name for name in a if a[name] != b[name]}, one.photos != other.photos)
        for a, b, one, other in zip(made, made[1:], jobs, jobs[1:], strict=False)
    ]
    network = {"architecture", "encoder", "frozen_levels", "encoder_rate", "scale", "train_size"}
    assert steps == [(network, False), (set(), True), ({"degraded_share"}, False)]


GIVEN = [Path("data/scenes128/train"), Path("data/objects.csv"), Path("data/everyday/train144")]


@pytest.mark.parametrize(
    ("patterns", "expected"), [((), GIVEN), (("scenes*", "objects*"), GIVEN[:2])]
)
def test_a_job_learns_from_the_folders_that_fit(patterns, expected):
    assert Job("job", "zhang", "1", (32,), photos=patterns).folders(GIVEN) == expected


def test_a_pattern_without_a_folder_is_told():
    job = Job("job", "zhang", "1", (32,), photos=("scenes*", "faces*"))
    with pytest.raises(ZooError, match=r"job learns from .* like faces\*, and none .*add one"):
        job.folders(GIVEN)


@pytest.fixture
def command(tmp_path, monkeypatch):
    """`run` or `status` of a queue of three small jobs."""
    still = {"learning_rate": 1e-12}
    first = Job("first", "zhang", "12", (32,), "tiny", TINY)
    same = Job("same", "zhang", "8", (32,), "tiny", still, start="first", continues=True)
    slow = {**TINY, **still}
    other = Job("other", "mse_regression", "8", (32,), "tiny", slow, start="first")
    monkeypatch.setitem(QUEUES, "small", (first, same, other))
    photos = make_photo_folder(tmp_path, side=40)
    validation = make_photo_folder(tmp_path / "validation", seed=1)
    folders = ["--photos", str(photos), "--val-photos", str(validation)]
    out = ["--out", str(tmp_path / "runs")]
    return {"run": ["run", "small", *folders, *out], "status": ["status", "small", *out]}


@pytest.mark.usefixtures("eager")
def test_a_stopped_queue_goes_on(command, tmp_path, monkeypatch, capsys):
    from zoo.training import callbacks

    check = callbacks.Keeper.on_train_batch_end
    stopped = []

    def interrupt(self, batch, logs=None):
        if len(stopped) < 1:
            stopped.append(batch)
            signal.raise_signal(signal.SIGINT)
        check(self, batch, logs)

    monkeypatch.setattr(callbacks.Keeper, "on_train_batch_end", interrupt)
    monkeypatch.setenv("COLUMNS", "200")
    assert train.main(command["run"]) == 130
    assert "repeat the command to go on" in capsys.readouterr().err
    assert train.main(command["status"]) == 0
    first, same, *_ = [line for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert "4 of 12" in first
    assert "checkpoint.npz" in first
    assert "waits" in same
    assert train.main(command["run"]) == 0
    shown = capsys.readouterr().out
    assert "12, finished" in shown
    assert shown.count("8, finished") == 2

    runs = tmp_path / "runs"
    first, same, other = (load_model(runs / name) for name in ("first", "same", "other"))
    learned, fresh = first.weight_values(), create_model("mse_regression", "tiny", **TINY)
    begun = {name: learned[name] for name in learned if "/encoder_" in name}
    for model, start in ((same, learned), (other, fresh.weight_values() | begun)):
        for name, weights in model.weight_values().items():
            if "moving" not in name:
                np.testing.assert_allclose(weights, start[name], atol=1e-9, err_msg=name)
        scores = model.card.validation_scores["validation photos"]
        assert scores.photos == 6
        assert scores.summary.keys() == set(SCORES)
    assert any((learned[name] != fresh.weight_values()[name]).any() for name in begun)

    before = (runs / "other" / "card.json").read_bytes()
    assert train.main(command["run"]) == 0  # nothing is left to do
    assert (runs / "other" / "card.json").read_bytes() == before


def test_photos_that_would_teach_and_choose_are_refused(command, capsys):
    place = command["run"].index("--val-photos")
    command["run"][place + 1] = command["run"][command["run"].index("--photos") + 1]
    assert train.main(command["run"]) == 2
    assert "remove them from one of the folders" in capsys.readouterr().err


def test_a_queue_that_there_is_not_is_told_before_anything_is_read(command, capsys):
    command["run"][1] = "encodr"
    assert train.main(command["run"]) == 2
    told = capsys.readouterr().err
    assert "did you mean 'encoder'" in told
    assert "Scanning" not in told


def small(monkeypatch, *jobs):
    monkeypatch.setitem(QUEUES, "small", jobs)


def test_a_start_that_is_not_there_is_told_before_anything_is_read(command, monkeypatch, capsys):
    small(monkeypatch, Job("late", "zhang", "8", (32,), "tiny", TINY, start="encoder-224"))
    assert train.main(command["run"]) == 2
    told = capsys.readouterr().err
    assert "late starts from encoder-224, which has not been trained" in told
    assert "run the queue encoder into the same folder first" in told
    assert "Scanning" not in told


@pytest.mark.usefixtures("eager")
def test_a_job_takes_the_encoder_alone_and_learns_from_its_own_folders(
    command, tmp_path, monkeypatch
):
    """Of the same model, too: the decoder is fresh unless the job continues."""
    slow = {**TINY, "learning_rate": 1e-12}
    small(monkeypatch, Job("first", "zhang", "4", (32,), "tiny", {**TINY, "learning_rate": 0.01}))
    assert train.main(command["run"]) == 0
    job = Job("fresh", "zhang", "4", (32,), "tiny", slow, start="first", photos=("more*",))
    small(monkeypatch, job)
    more = make_photo_folder(tmp_path / "more", side=40, seed=2)
    assert train.main([*command["run"], "--photos", str(more)]) == 0
    first, made = (load_model(tmp_path / "runs" / name) for name in ("first", "fresh"))
    fresh, learned = create_model("zhang", "tiny", **TINY).weight_values(), first.weight_values()
    for name, weights in made.weight_values().items():
        if "moving" not in name:
            expected = learned if "/encoder_" in name else fresh
            np.testing.assert_allclose(weights, expected[name], atol=1e-9, err_msg=name)
    assert any((learned[name] != fresh[name]).any() for name in fresh if "/encoder_" not in name)
    assert made.card.training.fingerprint == PhotoSet.from_folder(more).color_only().fingerprint
