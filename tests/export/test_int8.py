"""int8: what is chosen and remembered, and how far its answers are from those in float32."""

import json

import numpy as np
import onnxruntime
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from zoo import create_model, load_model
from zoo.errors import ZooError
from zoo.export import int8
from zoo.export.onnx import network_model
from zoo.files import cache_folder
from zoo.inference.films.plan import FilmSettings, identity_of
from zoo.networks.runner import PlainRunner
from zoo.photos.samples import sample_photos

GAINS = [2.0, 1.0]  # seconds in float32 and in int8


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def faster(monkeypatch):
    """int8 is faster, however busy this machine is."""
    monkeypatch.setattr(int8, "_seconds", lambda asked, runners: GAINS)


@pytest.fixture(scope="module")
def tiny():
    model = create_model("mse_regression:tiny")
    model.fitted = True
    return model


def distance(first, second) -> float:
    return float(deltaE_ciede2000(rgb2lab(first), rgb2lab(second)).mean())


def test_shipped_weights_color_alike_in_int8(faster):
    model = load_model("zhang")
    choice = int8.fastest(model)
    assert choice.runner is not None
    assert choice.gain.speedup == 2
    errors = []
    for photo in sample_photos("test"):
        rgb = photo.read(256)
        errors.append(distance(model.colorize(rgb), model.colorize(rgb, runner=choice.runner)))
    assert min(errors) > 0
    assert max(errors) < 1
    # What the choice says was measured at the same photos.
    assert choice.gain.ciede2000 == pytest.approx(max(errors), abs=0.02)
    assert str(choice).startswith("Predicting in int8: int8 is 2.0 times as fast on this machine")


def test_what_was_measured_is_remembered(tiny, faster, monkeypatch):
    first = int8.fastest(tiny)
    monkeypatch.setattr(int8, "_measured", None)
    again = int8.fastest(tiny)
    assert again.gain == first.gain
    rgb = np.full((32, 32, 3), 90, np.uint8)
    same = [tiny.colorize(rgb, runner=one.runner) for one in (first, again)]
    np.testing.assert_array_equal(*same)


def test_other_weights_are_measured_anew(tiny, faster):
    int8.fastest(tiny)
    other = create_model("mse_regression:tiny", seed=1)
    int8.fastest(other)
    assert len(list((cache_folder() / int8.STORE).iterdir())) == 2


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("gain.json", b"{"),
        ("gain.json", b"[]"),
        ("gain.json", json.dumps({"speedup": "no", "ciede2000": None, "sha256": 3}).encode()),
        ("colorizer.onnx", b"no network"),
        ("colorizer.onnx", None),
    ],
)
def test_what_is_damaged_is_made_again(tiny, faster, cache, file, content):
    before = int8.fastest(tiny)
    (path,) = cache.rglob(file)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    after = int8.fastest(tiny)
    assert after.gain == before.gain
    assert after.runner is not None
    assert path.read_bytes() != content


def test_what_does_not_gain_stays_float32(tiny, monkeypatch):
    monkeypatch.setattr(int8, "_seconds", lambda asked, runners: [1.1, 1.0])
    choice = int8.fastest(tiny)
    assert choice.runner is None
    assert str(choice) == "Predicting in float32: int8 is 1.1 times as fast on this machine."
    assert int8.fastest(tiny) == choice


def test_colors_that_move_too_far_stay_float32(tiny, faster, monkeypatch):
    monkeypatch.setattr(int8, "_MOST_CIEDE2000", 0.0)
    assert int8.fastest(tiny).runner is None


def test_a_model_without_networks_stays_float32():
    assert int8.fastest(create_model("levin")) == int8.Choice(None, int8.Gain(0.0))


def test_networks_of_several_inputs_and_outputs(faster, monkeypatch):
    monkeypatch.setattr(int8, "_MOST_CIEDE2000", 100.0)
    model = create_model("hinted:tiny")
    model.fitted = True
    runner = int8.fastest(model).runner
    network = model.networks["colorizer"]
    generator = np.random.default_rng(0)
    inputs = {
        one.name: generator.uniform(0, 1, (1, 32, 32, one.shape[-1])).astype("float32")
        for one in network.inputs
    }
    theirs, ours = PlainRunner()(network, inputs), runner(network, inputs)
    assert len(theirs) == len(ours) == 2
    for expected, found in zip(theirs, ours, strict=True):
        assert found.shape == expected.shape
        assert np.abs(found - expected).mean() < 0.1 * np.abs(expected).mean()


def test_a_dilated_network_in_onnx_answers_as_in_keras():
    network = create_model("zhang:tiny", architecture="zhang", width=4).networks["colorizer"]
    inputs = {"lightness": np.random.default_rng(0).random((2, 40, 24, 1), "float32")}
    session = onnxruntime.InferenceSession(network_model(network).SerializeToString())
    expected = PlainRunner()(network, inputs)
    np.testing.assert_allclose(session.run(None, inputs)[0], expected, atol=1e-5)


def test_it_is_refused_without_its_extra(tiny, monkeypatch):
    monkeypatch.setattr(int8, "find_spec", lambda name: None if name == "tf2onnx" else name)
    with pytest.raises(ZooError, match=r"needs tf2onnx; run `pip install 'colorization-zoo\[onnx"):
        int8.fastest(tiny)


def test_a_film_goes_on_in_the_same_precision_alone(tiny, tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"frames")
    both = {identity_of(film, tiny, {}, FilmSettings(), one) for one in ("float32", "int8")}
    assert len(both) == 2
