"""Made-up sets in the layout of HECD, whose rank correlations are known beforehand."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import lab2rgb
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.human import agreement
from benchmarks.human.__main__ import main
from benchmarks.human.agreement import agreements, mean_over_scenes, score
from benchmarks.human.judgements import Scene, read_scenes
from zoo.metrics import Metric, Pair, get_metric, list_metrics
from zoo.metrics.registry import METRICS
from zoo.photos.decoding import read_rgb

HEADER = ["Ground Truth File", "Recolour File", "Mean zScore"]

#: Ratings of five recolorings of ever less color, and what they give for a metric of error. Of the
#: third, neighbors have changed places twice: the squared rank differences add up to 4, so that
#: rho = 1 - 6 x 4 / (5 x 24), and 2 of 10 pairs are in the wrong order.
SCENES = {
    "015004": ([5.0, 4.0, 3.0, 2.0, 1.0], 1.0, 1.0),
    "022090": ([-2.0, -1.0, 0.0, 1.0, 2.0], -1.0, -1.0),
    "022093": ([0.4, 0.5, 0.2, 0.3, 0.1], 0.8, 0.6),
}


def made(number, color):
    """A photo whose chroma is `color` of the original's, 0 to 1."""
    generator = np.random.default_rng(number)
    lab = np.empty((24, 32, 3))
    lab[..., 0] = np.linspace(35, 75, 32)
    lab[..., 1:] = color * generator.uniform(-30, 30, (4, 4, 2)).repeat(6, 0).repeat(8, 1)
    return np.rint(255 * lab2rgb(lab)).astype(np.uint8)


def make_set(root, scenes, own_ratings=True):
    """The layout of the repository: pictures and ratings in folders of their own."""
    (root / "HECDImages").mkdir(parents=True)
    (root / "Data").mkdir()
    rows = []
    for number, (name, ratings) in enumerate(scenes.items()):
        original = f"{name}_gt.jpg"
        Image.fromarray(made(number, 1.0)).save(root / "HECDImages" / original, quality=98)
        rows += [[original, original, "0.397"]] if own_ratings else []
        for place, rating in enumerate(ratings, start=1):
            file = f"{name}B_{place}.jpg"
            picture = Image.fromarray(made(number, 1 - 0.15 * place))
            picture.save(root / "HECDImages" / file, quality=98)
            rows.append([original, file, repr(rating)])
    write_ratings(root, rows)
    return root


def write_ratings(root, rows, header=HEADER):
    with (root / "Data" / "mean_zscores.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def rows_of(root):
    with (root / "Data" / "mean_zscores.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


@pytest.fixture
def folder(tmp_path):
    return make_set(tmp_path / "HECD", {name: ratings for name, (ratings, *_) in SCENES.items()})


@pytest.fixture
def one_metric(monkeypatch):
    """Leave one metric in the registry, with scores by the picture's number."""

    def register(scores, **settings):
        metric = Metric("made", "made", "for a test", settings.pop("score", None), **settings)
        for name in list(METRICS):
            monkeypatch.delitem(METRICS, name)
        monkeypatch.setitem(METRICS, "made", metric)
        return {"made": [np.array(part, float) for part in scores]}

    return register


def scenes_of(*ratings):
    paths = [tuple(Path(f"{n}.jpg") for n in range(len(one))) for one in ratings]
    return [
        Scene(Path("x_gt.jpg"), *both) for both in zip(paths, map(np.array, ratings), strict=True)
    ]


def agreement_of(found, name):
    return next(one for one in found if one.metric.name == name)


# ---------------------------------------------------------------------- known correlations


def test_known_rank_correlations_are_recovered(folder):
    scenes = read_scenes(folder)
    assert [scene.name for scene in scenes] == list(SCENES)
    found = agreements(scenes, score(scenes))
    assert {one.metric.name for one in found} == set(list_metrics())
    spearman = [rho for _, rho, _ in SCENES.values()]
    # Less color is a larger error, a smaller ratio of signal to noise, and less colorful.
    for name in ("ab_rmse", "psnr_ab", "ciede2000", "auc", "delta_colorfulness", "colorfulness"):
        one = agreement_of(found, name)
        np.testing.assert_allclose(one.by_scene, spearman, err_msg=name)
        assert one.spearman.mean == pytest.approx((1 - 1 + 0.8) / 3)
        assert one.kendall.mean == pytest.approx((1 - 1 + 0.6) / 3)
        assert one.unscored == 0


def test_original_is_no_recoloring_of_itself(folder, tmp_path):
    without = make_set(
        tmp_path / "without", {name: one[0] for name, one in SCENES.items()}, own_ratings=False
    )
    for scene, other in zip(read_scenes(folder), read_scenes(without), strict=True):
        assert scene.original not in scene.recolorings
        np.testing.assert_array_equal(scene.ratings, other.ratings)


def test_ties_count_as_scipy_counts_them(one_metric):
    """By hand: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4; and 5 of 6 pairs, one of them tied."""
    scores = one_metric([[10, 20, 20, 30]])
    (found,) = agreements(scenes_of([1.0, 2.0, 3.0, 4.0]), scores)
    assert found.spearman.mean == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert found.kendall.mean == pytest.approx(5 / np.sqrt(5 * 6))


@pytest.mark.parametrize(("direction", "rho"), [("higher", 1), ("lower", -1), (None, 1)])
def test_scores_that_are_better_when_lower_are_turned(one_metric, direction, rho):
    scores = one_metric([[1, 2, 3]], direction=direction)
    (found,) = agreements(scenes_of([0.1, 0.2, 0.3]), scores)
    assert found.spearman.mean == rho


def test_pictures_without_a_score_are_left_out_and_counted(one_metric):
    nan = np.nan
    scores = one_metric([[1, nan, 2, 3], [nan, nan, 1, 2], [7, 7, 7, 7]])
    ratings = [1.0, 9.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]
    (found,) = agreements(scenes_of(*ratings), scores)
    # Two pictures have no rank correlation, nor have scores that are all equal.
    np.testing.assert_array_equal(found.by_scene, [1.0, nan, nan])
    assert (found.spearman.mean, found.unscored) == (1.0, 3)


def test_a_metric_without_any_correlation_comes_last_and_empty(one_metric):
    scores = one_metric([[7, 7, 7]])
    (found,) = agreements(scenes_of([1.0, 2.0, 3.0]), scores)
    assert (found.spearman, found.kendall) == (None, None)


# ---------------------------------------------------------------------- intervals


def test_intervals_are_about_the_scenes():
    assert mean_over_scenes(np.full(5, 0.8)).low == pytest.approx(0.8)
    numbers = np.random.default_rng(1).normal(0.4, 0.2, 400)
    found = mean_over_scenes(numbers)
    assert found.mean == pytest.approx(numbers.mean())
    # With many scenes it is the usual interval of a mean.
    half = 1.96 * numbers.std() / np.sqrt(400)
    assert found.high - found.mean == pytest.approx(half, rel=0.15)
    assert found.mean - found.low == pytest.approx(half, rel=0.15)


def test_the_best_comes_first_and_the_others_are_compared_with_it_scene_by_scene(
    one_metric, monkeypatch
):
    scores = one_metric([[1, 2, 3], [1, 2, 3]])
    other = Metric("other", "other", "for a test")
    monkeypatch.setitem(METRICS, "other", other)
    turned = {"other": [np.array([1.0, 3.0, 2.0])] * 2}
    first, second = agreements(scenes_of([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]), turned | scores)
    assert (first.metric.name, second.metric.name) == ("made", "other")
    assert first.behind_best is None
    # rho of 1, 3, 2 against 1, 2, 3 is 1 - 6 x 2 / (3 x 8).
    assert second.behind_best.mean == pytest.approx(0.5 - 1)
    assert second.behind_best.excludes_zero


# ---------------------------------------------------------------------- scores


def test_scores_are_those_of_each_picture_alone(folder):
    scenes = read_scenes(folder)
    found = score(scenes)
    for number, scene in enumerate(scenes):
        truth = np.asarray(Image.open(scene.original))
        for place, path in enumerate(scene.recolorings):
            picture = np.asarray(Image.open(path))
            pair = Pair(truth, picture)
            scored = {name: found[name][number][place] for name in found}
            assert scored["psnr"] == pytest.approx(peak_signal_noise_ratio(truth, picture))
            assert scored["auc_rebalanced"] == pytest.approx(get_metric("auc_rebalanced").of(pair))
            signed = get_metric("delta_colorfulness").of(pair)
            assert signed < 0 < scored["delta_colorfulness"] == pytest.approx(-signed)


def test_finished_scenes_are_kept_as_long_as_nothing_changes(folder, tmp_path, monkeypatch):
    scenes, keep = read_scenes(folder), tmp_path / "scenes"
    first = score(scenes, keep=keep)
    assert len(list(keep.iterdir())) == 3
    next(keep.glob("022090-*.json")).unlink()
    read = []

    def noting(source):
        read.append(source)
        return read_rgb(source)

    monkeypatch.setattr(agreement, "read_rgb", noting)
    again = score(scenes, keep=keep, resume=True)
    assert first.keys() == again.keys()
    for name in first:
        np.testing.assert_array_equal(np.array(first[name]), np.array(again[name]))
    assert {path.name[:6] for path in read if "B_" in path.name} == {"022090"}
    # An original counts in its own scene alone: the prior of colors is fixed.
    Image.fromarray(made(7, 1.0)).save(scenes[0].original)
    read.clear()
    score(scenes, keep=keep, resume=True)
    assert {path.name[:6] for path in read if "B_" in path.name} == {scenes[0].name}


def test_pictures_without_a_score_stay_so_when_kept(folder, one_metric, tmp_path):
    one_metric([], score=lambda pair: np.nan if pair.prediction.mean() % 1 < 0.5 else 1.0)
    scenes = read_scenes(folder)
    first = score(scenes, keep=tmp_path)["made"]
    again = score(scenes, keep=tmp_path, resume=True)["made"]
    assert 0 < np.isnan(np.array(first)).sum() < 15
    np.testing.assert_array_equal(np.array(first), np.array(again))


# ---------------------------------------------------------------------- the command


def test_the_command_writes_a_picture_and_sorted_tables(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([str(folder), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        str(out / name) for name in ("agreement.png", "agreement.csv", "scores.csv")
    ]
    assert "3 scenes, 15 recolorings" in said.err
    assert Image.open(out / "agreement.png").width > 500
    with (out / "agreement.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    means = [float(row["spearman"]) for row in rows if row["spearman"]]
    assert means == sorted(means, reverse=True)
    rmse = next(row for row in rows if row["metric"] == "ab_rmse")
    by_scene = [float(rmse[f"spearman_{name}"]) for name in SCENES]
    assert by_scene == pytest.approx([rho for _, rho, _ in SCENES.values()])
    with (out / "scores.csv").open(newline="", encoding="utf-8") as file:
        scored = list(csv.DictReader(file))
    assert len(scored) == 15
    assert float(scored[0]["rating"]) == 5.0


def test_a_prepared_folder_is_read_as_well(folder):
    """`zoo data prepare` puts pictures into folders of scenes, and the ratings elsewhere."""
    before = read_scenes(folder)
    for path in sorted((folder / "HECDImages").iterdir()):
        target = folder / "photos" / "test" / path.name[:6] / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    (folder / "downloads").mkdir()
    (folder / "Data" / "mean_zscores.csv").rename(folder / "downloads" / "mean_zscores.csv")
    for one, other in zip(before, read_scenes(folder), strict=True):
        assert one.name == other.name
        assert [p.name for p in one.recolorings] == [p.name for p in other.recolorings]


def remove_ratings(folder):
    (folder / "Data" / "mean_zscores.csv").unlink()


def rename_column(folder):
    write_ratings(folder, rows_of(folder), ["Ground Truth File", "Recolour File", "Score"])


def remove_pictures(folder):
    for name in ("022090B_2.jpg", "022090_gt.jpg"):
        (folder / "HECDImages" / name).unlink()


def spoil_rating(text):
    def spoil(folder):
        rows = rows_of(folder)
        rows[2][2] = text
        write_ratings(folder, rows)

    return spoil


def rate_twice(folder):
    rows = rows_of(folder)
    write_ratings(folder, [*rows, rows[1]])


def rate_few(folder):
    write_ratings(folder, rows_of(folder)[:3])


def rate_none(folder):
    write_ratings(folder, [])


def shrink(folder):
    Image.new("RGB", (5, 4)).save(folder / "HECDImages" / "022090B_2.jpg")


def copy_twice(folder):
    (folder / "more").mkdir()
    Image.new("RGB", (5, 4)).save(folder / "more" / "022090B_2.jpg")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (remove_ratings, "holds no mean_zscores.csv"),
        (rename_column, "has no column 'Mean zScore'"),
        (remove_pictures, "lacks 2 of the 18 pictures"),
        (spoil_rating("nan"), "Line 4 of .* the rating 'nan', which is no finite number"),
        (spoil_rating("good"), "the rating 'good', which is no finite number"),
        (spoil_rating(""), "the rating '', which is no finite number"),
        (rate_twice, "rates 015004B_1.jpg twice"),
        (rate_few, "rates 2 recolorings of 015004_gt.jpg; .* takes at least 3"),
        (rate_none, "rates no picture"),
        (shrink, "022090B_2.jpg has another size than .*022090_gt.jpg"),
        (copy_twice, "have one name; remove one of them"),
    ],
)
def test_mistakes_are_told_in_one_sentence(folder, tmp_path, capsys, spoil, sentence):
    spoil(folder)
    assert main([str(folder), "--out", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "".join(lines)
    assert re.search(sentence, lines[-1])
    assert not (tmp_path / "out" / "agreement.csv").exists()


def test_a_folder_that_is_not_there(tmp_path, capsys):
    assert main([str(tmp_path / "nothing")]) == 2
    assert "There is no folder" in capsys.readouterr().err
