import signal

import numpy as np
import pytest
from conftest import RECIPE, make_photo_folder

from benchmarks.release import train
from benchmarks.release.model_texts import MODEL_TEXTS
from benchmarks.release.privacy import _chance_below, _nearest, membership
from zoo import PhotoSet, create_model, list_models, load_model
from zoo.evaluation.calibrate import TemperatureStudy
from zoo.evaluation.report import Interval
from zoo.metrics.pair import Pair
from zoo.metrics.scores import colorfulness


@pytest.fixture
def command(tmp_path):
    photos = make_photo_folder(tmp_path)
    validation = make_photo_folder(tmp_path / "validation", seed=1)
    places = ["--out", str(tmp_path / "runs"), "--ship", str(tmp_path / "shipped")]
    return [*RECIPE, "--photos", str(photos), "--val-photos", str(validation), *places]


def test_every_model_that_learns_has_its_words():
    assert set(MODEL_TEXTS) == set(list_models()) - {"gray"}


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
    assert one["training"]["fingerprint"] == other["training"]["fingerprint"]
    assert one["weights_sha256"] == other["weights_sha256"]


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


@pytest.mark.parametrize(
    ("auc", "colorfulness", "chosen"),
    [
        # The best AuC is at 1, and 0.5 is within 0.001 of it: that is vivid enough.
        ((0.85, 0.8995, 0.9), (30, 25, 20), 0.5),
        # It is too muted: the highest that is vivid and not below gray.
        ((0.85, 0.8995, 0.9), (30, 23, 20), 0.0),
        # All that is vivid is below gray, and all is muted.
        ((0.79, 0.8995, 0.9), (30, 23, 20), 0.5),
        ((0.85, 0.8995, 0.9), (20, 19, 18), 0.5),
        # What is vivid again above the choice is no reason to go there.
        ((0.85, 0.9, 0.85), (20, 19, 25), 0.5),
    ],
)
def test_the_temperature_is_vivid_where_that_costs_nothing_against_gray(auc, colorfulness, chosen):
    def means(values):
        return tuple(Interval(value, value, value) for value in values)

    figures = {"auc": means(auc), "colorfulness": means(colorfulness)}
    figures["delta_colorfulness"] = means(30 - value for value in colorfulness)
    gray = {"auc": 0.8}
    study = TemperatureStudy("zhang", 4, "", None, (0.0, 0.5, 1.0), figures, gray, 30.0)
    assert train.vivid_temperature(study) == chosen


def test_the_saturation_is_the_lowest_that_is_colorful_enough(tmp_path):
    photos = PhotoSet.from_folder(make_photo_folder(tmp_path))
    true = [photo.read() for photo in photos]
    truth = np.mean([colorfulness(Pair(rgb, rgb)) for rgb in true])

    def share(model, saturation):
        made = [model.colorize(rgb, saturation=saturation) for rgb in true]
        return np.mean([colorfulness(Pair(rgb, rgb)) for rgb in made]) / truth

    model = create_model("gan:tiny", train_size=16)
    model.defaults["render_factor"] = 1
    last = model.networks["colorizer"].trainable_variables[-1]
    last.assign([0.2, 0.2])
    last.assign(np.array([0.2, 0.2]) * 0.65 / share(model, 1.0))  # about two thirds
    train._choose_saturation(model.save(tmp_path / "run"), photos)
    chosen = load_model(tmp_path / "run")
    found = chosen.defaults["saturation"]
    assert 1 < found < 2
    assert share(model, found) >= 0.8 > share(model, found - 0.05)
    assert chosen.card["saturation"]["colorfulness_share"] == round(share(model, found), 3)


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
