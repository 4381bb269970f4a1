import signal

import numpy as np
import pytest
from conftest import RECIPE, make_photo_folder

from benchmarks.release import train
from benchmarks.release.privacy import _chance_below, _nearest, membership
from zoo import PhotoSet, create_model, list_models, load_model
from zoo.registry import entry


@pytest.fixture
def command(tmp_path):
    photos = make_photo_folder(tmp_path)
    validation = make_photo_folder(tmp_path / "validation", seed=1)
    places = ["--out", str(tmp_path / "runs"), "--ship", str(tmp_path / "shipped")]
    return [*RECIPE, "--photos", str(photos), "--val-photos", str(validation), *places]


def test_every_model_that_learns_has_its_words():
    for name in set(list_models()) - {"gray"}:
        assert entry(name).good_at
        assert entry(name).bad_at


@pytest.mark.usefixtures("eager")
def test_an_interrupted_training_goes_on(command, tmp_path, monkeypatch, trained_by_recipe, capsys):
    from zoo.training import callbacks

    check = callbacks.Keeper.on_train_batch_end

    def interrupt(self, batch, logs=None):
        if not stopped:
            stopped.append(batch)
            signal.raise_signal(signal.SIGINT)
        check(self, batch, logs)

    stopped = []
    monkeypatch.setattr(callbacks.Keeper, "on_train_batch_end", interrupt)
    assert train.main(["mse_regression", *command]) == 130
    assert "repeat the command to go on" in capsys.readouterr().err
    assert not (tmp_path / "shipped" / "mse_regression").exists()
    assert train.main(["mse_regression", *command]) == 0
    # The fixture's photos are the same, given as two folders.
    folders = (tmp_path / "shipped", trained_by_recipe)
    one, other = (load_model(folder / "mse_regression").card for folder in folders)
    assert one.training.fingerprint == other.training.fingerprint
    assert one.weights_sha256 == other.weights_sha256


def test_a_finished_training_of_other_photos_is_not_packed(command, tmp_path, capsys):
    assert train.main(["mean_color", *command]) == 0
    before = (tmp_path / "shipped" / "mean_color" / "card.json").read_bytes()
    assert train.main(["mean_color", *command]) == 0  # nothing is left but packing
    assert (tmp_path / "shipped" / "mean_color" / "card.json").read_bytes() == before
    assert train.main(["mean_color", *command, "--seed", "7"]) == 2
    assert "other photos or with another seed" in capsys.readouterr().err


def test_photos_that_would_teach_and_choose_are_refused(command, capsys):
    place = command.index("--val-photos")
    command[place + 1] = command[command.index("--photos") + 1]
    assert train.main(["mean_color", *command]) == 2
    assert "remove them from one of the folders" in capsys.readouterr().err


def test_the_chosen_vividness_is_stored_and_not_chosen_again(tmp_path, monkeypatch, capsys):
    chosen = []

    def choose(study):
        chosen.append((study.option, study.photos))
        return 0.7

    monkeypatch.setattr("zoo.evaluation.calibrate.choose_vivid", choose)
    photos = PhotoSet.from_folder(make_photo_folder(tmp_path))
    for name, option in (("gan:tiny", "saturation"), ("gray", None)):
        run = create_model(name).save(tmp_path / "run" / name[:3])
        for _ in range(2):
            train._choose_vividness(run, photos)
        stored = load_model(run)
        if option is not None:
            assert stored.defaults[option] == stored.card.saturation.chosen == 0.7
            assert stored.card.saturation.study.photos == 6
    assert chosen == [("saturation", 6)]
    assert "The saturation is 0.7: " in capsys.readouterr().out


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
