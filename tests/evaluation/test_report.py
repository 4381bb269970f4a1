import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from fake_photos import Dimmer, photos_of
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import ZooError
from zoo.evaluation.evaluate import evaluate
from zoo.evaluation.report import (
    MIN_PHOTOS_FOR_CLAIMS,
    Interval,
    Report,
    compare,
    compare_all,
    ranks,
    ranks_by_sum,
)


def report_of(values, metric="psnr", model="zhang:tiny", **parts):
    values = np.asarray(values, float)
    names = tuple(f"{number}.jpg" for number in range(len(values)))
    content = {
        "model": model,
        "photos": names,
        "labels": (None,) * len(names),
        "fingerprint": "f1",
        "size": None,
        "options": {},
        "scores": {metric: values},
        "prior": "p1" if "weights" in parts else None,
    }
    return Report(**content | parts)


# --- Report -----------------------------------------------------------------------------------


def test_summary_aggregates_as_each_metric_says():
    scores = {"ab_rmse": [3.0, 4.0], "delta_colorfulness": [-5.0, 1.0], "auc_rebalanced": [0.5, 1]}
    report = report_of(
        [10.0, 30.0],
        scores={name: np.array(values) for name, values in scores.items()},
        weights={"auc_rebalanced": np.array([3.0, 1.0])},
    )
    figures = {name: interval.mean for name, interval in report.summary().items()}
    assert figures == pytest.approx(
        {"ab_rmse": 12.5**0.5, "delta_colorfulness": 2.0, "auc_rebalanced": 0.625}
    )


def labeled(values, **parts):
    return report_of(values, labels=("a", "b", None, "a"), seconds=4.0, **parts)


def test_photos_apart_are_in_the_second_report_alone():
    weights = {"auc_rebalanced": np.array([1.0, 2.0, 3.0, 4.0])}
    scores = {"auc_rebalanced": np.array([0.1, 0.2, 0.3, 0.4]), "psnr": np.arange(4.0)}
    report = labeled([0.0] * 4, scores=scores, weights=weights)
    rest, aside = report.apart({"a", "c"})
    assert (rest.photos, aside.photos) == (("1.jpg", "2.jpg"), ("0.jpg", "3.jpg"))
    assert (rest.labels, aside.labels) == (("b", None), ("a", "a"))
    assert rest.scores["psnr"].tolist() == [1, 2]
    figure = aside.summary()["auc_rebalanced"].mean
    assert figure == pytest.approx((0.1 * 1 + 0.4 * 4) / 5)
    assert rest.seconds == aside.seconds == 2.0
    assert report.apart({"c"}) == (report, None)


def test_parts_compare_where_they_are_of_the_same_photos():
    one, other = labeled([1.0, 2.0, 3.0, 4.0]), labeled([1.0, 4.0, 3.0, 6.0])
    (rest, aside), (rest_of_other, aside_of_other) = one.apart({"a"}), other.apart({"a"})
    assert compare(rest_of_other, rest)["psnr"].mean == pytest.approx(1.0)
    assert compare(aside_of_other, aside)["psnr"].mean == pytest.approx(1.0)
    with pytest.raises(ZooError, match="differ in their fingerprint"):
        compare(rest, aside_of_other)
    with pytest.raises(ZooError, match="no photos"):
        one.only(np.zeros(4, bool))


def test_figures_of_all_photos_are_missing_of_a_part():
    source = {"sha256": "s", "truth": 1.0, "input": "", "notes": []}
    report = labeled(
        [1.0] * 4,
        scores={"psnr": np.ones(4), "top1@net": np.array([1.0, np.nan, np.nan, 0.0])},
        set_scores={"fid@InceptionV3": 3.0},
        sources={"top1@net": source, "fid@InceptionV3": source},
    )
    rest, aside = report.apart({"a"})
    assert not rest.set_scores
    assert rest.missing.keys() == {"top1@net", "fid@InceptionV3"}
    assert not rest.sources
    assert aside.missing.keys() == {"fid@InceptionV3"}
    assert aside.sources.keys() == {"top1@net"}


def test_interval_of_the_mean_agrees_with_the_normal_approximation():
    scores = np.random.default_rng(0).normal(25, 4, 400)
    interval = report_of(scores).summary(resamples=8000)["psnr"]
    half = 1.96 * scores.std() / 20
    assert interval.mean == pytest.approx(scores.mean())
    assert interval.low == pytest.approx(scores.mean() - half, abs=0.02)
    assert interval.high == pytest.approx(scores.mean() + half, abs=0.02)
    narrower = report_of(scores).summary(confidence=0.5, resamples=8000)["psnr"]
    assert narrower.high - narrower.low == pytest.approx(2 * 0.6745 / 1.96 * half, abs=0.03)


@pytest.mark.parametrize("metric", ["psnr", "ab_rmse"])
def test_intervals_cover_the_true_figure_as_often_as_they_say(metric):
    generator = np.random.default_rng(0)
    true = {"psnr": 8.0, "ab_rmse": 72.0**0.5}[metric]  # of a gamma distribution, shape 8
    repetitions, hits = 1500, 0
    for repetition in range(repetitions):
        report = report_of(generator.gamma(8, 1, 200), metric)
        interval = report.summary(resamples=500, seed=repetition)[metric]
        hits += interval.low <= true <= interval.high
    assert 0.93 <= hits / repetitions <= 0.97


def test_weighted_intervals_resample_scores_and_weights_together():
    generator = np.random.default_rng(3)
    scores, weights = generator.uniform(0, 1, 50), generator.uniform(1, 100, 50)
    report = report_of(scores, "auc_rebalanced", weights={"auc_rebalanced": weights})
    interval = report.summary(resamples=300, seed=5)["auc_rebalanced"]
    drawn = []
    draws = np.random.default_rng(5)
    for _ in range(300):
        chosen = draws.integers(50, size=50)
        drawn.append((scores[chosen] * weights[chosen]).sum() / weights[chosen].sum())
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_blocks_of_resamples_bound_the_memory_and_change_nothing(monkeypatch):
    report = report_of(np.random.default_rng(0).normal(size=50))
    whole = report.summary()
    monkeypatch.setattr("zoo.evaluation.report._BLOCK", 130)
    assert report.summary() == whole


def test_a_seed_decides_the_interval():
    report = report_of(np.random.default_rng(0).normal(size=50))
    assert report.summary(seed=1) == report.summary(seed=1)
    assert report.summary(seed=1) != report.summary(seed=2)


def test_one_photo_has_an_interval_of_no_width_and_makes_no_claim():
    report = report_of([25.0])
    assert report.summary()["psnr"] == Interval(25.0, 25.0, 25.0)
    assert not report.supports_claims


def test_claims_need_30_photos():
    assert MIN_PHOTOS_FOR_CLAIMS == 30
    assert not report_of(np.ones(29)).supports_claims
    assert report_of(np.ones(30)).supports_claims


@pytest.mark.parametrize("settings", [{"confidence": 0}, {"confidence": 1}, {"resamples": 0}])
def test_impossible_intervals_are_refused(settings):
    with pytest.raises(ZooError, match=next(iter(settings))):
        report_of([1.0, 2.0]).summary(**settings)


def test_a_report_goes_to_json_and_back_unchanged():
    report = evaluate(Dimmer(), photos_of(*[(6, 5)] * 4), size=64, temperature=0.1, k=[1, 2])
    text = json.dumps(report.to_json(), allow_nan=False)
    again = Report.from_json(json.loads(text))
    assert again == report
    assert json.dumps(again.to_json()) == text
    assert again.summary() == report.summary()
    for name, scores in report.scores.items():
        np.testing.assert_array_equal(again.scores[name], scores)
    assert again != dataclasses.replace(report, size=32)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.pop("photos"),
        lambda content: content.update(more=1),
        lambda content: content["scores"].update(lpips=[1.0, 2.0]),
        lambda content: content["scores"].update(psnr=[1.0]),
        lambda content: content["scores"].update(psnr=[1.0, None]),
        lambda content: content["scores"].update(psnr=[1.0, float("inf")]),
        lambda content: content["scores"].update(psnr=["a", "b"]),
        lambda content: content.update(scores=[1.0, 2.0]),
        lambda content: content.update(labels=["a"]),
        lambda content: content.update(labels=None),
        lambda content: content["weights"].pop("auc_rebalanced"),
        lambda content: content["weights"].update(psnr=[1.0, 1.0]),
    ],
)
def test_damaged_reports_are_refused(damage):
    content = evaluate(Dimmer(), photos_of((4, 4), (4, 4))).to_json()
    damage(content)
    with pytest.raises(ZooError):
        Report.from_json(content)


def test_rows_make_a_table_of_photos():
    report = evaluate(Dimmer(), photos_of((4, 4), (4, 4)), metrics=["ssim", "psnr", "ssim"])
    rows = report.per_photo_rows()
    assert [list(row) for row in rows] == [["photo", "label", "ssim", "psnr"]] * 2
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0].keys())
    writer.writerows(rows)
    line = file.getvalue().splitlines()[1].split(",")
    assert line[:2] == ["001.png", "fake"]
    assert float(line[3]) == report.scores["psnr"][1]


# --- compare ----------------------------------------------------------------------------------


def test_paired_intervals_are_narrower_where_photos_are_hard_for_both():
    generator = np.random.default_rng(0)
    hard = generator.normal(25, 5, 200)
    a = report_of(hard + generator.normal(0.5, 0.5, 200), model="a:tiny")
    b = report_of(hard + generator.normal(0.0, 0.5, 200), model="b:tiny")
    difference = compare(a, b)["psnr"]
    of_a, of_b = a.summary()["psnr"], b.summary()["psnr"]
    assert difference.mean == pytest.approx(of_a.mean - of_b.mean)
    assert of_a.low < of_b.high, "unpaired, the two cannot be told apart"
    assert difference.excludes_zero
    assert difference.low > 0
    assert difference.high - difference.low < (of_a.high - of_a.low) / 4
    expected = 2 * 1.96 * (a.scores["psnr"] - b.scores["psnr"]).std() / 200**0.5
    assert difference.high - difference.low == pytest.approx(expected, rel=0.1)


def test_comparison_of_pooled_figures_is_paired_too():
    generator = np.random.default_rng(1)
    base = generator.uniform(5, 30, 100)
    difference = compare(report_of(base * 1.1, "ab_rmse"), report_of(base, "ab_rmse"))["ab_rmse"]
    pooled = np.sqrt(np.mean(base**2))
    assert difference.mean == pytest.approx(0.1 * pooled)
    assert 0 < difference.low < 0.1 * pooled < difference.high


def test_comparison_is_antisymmetric_deterministic_and_zero_for_equals():
    generator = np.random.default_rng(2)
    a, b = (report_of(generator.normal(size=40)) for _ in range(2))
    forth, back = compare(a, b, seed=3)["psnr"], compare(b, a, seed=3)["psnr"]
    assert (forth.mean, forth.low, forth.high) == pytest.approx((-back.mean, -back.high, -back.low))
    assert compare(a, b, seed=3) == compare(a, b, seed=3)
    same = compare(a, a)["psnr"]
    assert same == Interval(0.0, 0.0, 0.0)
    assert not same.excludes_zero


def test_comparison_takes_the_metrics_that_both_have():
    scores = {name: np.ones(3) for name in ("psnr", "ssim", "auc")}
    a = report_of(np.ones(3), scores=scores)
    b = report_of(np.ones(3), scores={name: scores[name] for name in ("auc", "psnr")})
    assert list(compare(a, b)) == ["psnr", "auc"]
    with pytest.raises(ZooError, match="share no metric"):
        compare(report_of([1.0], "psnr"), report_of([1.0], "ssim"))


def test_all_pairs_are_compared_as_each_pair_is():
    generator = np.random.default_rng(4)
    reports = [report_of(generator.normal(shift, 1, 60)) for shift in (0, 0.1, 2)]
    found = compare_all(reports, seed=7)
    assert list(found) == [(0, 1), (0, 2), (1, 2)]
    for (i, j), differences in found.items():
        assert differences == compare(reports[i], reports[j], seed=7)


def test_models_that_the_photos_do_not_tell_apart_share_a_rank():
    generator = np.random.default_rng(5)
    photos = generator.normal(20, 5, 100)

    def model(shift, metric="psnr"):
        return report_of(photos + generator.normal(shift, 0.5, 100), metric)

    reports = [model(shift) for shift in (0, 3, 0, 1)]
    assert ranks(compare_all(reports), 4, "psnr") == [3, 1, 3, 2]
    errors = [model(shift, "ciede2000") for shift in (0, 3, 0, 1)]
    assert ranks(compare_all(errors), 4, "ciede2000") == [1, 4, 1, 3]
    with pytest.raises(ZooError, match="gives no ranks"):
        ranks(compare_all([model(0, "colorfulness")] * 2), 2, "colorfulness")


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=6))
def test_ranks_count_the_better_models(shifts):
    """Differences that every photo agrees on have no spread: ranks are those of the shifts."""
    base = np.linspace(10, 30, 40)
    reports = [report_of(base + shift) for shift in shifts]
    expected = [1 + sum(other > shift for other in shifts) for shift in shifts]
    assert ranks(compare_all(reports, resamples=20), len(shifts), "psnr") == expected


@pytest.mark.parametrize(
    "other", [{"fingerprint": "f2"}, {"size": 64}, {"photos": ("0.jpg", "another.jpg")}]
)
def test_reports_of_different_photos_are_not_compared(other):
    with pytest.raises(ZooError, match=next(iter(other))):
        compare(report_of([1.0, 2.0]), report_of([1.0, 2.0], **other))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 1, True), (-1, -0.1, True), (-1, 1, False), (0, 1, False), (-1, 0, False)],
)
def test_excludes_zero(low, high, expected):
    assert Interval(0.5, low, high).excludes_zero is expected


# --- the prior and the ranking ----------------------------------------------------------------


def test_reports_that_weigh_colors_by_different_priors_are_not_compared():
    weights = {"auc_rebalanced": np.array([3.0, 1.0])}
    one, other = (
        report_of([0.5, 0.6], "auc_rebalanced", weights=weights, prior=prior) for prior in "ab"
    )
    with pytest.raises(ZooError, match="weigh colors by different priors"):
        compare(one, other)
    assert compare(one, dataclasses.replace(one))["auc_rebalanced"].mean == 0
    stored = one.to_json()
    assert Report.from_json(stored).prior == "a"
    with pytest.raises(ZooError, match="earlier version"):
        Report.from_json({name: part for name, part in stored.items() if name != "prior"})


def test_effective_photos_of_weights():
    report = report_of([0.5, 0.6], "auc_rebalanced", weights={"auc_rebalanced": np.array([3.0, 1])})
    assert report.effective_photos == {"auc_rebalanced": pytest.approx(16 / 10)}
    assert report_of([0.5, 0.6]).effective_photos == {}


def test_ranks_of_two_metrics_are_summed():
    """Gray errs little by CIEDE2000, the vivid one by AuC; the third loses in both to the first."""
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 1e-3, (3, 60))
    means = {"auc": (0.90, 0.88, 0.89), "ciede2000": (10.0, 11.0, 12.0)}
    reports = [
        report_of(
            np.zeros(60),
            scores={name: level[place] + noise[place] for name, level in means.items()},
        )
        for place in range(3)
    ]
    found = compare_all(reports)
    assert ranks(found, 3, "auc") == [1, 3, 2]
    assert ranks(found, 3, "ciede2000") == [1, 2, 3]
    assert ranks_by_sum(found, 3, ("ciede2000", "auc")) == [1, 2, 2]
