"""The command that chooses how far smoothing remembers compares what it says it compares."""

import numpy as np
import pytest
from skimage import color

from benchmarks.films.made import MadeFilm, Recipe
from benchmarks.release import smoothing
from zoo import registry
from zoo.photos.samples import sample_photos


@pytest.fixture(scope="module")
def clip():
    recipe = Recipe(shots=2, length=(5, 6), fades=0.0, dissolves=0.0, flashes=0.0, grain=30.0)
    return MadeFilm([photo.read(64) for photo in sample_photos("test")], 0, recipe, (32, 48))


@pytest.fixture(scope="module")
def seen(clip):
    model = registry.create_model("mse_regression", "tiny")
    return model, list(smoothing.look_at(model, clip))


def test_frames_are_seen_as_photos_are(clip, seen):
    model, frames = seen
    assert [one.motion is None for one in frames] == [n in clip.starts for n in range(len(clip))]
    for rgb, one in zip(clip, frames, strict=True):
        colored = one.whole.merge(model.decode(one.prediction))[0]
        np.testing.assert_allclose(colored, model.colorize(rgb), atol=1)


def test_nothing_kept_is_frame_by_frame_and_more_is_steadier(seen):
    found = smoothing.smoothing_scores(*seen)
    assert found.keys() == {(0.0, 0)} | {(k, n) for k in smoothing.KEPT[1:] for n in (0, 8)}
    model, frames = seen
    plain = [one.whole.merge(model.decode(one.prediction))[0] for one in frames]
    errors = [
        color.deltaE_ciede2000(color.rgb2lab(one.true.pair.truth), color.rgb2lab(rgb)).mean()
        for one, rgb in zip(frames, plain, strict=True)
    ]
    assert found[0.0, 0]["ciede2000"] == pytest.approx(np.mean(errors), abs=0.02)
    assert found[0.9, 0]["warp_error"] < found[0.5, 0]["warp_error"] < found[0.0, 0]["warp_error"]
    assert found[0.9, 8]["warp_error"] < found[0.9, 0]["warp_error"]
    rows = smoothing.smoothing_rows("m", [found, found])
    assert rows[0] == ["m", "0", "0", *2 * ["1.000 [1.000, 1.000]"], "0.000 [0.000, 0.000]"]


def test_trusted_key_frames_bring_their_colors_on(seen):
    found = smoothing.key_scores(*seen)
    figures = [found[trust] for trust in smoothing.TRUST]
    assert figures == sorted(figures, reverse=True)
    assert figures[-1] < 0.7 * figures[0]


def test_the_command_prints_both_tables(tmp_path, capsys, monkeypatch):
    for photo in sample_photos("test"):
        (tmp_path / photo.path.name).write_bytes(photo.path.read_bytes())
    for name, few in (("KEPT", (0.0, 0.9)), ("TRUST", (0.0, 0.9)), ("_SIZE", (32, 48))):
        monkeypatch.setattr(smoothing, name, few)
    recipe = Recipe(shots=2, length=(5, 5), fades=0.0, dissolves=0.0, flashes=0.0)
    monkeypatch.setattr(smoothing, "_RECIPE", recipe)
    command = ["--photos", str(tmp_path), "--models", "mse_regression", "--clips", "2"]
    assert smoothing.main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("| mse_regression | 0")]) == 5
