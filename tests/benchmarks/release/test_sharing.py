"""Models that were trained on one frozen encoder store it once."""

import shutil

import numpy as np
import pytest

from benchmarks.release.sharing import share_encoders
from zoo import create_model, load_model
from zoo.card import read_card
from zoo.errors import ZooError
from zoo.saving import SHARED, size_on_disk


def weights(model):
    return model.weight_values()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Two models with the same encoder, one with another, and one without any."""
    folder = tmp_path_factory.mktemp("models")
    first = create_model("mse_regression:compact", width=8)
    second = create_model("zhang:compact", width=8)
    other = create_model("mse_regression:compact", width=8)
    changed = weights(other)
    name = next(name for name in changed if name.startswith("colorizer/encoder_stem"))
    other.assign(changed | {name: changed[name] + 1})
    plain = create_model("mse_regression:tiny")
    models = {"first": first, "second": second, "other": other, "plain": plain}
    for title, model in models.items():
        model.fitted = True
        model.save(folder / title)
    return folder, models


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved[0], tmp_path / "models")


def require_same(folder, models):
    for name, model in models.items():
        loaded, expected = weights(load_model(folder / name)), weights(model)
        assert loaded.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(loaded[key], value)


def test_an_encoder_is_stored_once_and_the_models_stay_what_they_were(folder, saved):
    before = {name: (folder / name / "weights.npz").stat().st_size for name in saved[1]}
    ((digest, names),) = share_encoders(folder).items()
    assert names == ["first", "second"]
    (file,) = (folder / SHARED).iterdir()
    assert file.name == f"{digest}.npz"
    require_same(folder, saved[1])
    for name in names:
        assert read_card(folder / name).shared_sha256 == digest
        own = (folder / name / "weights.npz").stat().st_size
        assert own < 0.2 * before[name]
        assert size_on_disk(folder / name) > own + file.stat().st_size
    for name in ("other", "plain"):
        assert read_card(folder / name).shared_sha256 is None
        assert (folder / name / "weights.npz").stat().st_size == before[name]
    cards = {name: (folder / name / "card.json").read_bytes() for name in saved[1]}
    assert share_encoders(folder) == {digest: names}  # nothing changes
    assert cards == {name: (folder / name / "card.json").read_bytes() for name in saved[1]}


def test_what_is_shared_no_more_is_whole_again(folder, saved):
    share_encoders(folder)
    shutil.rmtree(folder / "second")
    assert share_encoders(folder) == {}
    assert not list((folder / SHARED).iterdir())
    require_same(folder, {"first": saved[1]["first"]})


def test_a_saved_copy_is_whole(folder, saved, tmp_path):
    share_encoders(folder)
    load_model(folder / "first").save(tmp_path / "copy")
    assert read_card(tmp_path / "copy").shared_sha256 is None
    require_same(tmp_path, {"copy": saved[1]["first"]})


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_missing_or_changed_encoder_is_told(folder, damage):
    share_encoders(folder)
    (file,) = (folder / SHARED).iterdir()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ZooError, match="missing or was changed; copy the folder shared along"):
        load_model(folder / "first")
