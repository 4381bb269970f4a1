"""Predictions averaged over views of a photo, and smoothed along edges of lightness."""

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

import zoo
from predictions import CountingRunner, off
from zoo import conformance, preprocessing
from zoo.color.bins import Bins
from zoo.consensus import VIEWS, View, averaged
from zoo.errors import ZooError
from zoo.evaluation.evaluate import evaluate, evaluate_variants
from zoo.inputs import LIGHTNESS, Input
from zoo.prediction import Chroma, Distribution

VECTOR = Input("embedding", "vector", 3)
MAP = Input("hints", "map", 2)


def made(name):
    return conformance.shaken(zoo.create_model(name))


def shares(model, lightness, **options):
    return ops.convert_to_numpy(model.predict({"lightness": lightness}, **options).shares())


def by_pillow(channels, size, how):
    """(h, w, C) -> (*size, C), each channel by itself."""
    images = [Image.fromarray(channel) for channel in np.moveaxis(channels, 2, 0)]
    return np.stack([np.asarray(one.resize(size[::-1], how)) for one in images], axis=-1)


@pytest.mark.parametrize("name", ["zhang:tiny", "mse_regression:tiny", "gan:tiny"])
@pytest.mark.parametrize("consensus", [2, 3, 6])
def test_consensus_is_the_mean_of_predictions_one_by_one(name, consensus):
    """Views are made and laid over each other by NumPy and Pillow."""
    model = made(name)
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 64, 128, 1)).astype("float32")
    main = shares(model, lightness)[0]
    views = []
    for quarters in (4,) if consensus == 2 else (4, 3, 2):
        size = 64 * quarters // 4, 128 * quarters // 4
        small = np.clip(by_pillow(lightness[0], size, Image.Resampling.LANCZOS), 0, 100)[None]
        found = [shares(model, small)[0]]
        if consensus != 3:
            found.append(shares(model, small[:, :, ::-1])[0][:, ::-1])
        views += [by_pillow(x, main.shape[:2], Image.Resampling.BILINEAR) for x in found]
    assert len(views) == consensus
    ours = shares(model, lightness, consensus=consensus)[0]
    np.testing.assert_allclose(ours, np.mean(views, axis=0), atol=2e-3 * np.abs(main).max())
    assert np.abs(ours - main).max() > 0.02 * np.abs(main).max()


@pytest.mark.parametrize("size", [(64, 64), (37, 53), (13, 50)])
@pytest.mark.parametrize("consensus", [2, 3, 6])
def test_views_lie_over_each_other(size, consensus):
    """Where a network repeats L at a fourth of its size, all views of a slope say the same.

    Views of such sizes are padded by different numbers of pixels, at different sides of the photo.
    """
    x = np.linspace(0, 100, size[0])[:, None] * 0.3 + np.linspace(0, 100, size[1]) * 0.7
    lightness = x[None, ..., None].astype("float32")

    def predict(inputs):
        padded = preprocessing.reflect_to_multiple(inputs["lightness"], 16)
        ab = ops.repeat(ops.average_pool(padded, 4, 4), 2, axis=-1)
        return Chroma(padded, tuple(inputs["lightness"].shape[1:3]), ab)

    found = averaged([LIGHTNESS], {"lightness": lightness}, consensus, predict)
    (main, ours) = (
        ops.convert_to_numpy(one.shares()) for one in (predict({"lightness": lightness}), found)
    )
    # The last places hold pixels of the padding; at edges a filter has less to go by.
    inner = np.s_[:, 1 : size[0] // 4 - 1, 1 : size[1] // 4 - 1]
    step = 100 * 0.7 * 4 / size[1]  # from place to place
    np.testing.assert_allclose(ours[inner], main[inner], atol=0.35 * step)
    assert abs((ours - main)[inner].mean()) < 0.1 * step


@pytest.mark.parametrize("consensus", [2, 6])
def test_a_mirrored_photo_becomes_the_mirrored_result(consensus):
    model, photo = made("zhang:tiny"), conformance.random_photo(64, 96)
    options = {"render_factor": 4, "consensus": consensus}
    straight = model.colorize(photo, **options)
    mirrored = model.colorize(photo[:, ::-1].copy(), **options)
    assert off(mirrored[:, ::-1], straight) <= 1
    alone = [model.colorize(one.copy(), render_factor=4) for one in (photo, photo[:, ::-1])]
    assert off(alone[1][:, ::-1], alone[0]) > 5


def test_vectors_are_the_same_in_every_view_and_maps_follow_it():
    rng = np.random.default_rng(0)
    inputs = {"lightness": rng.uniform(0, 100, (1, 8, 12, 1)), "embedding": rng.normal(size=(1, 3))}
    inputs["hints"] = rng.normal(size=(1, 8, 12, 2))
    for views in VIEWS.values():
        for view in views:
            seen = view.of([LIGHTNESS, VECTOR, MAP], inputs)
            assert seen["embedding"] is inputs["embedding"]
            sides = {tuple(seen[name].shape[1:3]) for name in ("lightness", "hints")}
            assert sides == {(8 * view.quarters // 4, 12 * view.quarters // 4)}
    mirrored = View(mirrored=True).of([LIGHTNESS, MAP], inputs)
    for name in ("lightness", "hints"):
        np.testing.assert_array_equal(mirrored[name], inputs[name][:, :, ::-1])


def test_evaluation_takes_the_same_path_and_networks_run_once_a_view(photo_folder):
    model, photos = made("zhang:tiny"), zoo.PhotoSet.from_folder(photo_folder)
    variants = [
        {"render_factor": 2, "consensus": 6, "temperature": t, "edge_radius": r}
        for t, r in ((0.2, 0), (1.0, 0), (1.0, 8))
    ]
    reports = evaluate_variants(model, photos, variants, metrics=["ciede2000"])
    for variant, report in zip(variants, reports, strict=True):
        alone = evaluate(model, photos, metrics=["ciede2000"], **variant)
        np.testing.assert_array_equal(report.scores["ciede2000"], alone.scores["ciede2000"])
    assert len({report.scores["ciede2000"].mean() for report in reports}) == 3
    runner, rgb = CountingRunner(), photos[0].read()[None]
    colored = model.colorize_variants(rgb, variants, runner=runner)
    assert runner.calls == 6
    for variant, one in zip(variants, colored, strict=True):
        np.testing.assert_array_equal(one, model.colorize_batch(rgb, **variant))


def test_confidence_is_that_of_the_mean_distribution():
    model, photo = made("zhang:tiny"), conformance.random_photo(64, 64)
    single, mean = (model.confidence(photo, render_factor=4, consensus=c) for c in (0, 6))
    # The entropy of a mean is at least the mean of the entropies (it is concave).
    views = [model.confidence(photo[:, ::-1].copy(), render_factor=4)[:, ::-1], single]
    both = model.confidence(photo, render_factor=4, consensus=2)
    assert (both <= np.mean(views, axis=0) + 1e-5).all()
    assert mean.mean() < single.mean()


def test_values_and_models_without_the_option_are_named():
    model = zoo.create_model("zhang:tiny")
    with pytest.raises(ZooError, match=r"consensus .* must be 0, 2, 3 or 6; got 4"):
        model.resolve_options({"consensus": 4})
    for name in ("gray", "mean_color"):
        with pytest.raises(ZooError, match=r"no option of .* 'consensus'.*render_factor"):
            zoo.create_model(name).resolve_options({"consensus": 2})


def guided(values, guide, radius, epsilon):
    """He, Sun and Tang 2013, equations 5, 6 and 8, pixel by pixel."""
    height, width = guide.shape

    def window(i, j):
        rows = slice(max(0, i - radius), min(height, i + radius + 1))
        return rows, slice(max(0, j - radius), min(width, j + radius + 1))

    a, b = np.zeros_like(values), np.zeros_like(values)
    for i, j in np.ndindex(height, width):
        g, p = guide[window(i, j)], values[window(i, j)]
        a[i, j] = (np.mean(g * p) - g.mean() * p.mean()) / (g.var() + epsilon)
        b[i, j] = p.mean() - a[i, j] * g.mean()
    return np.array(
        [
            [a[window(i, j)].mean() * guide[i, j] + b[window(i, j)].mean() for j in range(width)]
            for i in range(height)
        ]
    )


@pytest.mark.parametrize(("radius", "places"), [(1, 1), (8, 2), (9, 3), (40, 10)])
def test_smoothing_is_the_guided_filter(radius, places):
    """The radius is in px, of which a place of the output has 4 x 4."""
    rng = np.random.default_rng(0)
    lightness = np.repeat(np.repeat(rng.uniform(0, 100, (1, 7, 9, 1)), 4, axis=1), 4, axis=2)
    lightness = lightness.astype("float32")
    guide = by_pillow(lightness[0], (7, 9), Image.Resampling.LANCZOS)[..., 0].clip(0, 100) / 100
    ab = rng.normal(0, 20, (1, 7, 9, 2)).astype("float32")
    found = ops.convert_to_numpy(Chroma(lightness, (28, 36), ab).smoothed(radius).shares())
    for channel in range(2):
        expected = guided(ab[0, ..., channel].astype(float), guide.astype(float), places, 1e-3)
        np.testing.assert_allclose(found[0, ..., channel], expected, atol=2e-2)


def test_a_smoothed_distribution_is_one_and_keeps_to_edges():
    """Left dark and certain of one bin but for a stain, right light and certain of another."""
    lightness = np.full((1, 32, 32, 1), 20, "float32")
    lightness[:, :, 16:] = 80
    logits = np.zeros((1, 8, 8, 2), "float32")
    logits[:, :, :4, 0], logits[:, :, 4:, 1] = 8, 8
    logits[0, 3, 1] = (0, 8)
    bins = Bins(np.zeros((2, 2), "float32"), (1, 1), (-1, -1), (1, 1))
    before = Distribution(lightness, (32, 32), logits, bins)
    after = before.smoothed(16).probabilities()
    np.testing.assert_allclose(after.sum(axis=-1), 1, atol=1e-6)
    assert before.probabilities()[0, 3, 1, 1] > 0.99
    assert after[0, 3, 1, 1] < 0.2
    assert (after[0, :, 4:, 1] > 0.9).all()
    assert before.smoothed(0) is before


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports are TensorFlow's")
@pytest.mark.usefixtures("small_checks")
def test_exports_average_and_smooth_as_the_model_does(tmp_path):
    """An export is kept only if, in a process of its own, its colors are the model's.

    Views that are mirrored and views of other sizes are traced alike for all formats, ONNX and
    LiteRT from one network: those of the one and of the other, of which a consensus of 6 has both,
    take a fraction of the time.
    """
    import tensorflow as tf

    options = {"render_factor": 2, "denoise": 20, "consensus": 2, "edge_radius": 8}
    made("zhang:tiny").export(tmp_path / "other", "onnx", **options)
    options["consensus"], model = 3, made("mse_regression:tiny")
    made_at = model.export(tmp_path / "saved", **options)
    photo = conformance.random_photo(37, 23)[None]
    colorized = tf.saved_model.load(str(made_at / "saved_model" / "1")).colorize(photo)["colorized"]
    assert off(colorized.numpy(), model.colorize_batch(photo, **options)) <= 1
    assert off(colorized.numpy(), model.colorize_batch(photo, render_factor=2)) > 5


@pytest.mark.parametrize("options", [{"consensus": 3}, {"edge_radius": 4}])
def test_litert_of_any_size_resizes_nothing(options, tmp_path):
    with pytest.raises(ZooError, match="need --size"):
        zoo.create_model("zhang:tiny").export(tmp_path / "made", "litert", **options)
    assert not list(tmp_path.iterdir())
