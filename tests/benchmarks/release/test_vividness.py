"""Choosing anew how vivid shipped weights color."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.release import vividness
from zoo import PhotoSet, create_model, evaluate, load_model
from zoo.card import Card
from zoo.evaluation.calibrate import choose_vivid, study


@pytest.fixture
def sets(tmp_path):
    """Two folders, of five and of three photos."""
    generator = np.random.default_rng(0)
    for name, count in (("one", 5), ("two", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            patches = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
            photo = Image.fromarray(patches).resize((40, 32), Image.Resampling.BICUBIC)
            photo.save(tmp_path / name / f"{name}{number}.png")
    return tmp_path


@pytest.mark.parametrize(("most", "names"), [(320, ["one", "two"] * 3), (2, ["one", "two"] * 2)])
def test_each_set_gives_equally_many(sets, most, names):
    parts = [PhotoSet.from_folder(sets / name) for name in ("one", "two")]
    joined = vividness.equal_parts(parts, most)
    assert sorted(photo.name[-8:-5] for photo in joined) == sorted(names)
    assert len(vividness.equal_parts(parts[:1], 4)) == 4


def test_the_folders_get_the_chosen_default_and_nothing_else_changes(sets, capsys):
    models = sets / "models"
    for name in ("gan", "zhang", "gray"):
        create_model(f"{name}:tiny" if name != "gray" else name).save(models / name)
    weights = {path: path.read_bytes() for path in models.glob("*/weights.npz")}
    words = [f"--photos={sets / name}" for name in ("one", "two")]
    assert vividness.main([*words, "--folder", str(models), "--size", "24"]) == 0
    told = capsys.readouterr().out
    assert "6 photos of 2 sets" in told
    photos = vividness.equal_parts([PhotoSet.from_folder(sets / n) for n in ("one", "two")], 320)
    for name, option in (("gan", "saturation"), ("zhang", "temperature")):
        model = load_model(models / name)
        chosen = getattr(model.card, option)
        expected = study(create_model(f"{name}:tiny"), photos, option=option, size=24)
        assert chosen.study == expected
        assert model.defaults[option] == chosen.chosen == choose_vivid(expected)
        assert f"{name}: {option} {chosen.chosen:g} (before " in told
        scores = model.card.validation_scores["validation photos"]
        assert scores.photos == 6
        assert scores.summary == evaluate(model, photos, size=24).summary()
    assert load_model(models / "gray").card.validation_scores == Card().validation_scores
    assert {path: path.read_bytes() for path in weights} == weights
