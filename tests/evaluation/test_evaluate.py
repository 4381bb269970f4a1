import dataclasses
import os
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from fake_photos import Dimmer, FakePhoto, FakeSet, photos_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo.errors import ZooError
from zoo.evaluation.evaluate import evaluate, evaluate_variants
from zoo.metrics import Pair, color_prior, get_metric, list_metrics, rgb_to_lab
from zoo.metrics.scores import colorfulness


class Gray:
    """Replaces each pixel by the gray of equal Lab lightness."""

    name, preset = "gray", "only"

    def __init__(self):
        levels = rgb_to_lab(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1))[:, 0]
        self.borders = (levels[1:] + levels[:-1]) / 2

    def colorize_batch(self, rgb):
        level = np.searchsorted(self.borders, rgb_to_lab(rgb)[..., 0]).astype(np.uint8)
        return np.repeat(level[..., None], 3, axis=-1)


def test_every_photo_is_scored_against_its_own_truth():
    photos = photos_of((8, 9), (8, 9), (5, 5), (8, 9), (1, 1))
    photos.append(FakePhoto(9, gray=True))
    model = Dimmer()
    report = evaluate(model, photos)
    truths = [photo.read() for photo in photos]
    pairs = [Pair(truth, model.colorize_batch(truth[None])[0]) for truth in truths]
    assert list(report.scores) == list_metrics()
    for name, scores in report.scores.items():
        np.testing.assert_array_equal(scores, [get_metric(name).score(pair) for pair in pairs])
    assert list(report.weights) == ["auc_rebalanced"]
    np.testing.assert_array_equal(
        report.weights["auc_rebalanced"],
        [get_metric("auc_rebalanced").weight(pair) for pair in pairs],
    )
    assert report.prior == color_prior().sha256
    assert evaluate(model, photos, metrics=["psnr"]).prior is None
    assert report.photos == tuple(photo.name for photo in photos)
    assert report.labels == ("fake",) * 6
    assert (report.model, report.fingerprint, report.size) == ("dimmer:half", "f1", None)


def test_batches_are_neighbors_of_one_shape_in_order():
    model = Dimmer()
    a, b = (8, 9), (9, 8)
    photos = photos_of(a, a, a, a, a, b, a, a)
    evaluate(model, photos, batch_size=3, metrics=["psnr"])
    shapes = [rgb.shape for rgb, _ in model.calls]
    assert shapes == [(3, *a, 3), (2, *a, 3), (1, *b, 3), (2, *a, 3)]
    given_photos = [photo for rgb, _ in model.calls for photo in rgb]
    for photo, given_photo in zip(photos, given_photos, strict=True):
        np.testing.assert_array_equal(photo.read(), given_photo)


@given(batch_size=st.integers(1, 9))
def test_scores_do_not_depend_on_the_batch_size(batch_size):
    photos = photos_of(*[(4, 5)] * 5, (3, 3))
    found = evaluate(Dimmer(), photos, batch_size=batch_size, metrics=["ab_rmse"])
    whole = evaluate(Dimmer(), photos, batch_size=1, metrics=["ab_rmse"])
    np.testing.assert_array_equal(found.scores["ab_rmse"], whole.scores["ab_rmse"])


def test_each_truth_is_read_once_and_converted_once(monkeypatch):
    converted = []

    def counting(rgb):
        converted.append(rgb.tobytes())
        return rgb_to_lab(rgb)

    monkeypatch.setattr("zoo.metrics.pair.rgb_to_lab", counting)
    photos = photos_of((4, 4), (8, 9), (8, 9))
    assert evaluate(Dimmer(), photos, size=32).size == 32
    for photo in photos:
        assert photo.reads == [32]
        assert converted.count(photo.read().tobytes()) == 1


def test_options_reach_the_model_and_the_report():
    model = Dimmer()
    report = evaluate(model, photos_of((4, 4)), metrics=["psnr"], temperature=0.4, render_factor=16)
    assert model.calls[0][1] == report.options == {"temperature": 0.4, "render_factor": 16}


def test_variants_are_scored_as_each_alone_in_one_pass():
    class Shades(Dimmer):
        def colorize_batch(self, rgb, share):
            gray = rgb.mean(-1, keepdims=True)
            return (share * rgb + (1 - share) * gray).astype(np.uint8)

        def colorize_variants(self, rgb, variants):
            self.calls.append(rgb)
            return [self.colorize_batch(rgb, **options) for options in variants]

    model, photos = Shades(), photos_of((8, 9), (8, 9), (5, 5))
    variants = [{"share": 0.25}, {"share": 0.75}]
    found = evaluate_variants(model, photos, variants, size=32)
    assert len(model.calls) == 2, "one for each shape"
    assert photos[0].reads == [32]
    for options, report in zip(variants, found, strict=True):
        expected = evaluate(model, photos, size=32, **options)
        assert report == dataclasses.replace(expected, seconds=report.seconds)
    assert found[0].true_colorfulness == pytest.approx(
        np.mean([colorfulness(Pair(p.read(), p.read())) for p in photos])
    )


def test_batches_of_large_photos_and_many_variants_are_smaller(monkeypatch):
    monkeypatch.setattr("zoo.evaluation.evaluate._PIXELS", 2 * 72)
    model = Dimmer()
    evaluate(model, photos_of((8, 9), (8, 9), (8, 9), (40, 40)), metrics=["psnr"])
    assert [len(rgb) for rgb, _ in model.calls] == [2, 1, 1]


def test_memory_does_not_grow_with_the_number_of_photos():
    alive, most = 0, 0

    def died():
        nonlocal alive
        alive -= 1

    class Watched(FakePhoto):
        def read(self, short_side=None):
            nonlocal alive, most
            rgb = super().read(short_side)
            weakref.finalize(rgb, died)
            alive += 1
            most = max(most, alive)
            return rgb

    class Forgetful:
        name, preset = "forgetful", "copy"

        def colorize_batch(self, rgb):
            return rgb.copy()

    evaluate(Forgetful(), FakeSet(Watched(number) for number in range(60)), batch_size=4)
    assert most <= 4 + 2


def test_only_the_time_of_colorizing_is_counted():
    class Slow(Dimmer):
        def colorize_batch(self, rgb):
            time.sleep(0.03)
            return rgb

    class SlowToRead(FakePhoto):
        def read(self, short_side=None):
            time.sleep(0.03)
            return super().read(short_side)

    report = evaluate(Slow(), photos_of(*[(4, 4)] * 4), batch_size=2, metrics=["psnr"])
    assert 0.06 <= report.seconds < 0.5
    photos = FakeSet([SlowToRead(0), SlowToRead(1)])
    assert evaluate(Dimmer(), photos, metrics=["psnr"]).seconds < 0.03


def test_progress_goes_to_standard_error_and_only_if_asked_for(capsys):
    evaluate(Dimmer(), photos_of((4, 4), (4, 4)))
    assert capsys.readouterr() == ("", "")
    evaluate(Dimmer(), photos_of((4, 4), (4, 4)), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Scoring" in err


@pytest.mark.parametrize(
    ("spoil", "received"),
    [
        (lambda rgb: rgb[:, :-1], "uint8 (2, 3, 5, 3)"),
        (lambda rgb: rgb[:1], "uint8 (1, 4, 5, 3)"),
        (lambda rgb: rgb / 255, "float64 (2, 4, 5, 3)"),
        (lambda rgb: list(rgb), "list"),
        (lambda rgb: None, "NoneType"),
    ],
)
def test_a_model_that_returns_something_else_is_told_so(spoil, received):
    class Broken:
        name, preset = "broken", "tiny"

        def colorize_batch(self, rgb):
            return spoil(rgb)

    with pytest.raises(ZooError) as caught:
        evaluate(Broken(), photos_of((4, 5), (4, 5)))
    assert "broken" in str(caught.value)
    assert "uint8 (2, 4, 5, 3)" in str(caught.value)
    assert received in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metrics": ["psnr", "lpip"]}, "no metric 'lpip'"),
        ({"size": 0}, "size must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"temperature": float("nan")}, "Option 'temperature'"),
        ({"temperature": object()}, "Option 'temperature'"),
        ({"temperature": (1, 2)}, "Option 'temperature'"),
    ],
)
def test_bad_settings_are_refused_before_any_photo_is_read(settings, message):
    photos = photos_of((4, 4))
    with pytest.raises(ZooError, match=message):
        evaluate(Dimmer(), photos, **settings)
    assert photos[0].reads == []


def test_no_photos_is_an_error():
    with pytest.raises(ZooError, match="no photos"):
        evaluate(Dimmer(), FakeSet())


@pytest.mark.parametrize(
    ("folder", "photos", "ab_rmse", "auc"),
    [("scenes128", 1145, 14.53, 0.9002), ("objects128", 1175, 18.36, 0.8768)],
)
def test_gray_baseline_on_real_photos(folder, photos, ab_rmse, auc):
    if "ZOO_PHOTOS" not in os.environ:
        pytest.skip("ZOO_PHOTOS does not name a folder with the test photos")

    class File:
        def __init__(self, path):
            self.path, self.name, self.label = path, path.name, path.parent.name

        def read(self, short_side=None):
            with Image.open(self.path) as image:
                return np.asarray(image.convert("RGB"))

    paths = sorted((Path(os.environ["ZOO_PHOTOS"]) / folder / "test").rglob("*.jpg"))
    assert len(paths) == photos
    figures = evaluate(Gray(), FakeSet(map(File, paths)), metrics=["ab_rmse", "auc"]).summary()
    assert figures["ab_rmse"].mean == pytest.approx(ab_rmse, abs=0.005)
    assert figures["auc"].mean == pytest.approx(auc, abs=0.00005)
