"""What every registered model must do: one function a promise, each taking a model's name.

`test_conformance.py` runs all of it for every line of the registry, so that a new model is tested
by being registered.
"""

import functools
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from conftest import eagerly
from PIL import Image

import zoo
from predictions import ab_of
from zoo import Budget, PhotoSet, registry, saving
from zoo.colorizer import Colorizer
from zoo.errors import TrainingInterrupted, ZooError
from zoo.files import sha256_of_file
from zoo.networks.runner import FixedWeights
from zoo.training.plan import History

if TYPE_CHECKING:
    from zoo.export.checking import Check

#: 20 steps at the tiny presets' batch size of 4: 10 rounds of 2, for a model of one stage.
PHOTOS_SEEN = 80


def smallest(name: str, **kwargs) -> Colorizer:
    """The model in its preset for tests, or in its only one."""
    return zoo.create_model(name, registry.entry(name).preset_or_only("tiny"), **kwargs)


def fit(model: Colorizer, photos: PhotoSet, **kwargs):
    settings = {"budget": Budget(photos_seen=PHOTOS_SEEN), "size": 32, "precision": "float32"}
    return model.fit(photos, photos[:3], **(settings | kwargs))


@functools.cache
def trained(name: str, photos: PhotoSet) -> tuple[Colorizer, History]:
    """A trained model that several tests look at, none of which may change it, and how it went."""
    model = smallest(name)
    return model, fit(model, photos)


def values(model: Colorizer) -> dict[str, np.ndarray]:
    return {name: np.array(keras.ops.convert_to_numpy(v)) for name, v in model.variables().items()}


def assert_same_weights(first: Colorizer, second: Colorizer) -> None:
    one, other = values(first), values(second)
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def random_photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def shaken(model: Colorizer) -> Colorizer:
    """The model with other weights: its colors are bold, and no statistics are 0 or 1."""
    rng = np.random.default_rng(0)
    for name, variable in model.variables().items():
        value = keras.ops.convert_to_numpy(variable)
        if np.issubdtype(value.dtype, np.floating) and "bins" not in name:
            noise = rng.uniform(0.1, 0.3, value.shape) * rng.choice((-1, 1), value.shape)
            moved = np.abs(value + noise) if "variance" in name else value + noise
            variable.assign(moved.astype(value.dtype))
    return model


def declares_itself(name: str) -> None:
    line = registry.entry(name)
    model_class = line.load()
    assert tuple(model_class.PRESETS) == line.presets
    for preset in model_class.PRESETS.values():
        assert preset.source
        stored = json.loads(json.dumps(asdict(preset.config)))
        assert {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()} == asdict(
            preset.config
        )
        assert preset.config.train_size > 0
    for option in model_class.options:
        assert option.low <= option.default <= option.high
        assert option.meaning


def predicts_finite_chroma_of_any_size(name: str) -> None:
    model = smallest(name)
    for count, height, width in ((1, 1, 1), (3, 17, 37)):
        lightness = np.random.default_rng(0).uniform(0, 100, (count, height, width, 1))
        ab = model.decode(model.predict({"lightness": lightness}))
        assert ab.shape == (count, height, width, 2)
        assert ab.dtype == np.float32
        assert np.isfinite(ab).all()


def colorizes_any_size(name: str) -> None:
    model = smallest(name)
    for height, width in ((1, 1), (1, 40), (37, 3), (90, 64), (10, 400)):
        photo = random_photo(height, width)
        colored = model.colorize(photo, render_factor=2)
        assert colored.shape == photo.shape
        assert colored.dtype == np.uint8


def colorizes_every_mode(name: str) -> None:
    model = smallest(name)
    rgb = Image.fromarray(random_photo(24, 30))
    gray = np.asarray(rgb.convert("L"))
    alpha = np.full((24, 30), 77, np.uint8)
    for photo in (
        rgb,
        gray,
        gray.astype(np.uint16) * 257,
        gray / 255.0,
        gray > 100,
        rgb.convert("P"),
        rgb.convert("1"),
        rgb.convert("CMYK"),
        Image.fromarray(gray.astype(np.uint16) * 257),
    ):
        assert model.colorize(photo, render_factor=2).shape == (24, 30, 3)
    colored = model.colorize(np.dstack([np.asarray(rgb), alpha]), render_factor=2)
    assert colored.shape == (24, 30, 4)
    np.testing.assert_array_equal(colored[..., 3], alpha)


def colors_many_photos_like_one(name: str) -> None:
    """Folders are colored by `FixedWeights`, whose predictions take another way."""
    model = smallest(name)
    photos = [random_photo(20, 30), random_photo(33, 24)]
    alone = [model.colorize(photo, render_factor=2) for photo in photos]
    with FixedWeights(model.networks.values(), predictions=100) as runner:
        for photo, expected in zip(photos, alone, strict=True):
            colored = model.colorize(photo, runner=runner, render_factor=2)
            assert np.abs(colored.astype(int) - expected).max() <= 1


def keeps_the_lightness(name: str) -> None:
    """Up to rounding and to colors outside the gamut, which the clipping moves."""
    from skimage.color import rgb2lab

    photo = random_photo(40, 40) // 4 + 96
    colored = smallest(name).colorize(photo, render_factor=2)
    difference = np.abs(rgb2lab(colored)[..., 0] - rgb2lab(photo)[..., 0])
    assert np.median(difference) < 0.5


def starts_from_its_seed(name: str) -> None:
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is the point
    assert_same_weights(smallest(name, seed=3), smallest(name, seed=3))
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    if registry.entry(name).load().trains_by_gradient:
        one, other = values(smallest(name, seed=3)), values(smallest(name, seed=4))
        assert any((one[key] != other[key]).any() for key in one)


def refuses_what_it_lacks(name: str) -> None:
    model = smallest(name)
    photo = random_photo(8, 8)
    with pytest.raises(ZooError, match=r"no option of .*'temprature'.*render_factor"):
        model.colorize(photo, temprature=1.0)
    for wrong in (0, 2.5, 1e9, "many", float("nan")):
        with pytest.raises(ZooError, match="render_factor"):
            model.colorize(photo, render_factor=wrong)
    with pytest.raises(ZooError, match="configuration field"):
        smallest(name, wdith=3)
    with pytest.raises(ZooError, match="preset"):
        zoo.create_model(name, "huge")


def saves_and_loads_exactly(name: str, photos: PhotoSet, tmp_path) -> None:
    (model, _), photo = trained(name, photos), photos[0].read()
    before = model.colorize(photo)
    path = model.save(tmp_path / "model")
    assert sorted(p.name for p in path.iterdir()) == ["card.json", "config.json", "weights.npz"]
    loaded = zoo.load_model(path)
    assert_same_weights(model, loaded)
    assert loaded.config == model.config
    assert loaded.defaults == model.defaults
    assert loaded.card.weights_sha256 == sha256_of_file(path / "weights.npz")
    np.testing.assert_array_equal(loaded.colorize(photo), before)
    lightness = np.linspace(0, 100, 32 * 32, dtype="float32").reshape(1, 32, 32, 1)
    np.testing.assert_array_equal(ab_of(loaded, lightness), ab_of(model, lightness))


def refuses_broken_folders(name: str, tmp_path) -> None:
    model = smallest(name)
    model.save(tmp_path / "model")
    weights = tmp_path / "model" / "weights.npz"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-20] + bytes(20))
    with pytest.raises(ZooError, match="sha256"):
        zoo.load_model(tmp_path / "model")
    weights.unlink()
    with pytest.raises(ZooError, match=r"no weights\.npz"):
        zoo.load_model(tmp_path / "model")
    with pytest.raises(ZooError, match="not a saved model"):
        zoo.load_model(tmp_path)

    poisoned = {key: np.full_like(value, np.nan) for key, value in values(model).items()}
    np.savez(tmp_path / "nan.npz", **poisoned)
    with pytest.raises(ZooError, match="NaN"):
        model.set_weights(saving.read_arrays(tmp_path / "nan.npz"), "the file")
    np.savez(tmp_path / "other.npz", kernel=np.zeros(3))
    with pytest.raises(ZooError, match="another model"):
        model.set_weights(saving.read_arrays(tmp_path / "other.npz"), "the file")
    (tmp_path / "text.npz").write_text("no weights here")
    with pytest.raises(ZooError, match="cannot be read"):
        model.set_weights(saving.read_arrays(tmp_path / "text.npz"), "the file")


def learns_the_same_again(name: str, photos: PhotoSet, tmp_path) -> None:
    """Once undisturbed, and once stopped in the middle of the training and resumed."""

    class Stop(keras.callbacks.Callback):
        """Ctrl-C after the given number of steps."""

        def __init__(self, after):
            super().__init__()
            self.left = after

        def on_train_batch_begin(self, batch, logs=None):
            self.left -= 1
            if self.left == 0:
                import signal

                signal.raise_signal(signal.SIGINT)

    undisturbed, expected = trained(name, photos)
    resumed = smallest(name)
    if undisturbed.trains_by_gradient:
        # The 7th step ends in the middle of a round of two.
        with pytest.raises(TrainingInterrupted, match="--resume"):
            fit(resumed, photos, run_dir=tmp_path, callbacks=[Stop(7)])
        with pytest.raises(ZooError, match="unfinished training"):
            fit(smallest(name), photos, run_dir=tmp_path)
        with pytest.raises(ZooError, match=r"another run \(different: photos,"):
            fit(smallest(name), photos[1:], run_dir=tmp_path, resume=True)
        resumed = smallest(name)
    history = fit(resumed, photos, run_dir=tmp_path, resume=True)
    assert_same_weights(undisturbed, resumed)
    assert history.curves == expected.curves
    assert history.photos_seen == expected.photos_seen <= PHOTOS_SEEN


def is_trained_further(name: str, photos: PhotoSet, tmp_path) -> None:
    """A saved model learns from other photos, starting where it was."""
    model, _ = trained(name, photos)
    model.save(tmp_path)
    start = zoo.load_model(tmp_path)
    rates = ("learning_rate", "joint_rate")
    changes = {rate: 1e-12 for rate in rates if hasattr(model.config, rate)}
    further = start.copy(seed=5, **changes)
    assert_same_weights(further, start)
    learning = []
    if model.trains_by_gradient:
        layers = further.networks["colorizer"].layers
        learning = [layer for layer in layers if layer.trainable_weights]
    freeze = [layer.name for layer in learning[:1]]
    with eagerly():
        fit(further, photos[1:], budget=Budget(photos_seen=8), freeze=freeze)
    origin = further.card.training.started_from
    assert origin.weights_sha256 == sha256_of_file(tmp_path / "weights.npz")
    before, after = values(start), values(further)
    for layer in learning:
        for variable in layer.trainable_variables:
            path = f"colorizer/{variable.path}"
            atol = 0 if layer.name in freeze else 1e-6
            np.testing.assert_allclose(after[path], before[path], rtol=0, atol=atol, err_msg=path)


def every_parameter_gets_a_gradient(name: str, photos: PhotoSet) -> None:
    model = smallest(name)
    graph = compiled(model, keras.optimizers.SGD(1.0))
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in graph.trainable_variables]
    with eagerly():
        rgb = np.stack([photo.read(32)[:32, :32] for photo in photos[:4]])
        graph.train_on_batch({"rgb": rgb})
    for variable, old in zip(graph.trainable_variables, before, strict=True):
        new = keras.ops.convert_to_numpy(variable)
        assert np.isfinite(new).all(), variable.path
        assert (new != old).any(), variable.path


def overfits_one_photo(name: str) -> None:
    """Four flat squares, each of its own lightness and color: the loss must nearly vanish."""
    model = smallest(name)
    if hasattr(model.config, "l1_weight"):
        # An adversary asks for other colors than the true ones: here the error is to count alone.
        model = smallest(name, l1_weight=1e3)
    colors = np.array([[[200, 40, 40], [60, 160, 60]], [[30, 30, 120], [240, 220, 120]]], np.uint8)
    photo = colors.repeat(16, axis=0).repeat(16, axis=1)[None]
    graph = compiled(model, keras.optimizers.Adam(1e-2))

    def step() -> float:
        graph.reset_metrics()
        logs = graph.train_on_batch({"rgb": photo}, return_dict=True)
        # What two nets that work against each other lose never vanishes: there, the error does.
        return float(logs.get("l1", logs["loss"]))

    first = step()
    # The best, not the last: two nets that work against each other swing to the end.
    assert min(step() for _ in range(200)) < 0.05 * first


def compiled(model: Colorizer, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    from zoo.backend import use_jit

    graph = model.task()
    graph.compile(optimizer=optimizer, jit_compile=use_jit())
    return graph


def stops_on_a_loss_that_is_not_finite(name: str, photos: PhotoSet, tmp_path) -> None:
    model = smallest(name, learning_rate=1e30)
    with pytest.raises(ZooError, match="no longer finite"):
        fit(model, photos, run_dir=tmp_path)


def trains_in_mixed_precision(name: str, photos: PhotoSet) -> None:
    """Variables and predictions stay float32."""
    model = smallest(name)
    history = fit(model, photos, precision="mixed_bfloat16", budget=Budget(photos_seen=8))
    assert all(v.dtype == "float32" for v in model.variables().values())
    assert np.isfinite(history.curves["loss"]).all()
    path_one = model.colorize(photos[0].read())
    again = smallest(name)
    for key, variable in again.variables().items():
        variable.assign(model.variables()[key])
    again.defaults = dict(model.defaults)
    np.testing.assert_array_equal(again.colorize(photos[0].read()), path_one)


def is_exported(name: str, photos: PhotoSet, folder: Path) -> "Check":
    """Writes the SavedModel; the check that is returned tells whether it colors as the model does.

    The photos have two working sizes between them, because a new one costs the model a compilation.
    """
    from zoo.export.artifacts import Artifacts
    from zoo.export.plan import Plan

    model = smallest(name)
    model = shaken(model) if model.trains_by_gradient else trained(name, photos)[0]
    plan = Plan(("saved_model",), "float32", None, model.resolve_options({"render_factor": 2}))
    sides = ((1, 1), (37, 23), (48, 48), (74, 46))
    (check,) = Artifacts(model, folder, plan).write([random_photo(*side) for side in sides])
    return check
