"""The shared trainer: rounds, schedules, budgets in minutes, best weights, Keras callbacks."""

import dataclasses
import signal
import sys
import time

import keras
import numpy as np
import pytest
from conftest import eagerly
from skimage.color import rgb2lab

import zoo
from predictions import ab_of
from zoo import Budget, PhotoSet
from zoo.backend import use_jit
from zoo.colorizer import Colorizer
from zoo.errors import ZooError
from zoo.photos.decoding import write_photo
from zoo.photos.loader import PhotoLoader
from zoo.training import precision
from zoo.training.config import TrainingConfig
from zoo.training.optimizers import schedule
from zoo.training.task import NetworkTask
from zoo.training.trainer import plan_rounds

FIT = {"size": 32, "precision": "float32"}


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


def tiny(**config):
    return zoo.create_model("mse_regression:tiny", **config)


@pytest.mark.parametrize("steps", [*range(1, 200), 6250, 6251, 99_991])
def test_rounds_cover_the_steps_with_little_extra(steps):
    rounds, size = plan_rounds(steps, range(8, 13))
    assert rounds * size >= steps
    assert (rounds - 1) * size < steps
    assert rounds <= 12
    assert rounds >= min(steps, 6)
    assert rounds * size - steps <= max(7, 0.01 * steps)


def test_the_paper_s_schedule_falls_where_the_paper_says():
    config = TrainingConfig(learning_rate=3e-5, schedule="zhang")
    rate = schedule(config, 450_000)
    for step, expected in (
        (0, 3e-5),
        (199_999, 3e-5),
        (200_001, 1e-5),
        (374_999, 1e-5),
        (375_001, 3e-6),
    ):
        assert float(rate(step)) == pytest.approx(expected, rel=1e-5)


def test_the_cosine_ends_at_zero():
    rate = schedule(TrainingConfig(learning_rate=1e-3), 2000)
    assert float(rate(0)) == pytest.approx(1e-4)
    assert float(rate(100)) == pytest.approx(1e-3)
    assert float(rate(1050)) == pytest.approx(5e-4, rel=1e-3)
    assert float(rate(2000)) == pytest.approx(0, abs=1e-9)


def test_weight_decay_is_in_the_gradient_and_not_in_the_score(photos):
    """With no color error to learn from, a plain gradient step shrinks a kernel by its decay.

    That of a loss that sums over the 8 x 8 places of the output, here divided by their number.
    """
    model = zoo.create_model("mse_regression:paper", width=2, weight_decay=0.5)
    graph = NetworkTask(
        model.networks["colorizer"],
        model.network_input,
        lambda batch, output: keras.ops.sum(output) * 0.0,
    )
    graph.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=use_jit())
    kernel = model.networks["colorizer"].get_layer("conv3_1").kernel
    before = keras.ops.convert_to_numpy(kernel).copy()
    batch = {"rgb": np.zeros((1, 32, 32, 3), np.uint8)}
    assert graph.train_on_batch(batch) > 0
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(kernel), before * (1 - 0.1 * 0.5 / 64), rtol=1e-6
    )
    graph.reset_metrics()
    assert graph.test_on_batch(batch) == 0


def test_the_loss_is_the_mean_squared_error_of_ab(photos):
    from skimage.color import rgb2lab

    model = tiny()
    rgb = photos[0].read(32)[None, :32, :32]
    output = np.random.default_rng(0).normal(size=(1, 16, 16, 2)).astype("float32")
    truth = rgb2lab(rgb)[..., 1:].reshape(1, 16, 2, 16, 2, 2).mean(axis=(2, 4)) / 110
    expected = np.mean((output - truth) ** 2)
    assert float(model.loss({"rgb": rgb}, output)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("eager")
def test_minutes_become_photos_once(photos, tmp_path):
    model = tiny()
    started = time.monotonic()
    history = model.fit(photos, photos, budget=Budget(minutes=0.15), run_dir=tmp_path, **FIT)
    seconds = time.monotonic() - started
    assert history.photos_seen >= 4
    assert model.card.training.budget == "0.15 min"
    assert seconds < 60
    # The stored number of photos is what resuming holds on to, however fast the machine is now.
    again = tiny()
    repeated = again.fit(
        photos, photos, budget=Budget(minutes=0.15), run_dir=tmp_path, resume=True, **FIT
    )
    assert repeated.photos_seen == history.photos_seen
    assert repeated.curves == history.curves


@pytest.mark.usefixtures("eager")
def test_the_best_round_s_weights_are_kept(photos, tmp_path):
    """A learning rate that jumps up at the end makes the last round the worst one."""

    class Wreck(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 6:
                self.model.optimizer.learning_rate = 0.0
                head = self.model.networks["colorizer"].get_layer("head")
                head.bias.assign(head.bias + 5.0)

    class Fixed(type(tiny())):
        def optimizer(self, steps):
            return keras.optimizers.Adam(1e-3)

    base = tiny()
    model = Fixed(base.name, base.preset, base.config, seed=0)
    history = model.fit(photos, photos, budget=Budget(photos_seen=32), callbacks=[Wreck()], **FIT)
    scores = history.curves["val_loss"]
    assert scores[-1] > 100 * min(scores)
    assert history.details["best_round"] == int(np.argmin(scores)) < 6
    score = model.task()
    score.compile(jit_compile=use_jit())
    loader = PhotoLoader(photos, 32, 4, augment=False)
    assert score.evaluate(loader, verbose=0) == pytest.approx(min(scores), rel=1e-5)


@pytest.mark.usefixtures("eager")
def test_without_validation_the_last_weights_stay(photos):
    history = tiny().fit(photos, budget=Budget(photos_seen=16), **FIT)
    assert history.details["best_round"] is None
    assert "val_loss" not in history.curves


@pytest.mark.usefixtures("eager")
def test_validation_takes_a_tenth_of_the_training_at_most(photos, tmp_path, monkeypatch):
    """Scoring a photo counts as learning from one; 16 are scored in any case."""
    random = np.random.default_rng(0)
    for number, rgb in enumerate(random.integers(0, 256, (40, 32, 32, 3), np.uint8)):
        write_photo(tmp_path / f"{number}.png", rgb)
    many, given = PhotoSet.from_folder(tmp_path), []
    batch_of = PhotoLoader.batch

    def counted(loader, step):
        batch = batch_of(loader, step)
        if not loader.augment:
            given.append(len(batch))
        return batch

    monkeypatch.setattr(PhotoLoader, "batch", counted)
    for size, seen, scored in ((50, 50, 16), (200, 200, 22)):
        given.clear()
        model, budget = tiny(batch_size=size), Budget(photos_seen=seen)
        history = model.fit(photos, many, budget=budget, **FIT)
        assert set(given) == {scored}
        assert history.details["validation_photos"] == scored
    learning, scoring = history.photos_seen, scored * len(history.curves["val_loss"])
    assert scoring <= 0.1 * (learning + scoring)
    few = tiny().fit(photos, photos, budget=Budget(photos_seen=4), **FIT)
    assert "validation_photos" not in few.details


@pytest.mark.usefixtures("eager")
def test_keras_callbacks_see_rounds_and_may_stop(photos, tmp_path):
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=1e9)
    board = keras.callbacks.TensorBoard(tmp_path / "board")
    history = tiny().fit(
        photos, photos, budget=Budget(photos_seen=400), callbacks=[stopping, board], **FIT
    )
    assert len(history.curves["loss"]) == 2
    assert history.photos_seen < 400
    assert list((tmp_path / "board").rglob("events.out.tfevents.*"))


def test_a_training_size_that_does_not_fit_is_refused(photos):
    with pytest.raises(ZooError, match="multiple of 4 px; got 30"):
        tiny().fit(photos, budget=Budget(photos_seen=4), size=30)


def test_stages_of_growing_size_share_the_rounds(photos):
    """What the network saw, by the shapes of its batches."""
    seen = []

    class Watched(type(tiny())):
        def network_input(self, batch):
            seen.append(batch["rgb"].shape[1])
            return super().network_input(batch)

    base = tiny()
    model = Watched(base.name, base.preset, base.config, seed=0)
    loads = []
    batch = PhotoLoader.batch

    def counting(self, step):
        if self.augment:
            loads.append((step, self.size))
        return batch(self, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PhotoLoader, "batch", counting)
        settings = {"budget": Budget(photos_seen=48), "size": (8, 16, 32)}
        history = model.fit(photos, photos, **settings, precision="float32")
    # Before each part Keras looks at the first batches, wherever the loader stands.
    learned = {(step, (8, 16, 32)[step // 4]) for step in range(12)}
    assert learned <= set(loads)
    assert all(step <= 1 for step, _ in set(loads) - learned)
    assert set(seen) == {8, 16, 32}
    assert history.photos_seen == 48
    assert model.defaults["render_factor"] == 2
    assert model.card.training.sizes == (8, 16, 32)


@pytest.mark.parametrize("name", ["mse_regression", "zhang", "fusion", "gan"])
def test_a_share_of_the_photos_is_degraded_for_the_network_alone(photos, name):
    """What the network sees changes by what the loader says; what the loss compares does not."""
    model = zoo.create_model(f"{name}:tiny", degraded_share=0.5)
    rows = model.rows(photos, training=True, progress=False)
    assert "lightness_change" not in model.rows(photos, training=False, progress=False)
    unchanged = zoo.create_model(f"{name}:tiny").rows(photos, training=True, progress=False)
    assert "lightness_change" not in unchanged
    loader = PhotoLoader(photos, 32, 16, steps=1, rows=rows)
    (batch,) = loader[0]
    degraded = (batch["lightness_change"] != 0).any(axis=(1, 2, 3))
    assert 0 < degraded.sum() < 16
    np.testing.assert_array_equal(batch["rgb"], loader.batch(0))
    plain = keras.ops.convert_to_numpy(model.network_input({"rgb": batch["rgb"]})["lightness"])
    seen = keras.ops.convert_to_numpy(model.network_input(batch)["lightness"])
    np.testing.assert_array_equal((seen != plain).any(axis=(1, 2, 3)), degraded)
    scale = model.scale_lightness
    wanted = rgb2lab(batch["rgb"])[..., :1] + batch["lightness_change"]
    np.testing.assert_allclose(seen, scale(np.clip(wanted, 0, 100)), atol=2e-3)
    output = model.networks["colorizer"](model.network_input({"rgb": batch["rgb"]}))
    losses = [float(model.loss(given, output)) for given in (batch, {"rgb": batch["rgb"]})]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_from_0_to_1(share):
    with pytest.raises(ZooError, match="degraded_share must be from 0 to 1"):
        tiny(degraded_share=share)


class Stop(keras.callbacks.Callback):
    """Interrupts a training before the step of the given number ends."""

    def __init__(self, step):
        super().__init__()
        self.left = step

    def on_train_batch_begin(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("eager")
def test_stages_resume_to_the_same_weights(photos, tmp_path):
    """Stopped in a round's last step, whose scores must not be lost, and in the step after it.

    Half of the photos are degraded, each by its number.
    """
    # 16 steps are 8 rounds of 2.
    settings = {"budget": Budget(photos_seen=64), "size": (16, 32), "precision": "float32"}
    undisturbed = tiny(degraded_share=0.5)
    expected = undisturbed.fit(photos, photos, **settings)
    again = settings | {"run_dir": tmp_path, "resume": True}
    for steps in (6, 1):
        with pytest.raises(ZooError, match="--resume"):
            tiny(degraded_share=0.5).fit(photos, photos, callbacks=[Stop(steps)], **again)
    resumed = tiny(degraded_share=0.5)
    found = resumed.fit(photos, photos, **again)
    assert found.curves == expected.curves
    for name, variable in undisturbed.variables().items():
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(variable),
            keras.ops.convert_to_numpy(resumed.variables()[name]),
            err_msg=name,
        )


def test_a_training_that_resumes_inside_a_round_compiles_once(photos, tmp_path, monkeypatch):
    """Although the rest of the interrupted round is a part of its own."""
    settings = {"budget": Budget(photos_seen=64), "run_dir": tmp_path, **FIT}
    with eagerly(), pytest.raises(ZooError, match="--resume"):
        tiny().fit(photos, callbacks=[Stop(7)], **settings)
    traced, train_step = [], NetworkTask.train_step

    def tracing(task, data):
        traced.append(task)
        return train_step(task, data)

    monkeypatch.setattr(NetworkTask, "train_step", tracing)
    history = tiny().fit(photos, resume=True, **settings)
    assert len(history.curves["loss"]) == 8
    assert len(traced) == 1


@pytest.mark.parametrize("size", [(), (32, 0)])
def test_sizes_that_are_none_are_refused(photos, size):
    with pytest.raises(ZooError, match="sizes must be at least 1 px"):
        tiny().fit(photos, budget=Budget(photos_seen=4), size=size)


@pytest.mark.usefixtures("eager")
def test_a_copy_has_the_weights_and_another_configuration(photos):
    model = tiny()
    model.fit(photos, budget=Budget(photos_seen=8), **FIT)
    copy = model.copy(learning_rate=0.5)
    assert copy.config.learning_rate == 0.5
    assert copy.defaults == model.defaults
    for name, variable in model.variables().items():
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(variable),
            keras.ops.convert_to_numpy(copy.variables()[name]),
        )
    copy.fit(photos, budget=Budget(photos_seen=8), **FIT)
    assert copy.card.training.started_from is not None
    with pytest.raises(ZooError, match="do not fit into networks with width=8"):
        model.copy(width=8)
    with pytest.raises(ZooError, match="configuration field"):
        model.copy(wdth=8)


def test_a_damaged_checkpoint_says_so(photos, tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(b"half of a file")
    with pytest.raises(ZooError, match="not a readable checkpoint"):
        tiny().fit(photos, budget=Budget(photos_seen=4), run_dir=tmp_path, resume=True, **FIT)


@pytest.mark.usefixtures("eager")
def test_a_resumed_run_that_differs_says_in_what(photos, tmp_path):
    tiny().fit(photos, budget=Budget(photos_seen=8), run_dir=tmp_path, **FIT)
    with pytest.raises(ZooError, match=r"different: budget, config, sizes"):
        tiny(learning_rate=0.1).fit(
            photos,
            budget=Budget(photos_seen=12),
            run_dir=tmp_path,
            resume=True,
            size=16,
            precision="float32",
        )


@pytest.mark.usefixtures("eager")
def test_gray_and_toned_photos_are_left_out_and_counted(photos, photo_folder):
    from PIL import Image, ImageOps

    Image.new("RGB", (40, 32), (90, 90, 90)).save(photo_folder / "sea" / "fog.png")
    gray = Image.open(photo_folder / "sea" / "0.png").convert("L")
    for name in ("scan", "copy"):
        tone = {"scan": "wheat", "copy": "lightblue"}[name]
        ImageOps.colorize(gray, "black", tone).save(photo_folder / "sea" / f"{name}.png")
    model = tiny()
    model.fit(PhotoSet.from_folder(photo_folder), budget=Budget(photos_seen=4), **FIT)
    training = model.card.training
    assert (training.gray_photos_left_out, training.toned_photos_left_out) == (1, 2)
    assert model.card.training.photos == len(photos)


@pytest.mark.usefixtures("eager")
def test_training_size_decides_the_working_size(photos):
    model = tiny()
    model.fit(photos, budget=Budget(photos_seen=4), size=16, precision="float32")
    assert model.defaults["render_factor"] == 1


def test_the_precision_is_measured_once(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    seconds = {"float32": 1.0, "mixed_bfloat16": 0.5}
    monkeypatch.setattr(precision, "_step_seconds", lambda name, **limits: seconds[name])
    assert precision.fastest_precision() == "mixed_bfloat16"
    seconds["mixed_bfloat16"] = 2.0
    assert precision.fastest_precision() == "mixed_bfloat16"
    (tmp_path / "precision.json").unlink()
    assert precision.fastest_precision() == "float32"


def test_the_measurement_runs_for_real():
    assert precision._step_seconds("float32") > 0
    assert precision._step_seconds("mixed_bfloat16", hopeless=0.0) > 0


def test_mean_color_is_the_mean(photos):
    from skimage.color import rgb2lab

    model = zoo.create_model("mean_color")
    model.fit(photos, budget=Budget(photos_seen=100), size=32)
    loader = PhotoLoader(photos, 32, len(photos), augment=False)
    expected = rgb2lab(loader.batch(0))[..., 1:].mean(axis=(0, 1, 2))
    predicted = ab_of(model, np.zeros((1, 2, 2, 1), "float32"))
    np.testing.assert_allclose(predicted, np.broadcast_to(expected, (1, 2, 2, 2)), atol=1e-3)


def test_mean_color_of_a_small_budget_is_of_all_folders(photos):
    """Not of the first ones: those are of one folder."""
    few, spread = zoo.create_model("mean_color"), zoo.create_model("mean_color")
    few.fit(photos, budget=Budget(photos_seen=2), size=32)
    spread.fit(PhotoSet((photos[0], photos[3])), budget=Budget(photos_seen=2), size=32)
    assert [photo.label for photo in (photos[0], photos[3])] == ["sea", "tree"]
    black = np.zeros((1, 1, 1, 1), "float32")
    np.testing.assert_array_equal(ab_of(few, black), ab_of(spread, black))
    assert few.card.training.photos_seen == 2


def test_configurations_are_plain_data():
    for preset in type(tiny()).PRESETS.values():
        assert dataclasses.replace(preset.config) == preset.config
        assert all(
            isinstance(v, int | float | str) for v in dataclasses.asdict(preset.config).values()
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 0),
        ("learning_rate", -1.0),
        ("learning_rate", float("nan")),
        ("beta_2", 1.0),
        ("weight_decay", -0.1),
        ("train_size", 0),
        ("schedule", "linear"),
        ("width", 0),
        ("depth", 0),
        ("output_stride", 3),
        ("output_stride", 0),
        ("architecture", "transformer"),
    ],
)
def test_configurations_that_cannot_work_are_refused(field, value):
    with pytest.raises(ZooError, match=field):
        tiny(**{field: value})


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "name", ["mse_regression", "zhang", "colorunet", "fusion", "som_patches", "gan", "nogan"]
)
def test_four_frames_lie_between_our_fit_and_that_of_keras(name, photos):
    """Whatever the model, and in each of its stages."""
    paths = set()

    class Walk(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            frame, inner, ours = sys._getframe(1), True, []
            while frame.f_code is not Colorizer.fit.__code__:
                if frame.f_code.co_name == "fit" and frame.f_globals["__name__"].startswith(
                    "keras"
                ):
                    inner = False
                elif not inner and frame.f_globals["__name__"].startswith("zoo."):
                    ours.append(frame.f_code.co_name)
                frame = frame.f_back
            paths.add(("fit", *reversed(ours)))

    model = zoo.create_model(f"{name}:tiny")
    model.fit(photos, photos[:2], budget=Budget(photos_seen=4), callbacks=[Walk()], **FIT)
    assert paths == {("fit", "learn", "run", "_fit")}
