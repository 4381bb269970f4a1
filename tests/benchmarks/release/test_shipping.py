"""Trained models on their way into the package."""

import signal

import numpy as np
import pytest
from conftest import make_photo_folder

from benchmarks.release import shipping, train
from benchmarks.release.jobs import QUEUES, Job
from benchmarks.release.privacy import _chance_below, _nearest, membership
from zoo import PhotoSet, create_model, list_models, load_model
from zoo.registry import entry


@pytest.fixture
def command(tmp_path, monkeypatch):
    """`run` and `ship` of a queue of a model's jobs, by its name and theirs."""
    photos = make_photo_folder(tmp_path)
    validation = make_photo_folder(tmp_path / "validation", seed=1)
    given = ["--photos", str(photos), "--val-photos", str(validation)]
    given += ["--out", str(tmp_path / "runs")]

    def of(model, *names):
        preset = entry(model).preset_or_only("tiny")
        jobs = [Job(name, model, "16", (32,), preset) for name in names or (model,)]
        monkeypatch.setitem(QUEUES, "one", tuple(jobs))
        to = ["--to", str(tmp_path / "shipped")]
        return ["run", "one", *given], ["ship", "one", *given, *to]

    return of


def test_every_model_that_learns_has_its_words():
    for name in set(list_models()) - {"gray"}:
        assert entry(name).good_at
        assert entry(name).bad_at


@pytest.mark.usefixtures("eager")
def test_an_interrupted_training_goes_on(command, tmp_path, monkeypatch, trained_by_recipe, capsys):
    from zoo.training import callbacks

    run, ship = command("mse_regression")
    check = callbacks.Keeper.on_train_batch_end

    def interrupt(self, batch, logs=None):
        if not stopped:
            stopped.append(batch)
            signal.raise_signal(signal.SIGINT)
        check(self, batch, logs)

    stopped = []
    monkeypatch.setattr(callbacks.Keeper, "on_train_batch_end", interrupt)
    assert train.main(run) == 130
    assert "repeat the command to go on" in capsys.readouterr().err
    assert train.main(ship) == 2
    assert "No job of the queue one has ended" in capsys.readouterr().err
    assert train.main(run) == train.main(ship) == 0
    # The fixture's photos are the same, given as two folders.
    folders = (tmp_path / "shipped", trained_by_recipe)
    one, other = (load_model(folder / "mse_regression").card for folder in folders)
    assert one.training.fingerprint == other.training.fingerprint
    assert one.weights_sha256 == other.weights_sha256


def test_a_training_of_other_photos_is_not_shipped(command, tmp_path, capsys):
    run, ship = command("mean_color")
    assert train.main(run) == train.main(ship) == 0
    before = (tmp_path / "shipped" / "mean_color" / "card.json").read_bytes()
    assert train.main(ship) == 0
    assert (tmp_path / "shipped" / "mean_color" / "card.json").read_bytes() == before
    ship[ship.index("--photos") + 1] = str(make_photo_folder(tmp_path / "other", seed=2))
    assert train.main(ship) == 2
    assert "learned from other photos" in capsys.readouterr().err


def test_several_jobs_of_a_model_are_not_shipped(command, tmp_path, capsys):
    run, ship = command("mean_color", "one", "other")
    assert train.main(run) == 0
    assert train.main(ship) == 2
    assert "several jobs of one model" in capsys.readouterr().err
    assert not (tmp_path / "shipped").exists()


def test_the_chosen_vividness_is_stored_and_not_chosen_again(tmp_path, monkeypatch):
    chosen, said = [], []

    def choose(study):
        chosen.append((study.option, study.photos))
        return 0.7

    monkeypatch.setattr("zoo.evaluation.calibrate.choose_vivid", choose)
    photos = PhotoSet.from_folder(make_photo_folder(tmp_path))
    for name, option in (("gan:tiny", "saturation"), ("gray", None)):
        run = create_model(name).save(tmp_path / "run" / name[:3])
        for _ in range(2):
            said.append(shipping._choose_vividness(run, photos))
        stored = load_model(run)
        if option is not None:
            assert stored.defaults[option] == stored.card.saturation.chosen == 0.7
            assert stored.card.saturation.study.photos == 6
    assert chosen == [("saturation", 6)]
    assert [one.split("; ")[0] for one in said] == ["gan: saturation 0.7 (before 1)", "", "", ""]


def test_what_is_stored_of_patches_is_measured(trained_by_recipe):
    model = load_model(trained_by_recipe.parent / "runs" / "knn_patches")
    root = trained_by_recipe.parent
    seen = PhotoSet.from_folder(root / "photos")
    unseen = PhotoSet.from_folder(root / "validation" / "photos")
    found = membership(model, seen, unseen)
    assert found["photos"] == [6, 6]
    # Six photos and a table as large as all their patches: here they are given away.
    assert 0.5 < found["auc"] <= 1
    assert membership(load_model(root / "runs" / "mse_regression"), seen, unseen) is None


def test_distances_and_chances_by_hand():
    points, rows = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 1.0], [3.0, 0.0]])
    np.testing.assert_allclose(_nearest(points, rows), [1.0, 4.0])
    assert _chance_below(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1.0
    assert _chance_below(np.array([1.0, 4.0]), np.array([2.0, 3.0])) == 0.5
