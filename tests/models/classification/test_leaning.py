"""Distributions that lean: toward a palette, toward means, toward one color."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

import zoo
from zoo import conformance
from zoo.color.bins import ab_bins
from zoo.hints.marks import Hints
from zoo.models.classification.leaning import leanings, tilted, with_palette

COLORS = ab_bins().centers
rng = np.random.default_rng


def logits_of(height, width, seed=0, spread=2.0):
    """Each place prefers two colors of its own."""
    generator = rng(seed)
    logits = generator.normal(0, spread / 4, (height, width, len(COLORS)))
    for _ in range(2):
        middle = generator.normal(0, 25, (height, width, 1, 2))
        squares = np.square(COLORS - middle).sum(axis=-1)
        logits += 3 * spread * np.exp(-squares / 400)
    return logits.astype("float32")


def annealed(logits, temperature):
    return softmax(logits.astype(float) / temperature, axis=-1) @ COLORS


def means(logits, temperature, counted=None):
    ab = annealed(logits, temperature)
    weights = np.ones(ab.shape[:2]) if counted is None else counted
    weights = weights / weights.sum()
    return (weights[..., None] * ab).sum(axis=(0, 1)), (weights * np.hypot(*ab.T).T).sum()


@pytest.mark.parametrize("temperature", [0.38, 1.0])
@pytest.mark.parametrize(
    ("target", "saturation"), [((15, 10), None), ((-10, 25), None), (None, 12.0), ((5, -12), 20.0)]
)
def test_means_become_what_is_asked_for(temperature, target, saturation):
    logits, counted = logits_of(12, 16), rng(1).uniform(0, 1, (12, 16))
    wanted = None if target is None else np.array(target, float)
    found = tilted(logits, COLORS, counted, temperature, wanted, saturation)
    assert found.dtype == np.float32
    ab, chroma = means(found, temperature, counted)
    if target is not None:
        np.testing.assert_allclose(ab, target, atol=0.1)
    if saturation is not None:
        assert chroma == pytest.approx(saturation, abs=0.1)


def test_the_tilt_is_of_the_exponential_family():
    """The logits change by one linear function of a and b everywhere: the least change of all."""
    logits = logits_of(8, 9)
    change = tilted(logits, COLORS, np.ones((8, 9)), 0.5, np.array([10.0, -10.0]), None) - logits
    np.testing.assert_allclose(change - change[:1, :1], 0, atol=1e-4)
    slopes, *_ = np.linalg.lstsq(COLORS, change[0, 0], rcond=None)
    np.testing.assert_allclose(change[0, 0], COLORS @ slopes, atol=1e-4)
    assert slopes[0] > 0 > slopes[1]


def test_no_other_change_to_the_same_mean_is_smaller():
    """In divergence, at the temperature 1, among random changes that keep the mean."""
    logits = logits_of(4, 5)
    target, ones = np.array([6.0, 8.0]), np.ones((4, 5))
    found = tilted(logits, COLORS, ones, 1.0, target, None)
    plain, tilt = log_softmax(logits, axis=-1), log_softmax(found, axis=-1)
    least = (np.exp(tilt) * (tilt - plain)).sum(axis=-1).mean()
    for seed in range(5):
        noise = rng(seed).normal(0, 0.5, logits.shape)
        other = tilted((logits + noise).astype("float32"), COLORS, ones, 1.0, target, None)
        np.testing.assert_allclose(means(other, 1.0)[0], target, atol=0.1)
        logs = log_softmax(other, axis=-1)
        assert (np.exp(logs) * (logs - plain)).sum(axis=-1).mean() > least


def test_where_nothing_is_asked_nothing_changes():
    logits = logits_of(4, 5)
    assert tilted(logits, COLORS, np.ones((4, 5)), 0.38, None, None) is logits
    model, photo = zoo.create_model("zhang:tiny"), conformance.random_photo(20, 30)
    plain = model.colorize(photo, render_factor=2)
    np.testing.assert_array_equal(model.colorize(photo, hints=Hints(), render_factor=2), plain)


def test_what_is_out_of_reach_is_approached():
    logits = logits_of(4, 5)
    found = tilted(logits, COLORS, np.ones((4, 5)), 0.38, np.array([500.0, 0.0]), None)
    assert np.isfinite(found).all()
    assert means(found, 0.38)[0][0] > 60
    # At 0 too, where means jump.
    found = tilted(logits, COLORS, np.ones((4, 5)), 0.0, np.array([20.0, 20.0]), None)
    assert np.linalg.norm(means(found, 0.01)[0] - (20, 20)) < np.linalg.norm(
        means(logits, 0.01)[0] - (20, 20)
    )


def test_a_palette_gains_everywhere():
    logits = logits_of(6, 7)
    palette = np.array([(40.0, 30.0), (-10.0, -40.0)], np.float32)
    found = with_palette(logits, COLORS, palette)
    near = np.linalg.norm(COLORS[:, None] - palette, axis=-1).min(axis=1) < 12
    before, after = (softmax(x, axis=-1)[..., near].sum(axis=-1) for x in (logits, found))
    assert (after > before).all()
    np.testing.assert_allclose(softmax(found, axis=-1).sum(axis=-1), 1, atol=1e-5)
    # By factors from a twentieth to 1: what a network is sure of stays.
    factors = np.exp(found - logits)
    assert factors.min() == pytest.approx(0.05, abs=1e-3)
    assert factors[..., near].min() > 0.7
    assert factors.max() <= 1 + 1e-5
    sure = np.full((1, 1, len(COLORS)), -30, "float32")
    sure[..., 7] = 0
    np.testing.assert_allclose(annealed(with_palette(sure, COLORS, palette), 1), COLORS[[[7]]])


def test_ways_to_lean_are_ordered_by_plausibility():
    logits = logits_of(20, 30)
    plain, *found = leanings(logits, COLORS, 0.38)
    assert not plain.factors.any()
    np.testing.assert_allclose(plain.means, annealed(logits, 0.38).reshape(-1, 2), atol=1e-2)
    assert len(found) > 8
    assert [one.plausibility for one in found] == sorted(
        (one.plausibility for one in found), reverse=True
    )
    logs = log_softmax(logits, axis=-1)
    for one in (found[0], found[-1]):
        taken = softmax((logits + one.factors) / 0.38, axis=-1)
        assert one.plausibility == pytest.approx((taken * logs).sum(axis=-1).mean(), abs=1e-3)
        # Toward one color, which is none: an answer of less color says less.
        toward = COLORS[one.factors.argmax()]
        assert np.hypot(*toward) >= 20
        assert (
            np.linalg.norm(one.means - toward, axis=-1).mean()
            < np.linalg.norm(plain.means - toward, axis=-1).mean()
        )


def test_large_photos_are_looked_at_in_part():
    logits = np.zeros((100, 90, len(COLORS)), "float32")
    assert 1000 < len(leanings(logits, COLORS, 1.0)[0].means) <= 2048


def test_shares_stay_distributions_and_the_outright_color_moves_along():
    model = zoo.create_model("hinted:tiny")
    prediction = model.predict({"lightness": rng(0).uniform(0, 100, (1, 16, 24, 1))})
    leaned = model.leaned(prediction, Hints(mean_color=(20, 5), palette=("#a02020",)))
    shares = leaned.probabilities()
    assert shares.shape[-1] == len(model.bins)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)
    assert leaned.shares().shape[-1] == len(model.bins) + 2
    moved = [
        np.asarray(model.decode(one, outright=share)).mean(axis=(0, 1, 2))
        for share in (0, 1)
        for one in (prediction, leaned)
    ]
    np.testing.assert_allclose(moved[1] - moved[0], moved[3] - moved[2], atol=0.5)
    np.testing.assert_allclose(moved[1], (20, 5), atol=0.5)
