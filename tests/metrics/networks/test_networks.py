"""What networks say of colored photos, against what is computed here from the modules' numbers."""

import dataclasses
import json
import os
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from hub_modules import save_module
from PIL import Image
from scipy.linalg import sqrtm
from scipy.stats import entropy

import zoo
from zoo import NetworkMetrics, PhotoSet
from zoo.card import Interval
from zoo.errors import ScoreWarning, ZooError
from zoo.evaluation.evaluate import TruePhotos, evaluate
from zoo.evaluation.report import Report, compare
from zoo.metrics import get_metric
from zoo.metrics.networks import scoring
from zoo.metrics.networks.base import Network, network_name
from zoo.metrics.networks.classifier import Recognition
from zoo.metrics.networks.diversity import Diversity
from zoo.metrics.networks.frechet import Frechet
from zoo.networks.classifiers import Embedding, Spec
from zoo.networks.embeddings import open_embedding

LABELS = ["sea, ocean", "b", "c", "d", "e", "f", "surf", "h", "i"]


class Swapper:
    """Gives photos colors by exchanging their channels."""

    name, preset = "swapper", "only"

    def colorize_batch(self, rgb):
        return np.ascontiguousarray(rgb[..., ::-1])


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Fourteen photos of 40 x 32 and 32 x 40 px, half of them in `sea` and half in `tree`."""
    root, generator = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for number in range(14):
        folder = root / ("sea", "tree")[number % 2]
        folder.mkdir(exist_ok=True)
        coarse = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        size = (40, 32) if number % 3 else (32, 40)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(
            folder / f"{number}.png"
        )
    return PhotoSet.from_folder(root)


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """A classifier of 9 classes at 16 px whose class names lie beside it."""
    folder = save_module(tmp_path_factory.mktemp("hub") / "little")
    (folder.parent / "labels.txt").write_text("\n".join(LABELS))
    return folder


@pytest.fixture(scope="module")
def every(module):
    kinds = ("classifier", "frechet", "diversity")
    return NetworkMetrics([f"{kind}=hub:{module}" for kind in kinds])


def quiet(*arguments, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScoreWarning)
        return evaluate(*arguments, metrics=(), **settings)


def logits_of(photos, model):
    """What the module of `hub_modules` computes of central squares at 16 px."""
    kernel, found = np.random.default_rng(0).normal(size=(3, 3)), []
    for photo in photos:
        rgb = model.colorize_batch(photo.read()[None])[0]
        height, width = rgb.shape[:2]
        top, left = (height - 32) // 2, (width - 32) // 2
        square = Image.fromarray(rgb[top : top + 32, left : left + 32])
        image = np.asarray(square.resize((16, 16), Image.Resampling.BICUBIC)) / 255
        mean = image.mean(axis=(0, 1))
        found.append(np.concatenate([image[0, 0], mean, mean @ kernel]))
    return np.array(found)


# --- the scores -------------------------------------------------------------------------------


def test_the_classifier_test_counts_right_answers_where_a_label_has_one(photos, every):
    report = quiet(Swapper(), photos, networks=every)
    logits, true_logits = logits_of(photos, Swapper()), logits_of(photos, TruePhotos())
    order = np.argsort(-logits, axis=1)
    sea = np.array([photo.label == "sea" for photo in photos])
    scores = {name.partition("@")[0]: value for name, value in report.scores.items()}
    np.testing.assert_array_equal(scores["top1"][sea], order[sea, 0] == 0)
    np.testing.assert_array_equal(scores["top5"][sea], (order[sea, :5] == 0).any(axis=1))
    assert np.isnan(scores["top1"][~sea]).all()
    assert np.isnan(scores["top5"][~sea]).all()
    agreed = logits.argmax(axis=1) == true_logits.argmax(axis=1)
    np.testing.assert_array_equal(scores["agreement"], agreed)
    assert 0 < agreed.mean() < 1
    assert 0 < scores["top5"][sea].mean() < 1
    summary = report.summary()
    assert summary["top5@little"].mean == scores["top5"][sea].mean()
    assert summary["top5@little"].low < summary["top5@little"].mean < summary["top5@little"].high
    assert report.sources["top1@little"]["notes"] == [
        "Over the 7 of the 14 photos whose label the classifier knows: sea."
    ]


def test_the_five_likeliest_answers_count(photos, module):
    """The right class is the likeliest answer for the first photo, the second one for the next."""
    spec = Spec.parse(f"hub:{module}")
    metric = Recognition(spec, Network(open_embedding(f"hub:{module}")))
    seas = PhotoSet(tuple(dataclasses.replace(photo, label="sea") for photo in photos[:9]))
    side, order = metric.SIDE(), np.arange(1, 9)
    for rank in range(9):
        logits = np.empty((1, 9))
        logits[0, np.insert(order, rank, 0)] = -np.arange(9)
        side.add(metric.keep(logits, logits))
    scores = metric.scores(seas, side, side).scores
    np.testing.assert_array_equal(scores["top1@little"], np.arange(9) < 1)
    np.testing.assert_array_equal(scores["top5@little"], np.arange(9) < 5)


def test_figures_of_all_photos_have_no_interval(photos, every):
    report = quiet(Swapper(), photos, networks=every)
    made, true = logits_of(photos, Swapper()), logits_of(photos, TruePhotos())
    first, second = (np.cov(one, rowvar=False) for one in (made, true))
    distance = np.square(made.mean(0) - true.mean(0)).sum()
    distance += np.trace(first + second - 2 * sqrtm(first @ second).real)
    summary = report.summary()
    assert summary["frechet@little"].mean == pytest.approx(distance, rel=1e-3)
    shares = np.exp(made) / np.exp(made).sum(axis=1, keepdims=True)
    score = np.exp(np.mean([entropy(row, shares.mean(axis=0)) for row in shares]))
    assert summary["classifier_score@little"] == Interval(
        pytest.approx(score, rel=1e-5), None, None
    )
    assert not summary["frechet@little"].excludes_zero
    notes = report.sources["frechet@little"]["notes"]
    assert len(notes) == 1
    assert "With 14 photos, fewer than 2,000" in notes[0]
    assert "central square, resized to 16 x 16 px" in report.sources["frechet@little"]["input"]


def test_scores_do_not_depend_on_batches_or_on_who_came_before(photos, module, every):
    alone = NetworkMetrics([f"classifier=hub:{module}"])
    first = quiet(Swapper(), photos, networks=alone, batch_size=1)
    quiet(TruePhotos(), photos, networks=every)
    second = quiet(Swapper(), photos, networks=every)
    for name in first.scores:
        np.testing.assert_array_equal(first.scores[name], second.scores[name])


def test_the_true_photos_are_looked_at_once(photos, module, monkeypatch):
    seen = []
    look = Network.__call__
    monkeypatch.setattr(
        Network,
        "__call__",
        lambda self, rgb: seen.append(len(rgb)) or look(self, rgb),
    )
    kinds = ("classifier", "frechet")
    networks = NetworkMetrics([f"{kind}=hub:{module}" for kind in kinds])
    for views in (28, 14, 14):  # true and made, then made alone; one look serves both metrics
        seen.clear()
        quiet(Swapper(), photos, networks=networks)
        assert sum(seen) == views
    seen.clear()
    quiet(Swapper(), photos, networks=networks, size=20)
    assert sum(seen) == 28, "smaller photos are others"
    fresh = NetworkMetrics([f"classifier=hub:{module}"])
    seen.clear()
    quiet(TruePhotos(), photos, networks=fresh)
    assert sum(seen) == 14


def test_the_truth_stands_in_each_source(photos, every):
    truth = quiet(TruePhotos(), photos, networks=every)
    report = quiet(Swapper(), photos, networks=every)
    assert truth.summary()["agreement@little"].mean == 1
    assert truth.set_scores["frechet@little"] == 0
    for name, figure in truth.summary().items():
        assert report.sources[name]["truth"] == figure.mean


# --- what is missing --------------------------------------------------------------------------


def test_without_labels_there_is_agreement_and_no_accuracy(photos, every, module, tmp_path):
    plain = PhotoSet(tuple(dataclasses.replace(photo, label=None) for photo in photos))
    networks = NetworkMetrics([f"classifier=hub:{module}"])
    report = quiet(Swapper(), plain, networks=networks)
    assert list(report.scores) == ["agreement@little"]
    assert report.missing == dict.fromkeys(
        ("top1@little", "top5@little"), "the photos have no labels"
    )
    # The contents are the same, and so is what is remembered of them, but not what is right.
    labeled = quiet(Swapper(), photos, networks=networks)
    expected = quiet(Swapper(), photos, networks=every).sources["top5@little"]["truth"]
    assert labeled.sources["top5@little"]["truth"] == expected
    nameless = save_module(tmp_path / "nameless")
    report = quiet(Swapper(), photos, networks=NetworkMetrics([f"classifier=hub:{nameless}"]))
    assert "no class names go with nameless" in report.missing["top1@nameless"]
    trees = PhotoSet(tuple(photo for photo in photos if photo.label == "tree"))
    report = quiet(Swapper(), trees, networks=every)
    assert report.missing["top5@little"] == "the classifier knows none of the labels (tree)"


def test_one_photo_has_no_distance(photos, every):
    report = quiet(Swapper(), photos[:1], networks=every)
    assert report.missing["frechet@little"] == "it takes two photos at least"
    assert "frechet@little" not in report.summary()


def test_a_network_that_is_not_at_hand_is_an_error_or_a_reason(photos, module):
    specs = [f"classifier=hub:{module}", "frechet=hub:/nowhere/net"]
    specs.append("lpips=keras:VGG16,weights=/nowhere/vgg.npz,linear=/nowhere/vgg.npz")
    with pytest.raises(ZooError, match="no TF Hub module in /nowhere/net"):
        NetworkMetrics(specs)
    networks = NetworkMetrics(specs, skip_missing=True)
    assert networks.references() == {
        specs[0]: NetworkMetrics(specs[:1]).references()[specs[0]],
        specs[1]: "missing",
        specs[2]: "missing",
    }
    report = quiet(Swapper(), photos, networks=networks)
    assert set(report.summary()) == {"top1@little", "top5@little", "agreement@little"}
    assert "no TF Hub module in /nowhere/net" in report.missing["frechet@net"]
    assert "vgg.pth of the package lpips" in report.missing["lpips@VGG16"]


def test_few_photos_are_warned_of_once(photos, module):
    networks = NetworkMetrics([f"frechet=hub:{module}"])
    with pytest.warns(ScoreWarning, match=r"14 photos, fewer than 2,000"):
        evaluate(Swapper(), photos, metrics=(), networks=networks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate(Swapper(), photos, metrics=(), networks=networks)


# --- reports ----------------------------------------------------------------------------------


def test_reports_with_networks_go_to_json_and_back(photos, every):
    report = quiet(Swapper(), photos, networks=every)
    again = Report.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False)))
    assert again == report
    assert again.summary() == report.summary()
    rows = again.per_photo_rows()
    assert {row["label"]: row["top1@little"] is None for row in rows} == {
        "sea": False,
        "tree": True,
    }


def test_models_are_compared_in_scores_of_photos_alone(photos, every):
    truth, made = (quiet(model, photos, networks=every) for model in (TruePhotos(), Swapper()))
    differences = compare(truth, made)
    assert list(differences) == ["top1@little", "top5@little", "agreement@little"]
    expected = 1 - made.summary()["agreement@little"].mean
    assert differences["agreement@little"].mean == pytest.approx(expected)
    assert differences["agreement@little"].excludes_zero
    sources = made.sources | {"top1@little": made.sources["top1@little"] | {"sha256": "another"}}
    with pytest.raises(ZooError, match=r"top-1 \(little\) from different networks of one name"):
        compare(truth, dataclasses.replace(made, sources=sources))


def test_damaged_reports_are_refused(photos, every):
    content = quiet(Swapper(), photos, networks=every).to_json()
    for damage in (
        {"sources": {}},
        {"set_scores": {"frechet@little": None}},
        {"set_scores": {"frechet@little": float("nan")}},
        {"set_scores": {"top1@little": 1.0}},
        {"set_scores": {"fid@little": 1.0}},
        {"set_scores": 1},
        {"missing": [1]},
        {"scores": content["scores"] | {"frechet@little": [1.0] * 14}},
        {"scores": content["scores"] | {"top1@little": [None] * 14}},
    ):
        with pytest.raises(ZooError):
            Report.from_json(content | damage)


def test_reports_of_before_there_were_networks_are_read(photos):
    report = evaluate(Swapper(), photos, metrics=["psnr"])
    content = report.to_json()
    for name in ("set_scores", "sources", "missing"):
        del content[name]
    assert Report.from_json(content) == report


def test_few_scored_photos_have_an_interval_all_the_same():
    """A resample that holds none of the scored photos has no figure."""
    names = tuple(str(number) for number in range(9))
    report = Report(
        model="a:b",
        photos=names,
        labels=(None,) * 9,
        fingerprint="f",
        size=None,
        options={},
        scores={"top1@x": np.array([1.0, 0.0, *[np.nan] * 7])},
        sources={"top1@x": {"sha256": "1"}},
    )
    assert report.summary()["top1@x"] == Interval(0.5, 0.0, 1.0)
    assert report.summary(resamples=1)["top1@x"].mean == 0.5


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "frechet", "score"),
    [
        ("keras:InceptionV3", "FID (InceptionV3)", "Inception score (InceptionV3)"),
        ("keras:InceptionV3,weights=a.h5", "FID (InceptionV3)", "Inception score (InceptionV3)"),
        (
            "keras:InceptionV3,weights=none",
            "Fréchet distance (InceptionV3-random)",
            "classifier score (InceptionV3-random)",
        ),
        (
            "keras:InceptionV3,width=10",
            "Fréchet distance (InceptionV3)",
            "classifier score (InceptionV3)",
        ),
        ("hub:a/InceptionV3", "Fréchet distance (InceptionV3)", "classifier score (InceptionV3)"),
        ("keras:VGG16", "Fréchet distance (VGG16)", "classifier score (VGG16)"),
    ],
)
def test_only_trained_inception_v3_gives_fid_and_inception_score(text, frechet, score):
    spec = Spec.parse(text)
    assert get_metric(*Frechet.columns(spec)).title == frechet
    assert get_metric(*Diversity.columns(spec)).title == score
    with pytest.raises(ZooError, match="InceptionV3 alone"):
        get_metric("fid@VGG16")


def test_a_column_carries_its_networks_name():
    handle = "hub:https://tfhub.dev/google/imagenet/mobilenet_v2/classification/5"
    assert network_name(Spec.parse(handle)) == "google/imagenet/mobilenet_v2/classification/5"
    columns = Recognition.columns(Spec.parse("keras:MobileNetV2"))
    assert [get_metric(name).title for name in columns] == [
        "top-1 (MobileNetV2)",
        "top-5 (MobileNetV2)",
        "classifier agreement (MobileNetV2)",
    ]


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        (["hub:folder"], "METRIC=NETWORK"),
        (["fid=keras:InceptionV3"], r"no metric 'fid' .*frechet \(FID"),
        (["classifier=folder"], "classifier=hub:FOLDER"),
        (["classifier=zeros"], "names no pretrained network"),
        (["frechet=hub:a,labels=b"], "no setting of hub embeddings 'labels'"),
        (["classifier=hub:x/a", "classifier=hub:y/a"], r"would be called top-1 \(a\)"),
        (["frechet=keras:VGG61"], "no classifier in keras.applications 'VGG61'.*VGG16"),
        (["frechet=keras:VGG16,weights=/nowhere.h5"], "VGG16 cannot be made with weights"),
    ],
)
def test_specifications_that_cannot_be_read(specs, words):
    with pytest.raises(ZooError, match=words):
        NetworkMetrics(specs)


class FakeInception(Embedding):
    """Answers and features that differ: the photo's mean color and its square."""

    width, size, sha256 = 3, 8, "0" * 64

    def vectors(self, gray):
        return 5 * gray.mean(axis=(1, 2))

    def vectors_in_graph(self, gray):
        raise NotImplementedError

    def with_features(self, rgb):
        return self.vectors(rgb), rgb.mean(axis=(1, 2)) ** 2


def test_fid_is_of_the_features_and_the_inception_score_of_the_answers(photos, monkeypatch):
    opened = []

    def fake(text):
        opened.append(text)
        return FakeInception(Spec.parse(text))

    monkeypatch.setattr(scoring, "open_embedding", fake)
    names = [f"{kind}=keras:InceptionV3" for kind in ("frechet", "diversity")]
    report = quiet(Swapper(), photos, networks=NetworkMetrics(names))
    assert opened == ["keras:InceptionV3"], "one network serves both"
    assert list(report.set_scores) == ["fid@InceptionV3", "inception_score@InceptionV3"]
    squares = [Image.fromarray(photo.read()) for photo in photos]
    boxes = [
        ((w - 32) / 2, (h - 32) / 2, (w + 32) / 2, (h + 32) / 2)
        for w, h in (s.size for s in squares)
    ]
    small = [
        s.crop(b).resize((8, 8), Image.Resampling.BICUBIC)
        for s, b in zip(squares, boxes, strict=True)
    ]
    true = np.array([np.asarray(image).mean(axis=(0, 1)) / 255 for image in small]) ** 2
    made = true[:, ::-1]
    first, second = (np.cov(one, rowvar=False) for one in (made, true))
    distance = np.square(made.mean(0) - true.mean(0)).sum()
    distance += np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert report.set_scores["fid@InceptionV3"] == pytest.approx(distance, rel=1e-2)


def test_answers_that_are_not_finite_are_refused(photos, monkeypatch):
    class Broken(FakeInception):
        def with_features(self, rgb):
            return (np.full((len(rgb), 3), np.nan),) * 2

    monkeypatch.setattr(scoring, "open_embedding", lambda text: Broken(Spec.parse(text)))
    with pytest.raises(ZooError, match="answers with NaN"):
        quiet(Swapper(), photos, networks=NetworkMetrics(["diversity=keras:VGG16"]))


def test_features_of_keras_networks_are_what_the_last_layer_sees():
    embedding = open_embedding("keras:MobileNetV2")
    photo = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(7, 3)(photo))
    # In the place of the network itself, which takes long to make.
    embedding.__dict__["_network"] = keras.Model(photo, keras.layers.Dense(4)(pooled))
    rgb = np.random.default_rng(0).random((2, 9, 9, 3), "float32")
    logits, features = embedding.with_features(rgb)
    kernel, bias = (np.asarray(one) for one in embedding._network.layers[-1].weights)
    assert features.shape == (2, 7)
    np.testing.assert_allclose(features @ kernel + bias, logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(embedding.vectors(rgb), logits, rtol=1e-4, atol=1e-5)


# --- a real classifier ------------------------------------------------------------------------


def test_a_real_classifier_misses_the_colors_of_gray_photos():
    hub, data = os.environ.get("ZOO_HUB"), os.environ.get("ZOO_PHOTOS")
    if not hub or not data:
        pytest.skip("ZOO_HUB names no folder with a classifier, or ZOO_PHOTOS none with photos")
    networks = NetworkMetrics([f"classifier=hub:{hub}/mobilenet_v2_100_224_classification"])
    manifest = Path(data) / "objects128" / "manifest.csv"
    photos = PhotoSet.from_manifest(manifest, "test")[::25]
    found = {}
    for model in (TruePhotos(), zoo.create_model("gray")):
        summary = quiet(model, photos, networks=networks).summary()
        found[model.name] = {name.partition("@")[0]: one.mean for name, one in summary.items()}
    assert found["truth"]["top1"] > 0.8
    assert found["truth"]["top5"] > 0.9
    assert found["truth"]["agreement"] == 1
    assert found["gray"]["top1"] < found["truth"]["top1"]
    assert 0.3 < found["gray"]["agreement"] < 0.7
