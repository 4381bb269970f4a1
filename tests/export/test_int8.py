"""int8: what is chosen and remembered, and how far its answers are from those in float32."""

import json
import shutil

import numpy as np
import onnxruntime
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from zoo import create_model, load_model
from zoo.errors import ZooError
from zoo.export import int8
from zoo.export.onnx import network_model
from zoo.inference.films.plan import FilmSettings, identity_of
from zoo.networks.runner import PlainRunner
from zoo.photos.samples import sample_photos

GAINS = [2.0, 1.0]  # seconds in float32 and in int8


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def measured(tiny, tmp_path_factory):
    """A cache folder in which int8 was measured to gain for `tiny`, and the choice."""
    folder = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(folder))
        patch.setattr(int8, "_seconds", lambda asked, runners: GAINS)
        return folder, int8.fastest(tiny)


@pytest.fixture
def remembered(measured, cache, monkeypatch):
    """The choice that the cache folder remembers; what is measured anew gains nothing."""
    shutil.copytree(measured[0], cache, dirs_exist_ok=True)
    monkeypatch.setattr(int8, "_measured", lambda model, folder: (int8.Gain(0.5), {}))
    return measured[1]


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


def test_what_was_measured_is_remembered(tiny, remembered):
    again = int8.fastest(tiny)
    assert again.gain == remembered.gain
    rgb = np.full((32, 32, 3), 90, np.uint8)
    same = [tiny.colorize(rgb, runner=one.runner) for one in (remembered, again)]
    np.testing.assert_array_equal(*same)


def test_other_weights_are_measured_anew(remembered):
    other = create_model("mse_regression:tiny", seed=1)
    assert int8.fastest(other).gain == int8.Gain(0.5)


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
def test_what_is_damaged_is_measured_anew(tiny, remembered, cache, file, content):
    (path,) = cache.rglob(file)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert int8.fastest(tiny).gain == int8.Gain(0.5)
    # That is remembered from now on.
    stored = json.loads(next(cache.rglob("gain.json")).read_text())
    assert stored == {"speedup": 0.5, "ciede2000": None, "sha256": {}}


def test_what_does_not_gain_stays_float32(tiny, cache, monkeypatch):
    monkeypatch.setattr(int8, "_seconds", lambda asked, runners: [1.1, 1.0])
    choice = int8.fastest(tiny)
    assert choice.runner is None
    assert str(choice) == "Predicting in float32: int8 is 1.1 times as fast on this machine."
    assert int8.fastest(tiny) == choice
    assert not list(cache.rglob("*.onnx"))


def test_colors_that_move_too_far_stay_float32(tiny, faster, monkeypatch):
    monkeypatch.setattr(int8, "_MOST_CIEDE2000", 0.0)
    assert int8.fastest(tiny).runner is None


def test_hints_are_seen_in_float32(monkeypatch):
    monkeypatch.setattr(int8, "_measured", None)
    choice = int8.fastest(create_model("hinted:tiny"))
    assert choice == int8.Choice(None, None)
    assert "networks that see the photo alone" in str(choice)


def test_networks_of_several_inputs_and_outputs(tmp_path):
    model = create_model("hinted:tiny", architecture="local_hints")
    network, generator = model.networks["colorizer"], np.random.default_rng(0)
    inputs = {
        one.name: generator.uniform(0, 1, (1, 32, 32, one.shape[-1])).astype("float32")
        for one in network.inputs
    }
    int8.quantize(network, [inputs], tmp_path / "int8.onnx")
    theirs = PlainRunner()(network, inputs)
    ours = int8.Int8Runner({network: tmp_path / "int8.onnx"})(network, inputs)
    assert len(theirs) == len(ours) == 2
    for expected, found in zip(theirs, ours, strict=True):
        assert found.shape == expected.shape
        assert 0 < np.abs(found - expected).mean() < 0.1 * np.abs(expected).mean()


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
