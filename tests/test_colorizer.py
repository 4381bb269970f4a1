"""What the shared interface does with broken folders and weights; the rest is conformance."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from skimage.color import rgb2lab

import zoo
from zoo import preprocessing
from zoo.colorizer import Option
from zoo.errors import ZooError
from zoo.files import read_json, sha256_of_file, write_json
from zoo.fullsize import FullSize
from zoo.networks.runner import PlainRunner


@pytest.fixture
def saved(tmp_path):
    return zoo.create_model("mse_regression:tiny").save(tmp_path / "model")


def change(path, **fields):
    write_json(path, read_json(path) | fields)


def test_a_folder_of_another_format_version(saved):
    change(saved / "config.json", format=99)
    with pytest.raises(ZooError, match="format 99"):
        zoo.load_model(saved)


@pytest.mark.parametrize(
    ("file", "fields", "message"),
    [
        ("config.json", {"model": "nothing"}, "no model 'nothing'"),
        ("config.json", {"preset": "huge"}, "no preset"),
        ("config.json", {"config": {"wdth": 1}}, "no configuration field"),
        ("config.json", {"config": 5}, "damaged"),
        ("config.json", {"defaults": {}}, "damaged"),
        ("config.json", {"defaults": {"render_factor": "x"}}, "render_factor"),
        ("card.json", {"weights_sha256": "0" * 64}, "sha256"),
    ],
)
def test_damaged_descriptions(saved, file, fields, message):
    change(saved / file, **fields)
    with pytest.raises(ZooError, match=message):
        zoo.load_model(saved)


def test_a_description_that_is_no_object(saved):
    (saved / "config.json").write_text("[1, 2]")
    with pytest.raises(ZooError, match="damaged"):
        zoo.load_model(saved)


def test_weights_of_another_model_are_refused_even_with_their_own_sum(saved, tmp_path):
    other = zoo.create_model("mse_regression:tiny", width=8).save(tmp_path / "other")
    (other / "weights.npz").replace(saved / "weights.npz")
    change(saved / "card.json", weights_sha256=sha256_of_file(saved / "weights.npz"))
    with pytest.raises(ZooError, match="another model"):
        zoo.load_model(saved)


def test_loading_runs_no_code(saved, tmp_path):
    """A pickle inside the weights would run a command; NumPy is told never to unpickle."""
    marker = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return (open, (str(marker), "w"))

    array = np.array([Bomb()], dtype=object)
    with zipfile.ZipFile(saved / "weights.npz", "w") as archive, archive.open("a.npy", "w") as file:
        np.lib.format.write_array(file, array, allow_pickle=True)
    change(saved / "card.json", weights_sha256=sha256_of_file(saved / "weights.npz"))
    with pytest.raises(ZooError, match="cannot be read as weights"):
        zoo.load_model(saved)
    assert not marker.exists()


def test_broken_weights_never_become_a_photo(tmp_path):
    model = zoo.create_model("mse_regression:tiny")
    for variable in model.variables().values():
        variable.assign(np.full(variable.shape, np.nan))
    with pytest.raises(ZooError, match="not finite"):
        model.colorize(np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(ZooError, match="NaN"):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_an_interrupted_save_is_not_taken_for_a_model(saved):
    (saved / "card.json").unlink()
    with pytest.raises(ZooError, match=r"card\.json is missing"):
        zoo.load_model(saved)


def test_saved_configurations_are_complete(saved):
    stored = json.loads((saved / "config.json").read_text())
    assert stored["model"] == "mse_regression"
    assert stored["config"]["width"] == 4
    assert zoo.load_model(saved).config == zoo.create_model("mse_regression:tiny").config


def test_options_check_their_range():
    option = Option("k", 5, 1, 10, "neighbors", whole=True)
    assert option.check("7") == 7
    assert isinstance(option.check(7.0), int)
    for wrong in (0, 11, 2.5, "x", None, float("inf")):
        with pytest.raises(ZooError, match=r"k \(neighbors\) must be a whole number from 1 to 10"):
            option.check(wrong)
    assert Option("t", 0.4, 0, 1, "temperature").check("0.25") == 0.25


def test_none_means_the_default():
    model = zoo.create_model("gray")
    assert model.resolve_options({"render_factor": None}) == {"render_factor": 8, "own_strength": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as Linux gives it")
def test_a_48_megapixel_photo_stays_within_its_memory(tmp_path):
    """8,000 x 6,000 in a process of its own, whose peak is measured by the system."""
    code = (
        "import sys, zoo\n"
        "from PIL import Image\n"
        "from benchmarks.harness.memory import peak_memory\n"
        "Image.linear_gradient('L').resize((8000, 6000)).convert('RGB').save(sys.argv[1])\n"
        "model = zoo.create_model('mse_regression:tiny')\n"
        "colored = model.colorize(sys.argv[1])\n"
        "assert colored.shape == (6000, 8000, 3), colored.shape\n"
        "print(peak_memory())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "large.jpg")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert float(done.stdout) < 2_500


@pytest.mark.parametrize(
    "name", ["mse_regression", "zhang", "colorunet", "fusion", "gan", "knn_patches", "som_patches"]
)
def test_networks_see_less_noise_and_photos_keep_theirs(name):
    """`denoise` is the guided filter on what the network sees; a photo's own L stays."""

    class Watching(PlainRunner):
        def __call__(self, network, inputs):
            self.seen = np.array(inputs["lightness"])
            return super().__call__(network, inputs)

    model = zoo.create_model(f"{name}:tiny")
    photo = np.random.default_rng(0).integers(90, 150, (1, 32, 32, 3), dtype=np.uint8)
    seen, colored = {}, {}
    for strength in (0, 20):
        runner = Watching()
        colored[strength] = model.colorize_batch(
            photo, runner=runner, denoise=strength, render_factor=2
        )
        seen[strength] = runner.seen
    lightness = FullSize(photo).working_lightness((32, 32))
    smooth = preprocessing.denoised(lightness, 20.0)
    scale = getattr(model, "scale_lightness", lambda lightness: lightness / 100.0)
    np.testing.assert_allclose(seen[0], scale(lightness), atol=1e-4)
    np.testing.assert_allclose(seen[20], scale(smooth), atol=1e-4)
    assert np.std(seen[20]) < 0.7 * np.std(seen[0])
    for rgb in colored.values():
        error = rgb2lab(rgb)[..., 0] - rgb2lab(photo)[..., 0]
        assert np.abs(error).max() < 0.5


def test_folders_that_are_older_than_an_option_load(tmp_path):
    folder = zoo.create_model("zhang:tiny").save(tmp_path / "old")
    stored = json.loads((folder / "config.json").read_text())
    assert stored["defaults"].pop("denoise") == 0
    (folder / "config.json").write_text(json.dumps(stored))
    assert zoo.load_model(folder).defaults["denoise"] == 0
