"""What every model must do, as checks for all registered models, also for those of other packages.

    zoo.registry.register("mine", "my_package.mine:Mine", "What it is.", ("compact", "tiny"))
    zoo.conformance.check_model("mine")

A check is a function of a `Subject`: the model in its smallest preset, with photos to train on and
what several checks share. It fails by an error that says what went wrong.
"""

import itertools
import json
import math
import re
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from PIL import Image

from zoo import registry, saving
from zoo.backend import use_jit
from zoo.budget import Budget
from zoo.card import CARD
from zoo.color.spaces import Tensor
from zoo.colorizer import Colorizer
from zoo.errors import TrainingInterrupted, ZooError, valid_choice
from zoo.files import sha256_of_file
from zoo.fullsize import FullSize
from zoo.hints.marks import Hints, Point
from zoo.inputs import LIGHTNESS, inputs_of_photos
from zoo.models.classification.distribution import DistributionColorizer
from zoo.models.gradient import GradientColorizer
from zoo.networks.runner import FixedWeights, PlainRunner
from zoo.options import CONSENSUS
from zoo.photos.photoset import PhotoSet
from zoo.training.plan import History

if TYPE_CHECKING:
    from zoo.export import checking

#: 20 steps at the tiny presets' batch size of 4: 10 rounds of 2, for a model of one stage.
PHOTOS_SEEN = 80


class ConformanceError(ZooError):
    """A model does not do what every model must do: the message says what."""


class Subject:
    """A model under check, six small color photos with labels, and a folder to write into."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self._folder = name, folder
        self.photos = _make_photos(folder / "photos")

    def model(self, **changes: Any) -> Colorizer:
        """Make the model untrained, in its preset for tests or its only one."""
        preset = registry.entry(self.name).preset_or_only("tiny")
        return registry.create_model(self.name, preset, **changes)

    @cached_property
    def untrained(self) -> Colorizer:
        """One untrained model for all checks that change nothing of it."""
        return self.model()

    @cached_property
    def trained(self) -> tuple[Colorizer, History]:
        """One trained model for all checks that change nothing of it, and how its training went."""
        model = self.model()
        return model, fit(model, self.photos)

    def folder(self) -> Path:
        """Make an empty folder."""
        return Path(tempfile.mkdtemp(dir=self._folder))


class CountingRunner(PlainRunner):
    """Counts how often networks run, and notes the names of their inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.names = 0, set[str]()

    def __call__(self, network: keras.Model, inputs: Mapping[str, Tensor]) -> Any:
        self.calls += 1
        self.names |= set(inputs)
        return super().__call__(network, inputs)


def check_model(name: str, checks: Sequence[str] | None = None) -> None:
    """Check that a registered model does what every model must do.

    Cost: a minute or so a model on two processor cores, most of it for compiling trainings.

    Args:
        name: of the model.
        checks: names of those to run, as in `checks_of`; None runs all.

    Raises:
        ConformanceError: naming the first check that fails, and what went wrong.
    """
    of_model = {check.__name__: check for check in checks_of(name)}
    chosen = [valid_choice(f"check of {name}", one, tuple(of_model)) for one in checks or of_model]
    with tempfile.TemporaryDirectory() as folder:
        subject = Subject(name, Path(folder))
        for one in chosen:
            try:
                of_model[one](subject)
            except Exception as error:
                raise ConformanceError(f"{name} fails the check {one}: {error}") from error


def checks_of(name: str) -> tuple[Callable[[Subject], None], ...]:
    """The checks that a model must pass; there are more for one that trains by gradient."""
    by_gradient = registry.entry(name).load().trains_by_gradient
    return EVERY + (BY_GRADIENT if by_gradient else ()) + (is_exported,)


# ---------------------------------------------------------------------- what it says of itself


def declares_itself(subject: Subject) -> None:
    """The registry's line, presets and options are complete; configurations go through JSON."""
    line = registry.entry(subject.name)
    model_class = line.load()
    presets = tuple(model_class.PRESETS)
    expect(presets == line.presets, f"The class has {presets}, the registry {line.presets}.")
    for name, preset in model_class.PRESETS.items():
        expect(bool(preset.source), f"Preset {name} names no source.")
        fields = asdict(preset.config)
        stored = json.loads(json.dumps(fields))
        restored = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
        expect(restored == fields, f"Preset {name} does not go through JSON.")
        expect(preset.config.train_size > 0, f"Preset {name} has no train_size.")
    for option in model_class.options:
        expect(option.low <= option.default <= option.high, f"{option} has a default out of range.")
        expect(bool(option.meaning), f"{option} has no meaning.")


def is_given_the_inputs_that_it_declares(subject: Subject) -> None:
    """L comes first; the networks see every declared input, and no other but options."""
    model, photo = subject.untrained, random_photo(24, 30)
    declared = [one.name for one in model.inputs]
    expect(declared[0] == LIGHTNESS.name, f"The first input must be L, and is {declared[0]}.")
    expect(len(set(declared)) == len(declared), f"Two inputs have one name: {declared}.")
    runner = CountingRunner()
    model.colorize(photo, runner=runner, render_factor=2)
    # Options that change what a network computes may be inputs of it, too.
    given = runner.names - {option.name for option in model.options if option.step == "network"}
    expect(given == set(declared), f"The networks are given {given}, declared are {declared}.")
    unknown = {"lightnes": np.zeros((1, 8, 8, 1), "float32")}
    refused("no input .*'lightnes'.*lightness", model.predict, unknown)


def honors_its_options(subject: Subject) -> None:
    """Every option counts where it says so: one that changes decoding alone runs no network."""
    model, _ = subject.trained
    rgb = np.stack([photo.read(32)[:32, :32] for photo in subject.photos[:2]])
    for option in model.options:
        variants = [
            {option.name: value} for value in option.among[:2] or (option.low, min(option.high, 4))
        ]
        once, both = CountingRunner(), CountingRunner()
        alone = [model.colorize_batch(rgb, runner=once, **variant) for variant in variants]
        together = model.colorize_variants(rgb, variants, runner=both)
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one, other, f"{option.name}: alone and among others")
        expected = once.calls // 2 if option.step in ("decode", "hints") else once.calls
        ran = f"With two values of {option.name}, networks ran {both.calls}, not {expected} times."
        expect(both.calls == expected, ran)


def averages_views(subject: Subject) -> None:
    """Where a model has the option `consensus`, mirrored photos get mirrored colors, in threads."""
    model, photo = subject.untrained, random_photo(64, 64)
    if CONSENSUS.name not in {option.name for option in model.options}:
        return

    def color(seen: np.ndarray) -> np.ndarray:
        return model.colorize(seen, render_factor=4, consensus=6)

    with ThreadPoolExecutor(2) as threads:
        straight, mirrored = threads.map(color, (photo, photo[:, ::-1].copy()))
    np.testing.assert_array_equal(straight, color(photo), "averaged beside another thread")
    most = np.abs(mirrored[:, ::-1].astype(int) - straight).max()
    expect(most <= 1, f"The average of all views of a mirrored photo differs by {most} of 255.")


# ---------------------------------------------------------------------- what it predicts


def predicts_finite_chroma_of_any_size(subject: Subject) -> None:
    """The ab of L of any size has that size, and is finite."""
    model = subject.untrained
    for count, height, width in ((1, 1, 1), (3, 17, 37)):
        lightness = np.random.default_rng(0).uniform(0, 100, (count, height, width, 1))
        ab = model.decode(model.predict({"lightness": lightness}))
        size = (count, height, width, 2)
        right = ab.shape == size and ab.dtype == np.float32
        expect(right, f"The ab of {lightness.shape} L is {ab.shape} {ab.dtype}.")
        expect(bool(np.isfinite(ab).all()), "The ab of an untrained model is not finite.")


def colorizes_any_size(subject: Subject) -> None:
    """A colored photo has the photo's size, from 1 x 1 px up."""
    for height, width in ((1, 1), (1, 40), (37, 3), (90, 64), (10, 400)):
        photo = random_photo(height, width)
        colored = subject.untrained.colorize(photo, render_factor=2)
        same = colored.shape == photo.shape and colored.dtype == np.uint8
        expect(same, f"A photo of {photo.shape} became {colored.shape} {colored.dtype}.")


def colorizes_every_mode(subject: Subject) -> None:
    """Gray, palette, 16-bit and transparent photos are colored, too; transparency is kept."""
    model = subject.untrained
    rgb = Image.fromarray(random_photo(24, 30))
    gray = np.asarray(rgb.convert("L"))
    deep, alpha = gray.astype(np.uint16) * 257, np.full((24, 30), 77, np.uint8)
    photos: list[Any] = [rgb, gray, deep, gray / 255.0, gray > 100, Image.fromarray(deep)]
    for photo in photos + [rgb.convert(mode) for mode in ("P", "1", "CMYK")]:
        shape = model.colorize(photo, render_factor=2).shape
        expect(shape == (24, 30, 3), f"A photo of 24 x 30 px, {photo!r}, became {shape}.")
    colored = model.colorize(np.dstack([np.asarray(rgb), alpha]), render_factor=2)
    expect(colored.shape == (24, 30, 4), f"A photo with transparency became {colored.shape}.")
    np.testing.assert_array_equal(colored[..., 3], alpha, "transparency")


def colors_many_photos_like_one(subject: Subject) -> None:
    """Folders are colored by `FixedWeights`, whose predictions take another way."""
    model, _ = subject.trained  # an empty table of patches gives the same on any way
    photos = [random_photo(20, 30), random_photo(33, 24)]
    alone = [model.colorize(photo, render_factor=2) for photo in photos]
    with FixedWeights(model.networks.values(), predictions=100) as runner:
        for photo, expected in zip(photos, alone, strict=True):
            colored = model.colorize(photo, runner=runner, render_factor=2)
            most = np.abs(colored.astype(int) - expected).max()
            expect(most <= 1, f"With fixed weights, colors differ by {most} of 255.")


def serves_two_threads(subject: Subject) -> None:
    """Two threads that color with one model get what they get alone."""
    model = subject.untrained
    photos = [random_photo(20, 30), random_photo(33, 24, seed=1)]
    alone = [model.colorize(photo, render_factor=2) for photo in photos]

    def color(photo: np.ndarray) -> list[np.ndarray]:
        return [model.colorize(photo, render_factor=2) for _ in range(4)]

    with ThreadPoolExecutor(2) as threads:
        for colored, expected in zip(threads.map(color, photos), alone, strict=True):
            for one in colored:
                np.testing.assert_array_equal(one, expected, "colors beside another thread")


def keeps_the_lightness(subject: Subject) -> None:
    """Up to rounding; colors outside the gamut become paler instead."""
    from skimage.color import rgb2lab

    photo = random_photo(40, 40)
    colored = subject.untrained.colorize(photo, render_factor=2)
    most = np.abs(rgb2lab(colored)[..., 0] - rgb2lab(photo)[..., 0]).max()
    expect(most < 0.8, f"The photo's L must stay, and moves by up to {most:.2f}.")


def starts_from_its_seed(subject: Subject) -> None:
    """Equal seeds give equal weights, and the global random state plays no part."""

    def global_state() -> np.ndarray:
        return np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002

    state, first = global_state(), subject.model(seed=3)
    same_weights(first, subject.model(seed=3))
    np.testing.assert_array_equal(global_state(), state, "NumPy's global random state")
    if first.trains_by_gradient:
        one, other = weights_of(first), weights_of(subject.model(seed=4))
        expect(any((one[key] != other[key]).any() for key in one), "Every seed gives one start.")


def refuses_what_it_lacks(subject: Subject) -> None:
    """Unknown options, values, fields and presets are answered with those that there are."""
    model, photo = subject.untrained, random_photo(8, 8)
    refused(r"no option of .*'temprature'.*render_factor", model.colorize, photo, temprature=1.0)
    for wrong in (0, 2.5, 1e9, "many", float("nan")):
        refused("render_factor", model.colorize, photo, render_factor=wrong)
    refused("configuration field", subject.model, wdith=3)
    refused("preset", registry.create_model, subject.name, "huge")


def follows_hints(subject: Subject) -> None:
    """At a hint is its color, as far as the gamut has it; hints that say nothing change nothing."""
    model, photo = subject.untrained, random_photo(32, 48)
    plain = model.colorize(photo, render_factor=2)
    silent = model.colorize(photo, hints=Hints(), render_factor=2)
    np.testing.assert_array_equal(silent, plain, "colors with hints that say nothing")
    hints = Hints(points=(Point(20, 10, (30.0, -40.0), radius=3),))
    colored = model.colorize(photo, hints=hints, render_factor=2)
    asked = np.full((1, 1, 1, 2), (30.0, -40.0), np.float32)
    expected = FullSize(photo[None, 10:11, 20:21]).merge(asked)[0, 0, 0]
    most = np.abs(colored[10, 20].astype(int) - expected).max()
    expect(most <= 2, f"At a hint, the color is {most} of 255 off.")


# ---------------------------------------------------------------------- what it keeps


def follows_what_is_said_of_the_whole_photo(subject: Subject) -> None:
    """The mean color is the one that is asked for."""
    model, photos = subject.untrained, FullSize(random_photo(32, 48)[None])
    inputs = inputs_of_photos(model.inputs, photos, 2)
    prediction = model.predict(inputs)
    hints = Hints(mean_color=(12.0, -7.0), palette=("gray", "#a04020"))
    (ab,) = model.colored(prediction, hints, inputs[LIGHTNESS.name], photos.size)
    np.testing.assert_allclose(ab.mean(axis=(0, 1, 2)), (12, -7), atol=1e-2, err_msg="mean color")


def suggests_colors(subject: Subject) -> None:
    """Models that predict distributions suggest distinct colors and answers; others refuse."""
    model, photo = subject.untrained, random_photo(30, 45)
    if not isinstance(model, DistributionColorizer):
        refused("no distribution", model.suggest_colors, photo, (3, 4))
        refused("no distribution", model.colorize, photo, answers=2)
        return
    found = model.suggest_colors(photo, (44, 29), 6, render_factor=2)
    expect(1 <= len(found) <= 6, "At most as many colors are suggested as are asked for.")
    shares = [one.probability for one in found]
    expect(shares == sorted(shares, reverse=True), "The likeliest color is suggested first.")
    expect(0 < sum(shares) <= 1 + 1e-4, f"Probabilities have the sum {sum(shares)}.")
    for one, other in itertools.combinations(found, 2):
        expect(math.dist(one.ab, other.ab) > 19.9, f"{one} and {other} are too much alike.")
    refused("outside of the photo", model.suggest_colors, photo, (45, 4))
    refused("count", model.suggest_colors, photo, (3, 4), 0)
    refused("answers", model.colorize, photo, answers=1)


def saves_and_loads_exactly(subject: Subject) -> None:
    """A trained model that was saved and loaded predicts the same to the bit."""
    (model, _), photo = subject.trained, subject.photos[0].read()
    path = model.save(subject.folder() / "model")
    files = {p.name for p in path.iterdir()}
    expect(files == {CARD, saving.CONFIG, saving.WEIGHTS}, f"A saved model has the files {files}.")
    loaded = registry.load_model(path)
    same_weights(model, loaded)
    for part in ("config", "defaults", "fitted"):
        expect(getattr(loaded, part) == getattr(model, part), f"Loading changes model.{part}.")
    digest = sha256_of_file(path / saving.WEIGHTS)
    expect(loaded.card.weights_sha256 == digest, "The card has another sha256.")
    np.testing.assert_array_equal(loaded.colorize(photo), model.colorize(photo), "colors")
    lightness = np.linspace(0, 100, 32 * 32, dtype="float32").reshape(1, 32, 32, 1)
    one, other = (m.decode(m.predict({"lightness": lightness})) for m in (loaded, model))
    np.testing.assert_array_equal(one, other, "ab")


def refuses_broken_folders(subject: Subject) -> None:
    """Damaged, missing and foreign weights are refused."""
    folder, model = subject.folder(), subject.untrained
    weights = model.save(folder / "model") / saving.WEIGHTS
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-20] + bytes(20))
    refused("sha256", registry.load_model, folder / "model")
    weights.unlink()
    refused(r"no weights\.npz", registry.load_model, folder / "model")
    refused("not a saved model", registry.load_model, folder)
    poisoned = {key: np.full_like(value, np.nan) for key, value in weights_of(model).items()}
    refused("NaN", model.set_weights, poisoned, "the file")
    refused("another model", model.set_weights, {"kernel": np.zeros(3)}, "the file")
    (folder / "text.npz").write_text("no weights here")
    refused("cannot be read", saving.read_arrays, folder / "text.npz")


# ---------------------------------------------------------------------- how it learns


class Stop(keras.callbacks.Callback):
    """Interrupts a training, as Ctrl-C does, before the step of the given number ends."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def learns_the_same_again(subject: Subject) -> None:
    """Once undisturbed, and once stopped in the middle of the training and resumed."""
    (undisturbed, expected), photos = subject.trained, subject.photos
    train = partial(fit, run_dir=subject.folder())
    resumed = subject.model()
    if undisturbed.trains_by_gradient:
        # The 7th step ends in the middle of a round of two.
        refused("--resume", train, resumed, photos, callbacks=[Stop(7)], kind=TrainingInterrupted)
        resumed = subject.model()
        refused("unfinished training", train, resumed, photos)
        refused(r"another run \(different: photos,", train, resumed, photos[1:], resume=True)
    history = train(resumed, photos, resume=True)
    # A lost moment or photo moves weights by a step's 1e-3; threads that add in another order, as
    # they sometimes do on a busy machine, by 1e-7.
    same_weights(undisturbed, resumed, within=1e-4)
    expect(history.curves.keys() == expected.curves.keys(), "A resumed training has other curves.")
    for curve, values in expected.curves.items():
        np.testing.assert_allclose(history.curves[curve], values, 1e-3, 1e-4, err_msg=curve)
    seen = f"{expected.photos_seen} photos were seen, and {history.photos_seen} when interrupted."
    expect(history.photos_seen == expected.photos_seen <= PHOTOS_SEEN, seen)


def is_trained_further(subject: Subject) -> None:
    """A saved model learns from other photos, from where it was or from shrunken weights."""
    path = subject.trained[0].save(subject.folder())
    start, budget = registry.load_model(path), Budget(photos_seen=8)
    # So slow that the weights show what a training began with.
    rates = ("learning_rate", "joint_rate")
    changes = {rate: 1e-12 for rate in rates if hasattr(start.config, rate)}
    further, shrunk = (start.copy(seed=5, **changes) for _ in range(2))
    same_weights(further, start)
    layers = further.networks["colorizer"].layers if start.trains_by_gradient else ()
    frozen = next((layer for layer in layers if layer.trainable_weights), None)
    freeze = () if frozen is None else (frozen.name,)
    fit(further, subject.photos[1:], budget=budget, freeze=freeze)
    training, digest = further.card.training, sha256_of_file(path / saving.WEIGHTS)
    origin = training.started_from if training else None
    known = origin is not None and origin.weights_sha256 == digest
    expect(known, "The card does not say which weights the training started from.")
    if frozen is None:
        return
    fit(shrunk, subject.photos[1:], budget=budget, start="shrink")
    before, after, of_shrunk = map(weights_of, (start, further, shrunk))
    initial = weights_of(subject.model(seed=5))
    for name in [f"colorizer/{variable.path}" for variable in frozen.weights]:
        np.testing.assert_array_equal(after[name], before[name], name)
    for variable in further.networks["colorizer"].trainable_variables:
        name = f"colorizer/{variable.path}"
        expected = before[name]
        if expected.ndim > 1:
            expected = 0.4 * expected + 0.1 * initial[name]
        near = partial(np.testing.assert_allclose, atol=1e-6)
        near(after[name], before[name], err_msg=f"{name}, continued")
        near(of_shrunk[name], expected, err_msg=f"{name}, shrunk and perturbed")


def every_parameter_gets_a_gradient(subject: Subject) -> None:
    """A step by plain gradient descent moves every weight that learns."""
    task = compiled(subject.model(), keras.optimizers.SGD(1.0))
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in task.trainable_variables]
    rgb = np.stack([photo.read(32)[:32, :32] for photo in subject.photos[:4]])
    task.train_on_batch({"rgb": rgb})
    for variable, old in zip(task.trainable_variables, before, strict=True):
        new = keras.ops.convert_to_numpy(variable)
        expect(bool(np.isfinite(new).all()), f"{variable.path} is not finite after a step.")
        expect(bool((new != old).any()), f"{variable.path} gets no gradient.")


def overfits_one_photo(subject: Subject) -> None:
    """Four flat squares, each of its own lightness and color: the loss must nearly vanish."""
    model = subject.model()
    if hasattr(model.config, "l1_weight"):
        # An adversary asks for other colors than the true ones: here the error is to count alone.
        model = subject.model(l1_weight=1e3)
    colors = np.array([[[200, 40, 40], [60, 160, 60]], [[30, 30, 120], [240, 220, 120]]], np.uint8)
    photo = colors.repeat(16, axis=0).repeat(16, axis=1)[None]
    task = compiled(model, keras.optimizers.Adam(1e-2))

    def step() -> float:
        task.reset_metrics()
        logs = task.train_on_batch({"rgb": photo}, return_dict=True)
        # What two nets that work against each other lose never vanishes: there, the error does.
        return float(logs.get("l1", logs["loss"]))

    # The best, not the last: two nets that work against each other swing to the end.
    first = best = step()
    for _ in range(200):
        best = min(best, step())
        if best < 0.05 * first:
            return
    raise ConformanceError(f"In 200 steps on one photo the loss fell from {first} to {best}.")


def stops_on_a_loss_that_is_not_finite(subject: Subject) -> None:
    """A training that diverges ends with an error."""
    model = subject.model(learning_rate=1e30)
    refused("no longer finite", fit, model, subject.photos, run_dir=subject.folder())


def trains_in_mixed_precision(subject: Subject) -> None:
    """Variables and predictions stay float32."""
    model, again, photo = subject.model(), subject.model(), subject.photos[0].read()
    budget = Budget(photos_seen=8)
    history = fit(model, subject.photos, precision="mixed_bfloat16", budget=budget)
    kinds = {str(v.dtype) for v in model.variables().values()}
    expect(kinds == {"float32"}, f"After mixed precision, variables are {sorted(kinds)}.")
    expect(bool(np.isfinite(history.curves["loss"]).all()), "In bfloat16 the loss is not finite.")
    again.assign(weights_of(model))
    again.defaults = dict(model.defaults)
    np.testing.assert_array_equal(again.colorize(photo), model.colorize(photo), "colors")


def is_exported(subject: Subject) -> None:
    """A SavedModel colors photos as the model does, to 1 of 255."""
    colors_alike_exported([exported(subject)])


EVERY = (
    declares_itself,
    is_given_the_inputs_that_it_declares,
    predicts_finite_chroma_of_any_size,
    colorizes_any_size,
    colorizes_every_mode,
    colors_many_photos_like_one,
    serves_two_threads,
    keeps_the_lightness,
    follows_hints,
    follows_what_is_said_of_the_whole_photo,
    suggests_colors,
    starts_from_its_seed,
    refuses_what_it_lacks,
    refuses_broken_folders,
    honors_its_options,
    averages_views,
    saves_and_loads_exactly,
    learns_the_same_again,
    is_trained_further,
)
BY_GRADIENT = (
    every_parameter_gets_a_gradient,
    overfits_one_photo,
    stops_on_a_loss_that_is_not_finite,
    trains_in_mixed_precision,
)

# ---------------------------------------------------------------------- what checks are made of


def exported(subject: Subject) -> "checking.Check":
    """Write a SavedModel; a process of its own can tell whether it colors as the model does."""
    from zoo.export import artifacts
    from zoo.export.plan import Plan

    trained = registry.entry(subject.name).load().trains_by_gradient
    model = shaken(subject.model()) if trained else subject.trained[0]
    plan = Plan(("saved_model",), "float32", None, model.resolve_options({"render_factor": 2}))
    # Two working sizes between them, because a new one costs a compilation.
    photos = [random_photo(*side) for side in ((1, 1), (37, 23), (48, 48), (74, 46))]
    (check,) = artifacts.write(model, subject.folder() / "exported", plan, photos)
    return check


def colors_alike_exported(checks: Sequence["checking.Check"]) -> None:
    """Try what `exported` wrote, all in one process, which takes seconds to start."""
    from zoo.export.checking import check

    for written, outcome in zip(checks, check(checks), strict=True):
        most = outcome.max_difference
        expect(most <= 1, f"{written}: exported, colors differ by {most} of 255.")
        expect(outcome.photos >= 10, f"{written}: only {outcome.photos} photos were tried.")


def fit(model: Colorizer, photos: PhotoSet, **changes: Any) -> History:
    """Train in the smallest way; half of the photos also choose the best weights."""
    settings = {"budget": Budget(photos_seen=PHOTOS_SEEN), "size": 32, "precision": "float32"}
    return model.fit(photos, photos[:3], **(settings | changes))  # type: ignore[arg-type]


def compiled(model: Colorizer, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """Make the task of a model that trains by gradient, ready for `train_on_batch`."""
    if not isinstance(model, GradientColorizer):
        raise ConformanceError("A model that trains by gradient must be a GradientColorizer.")
    task = model.task()
    task.compile(optimizer=optimizer, jit_compile=use_jit())
    return task


def shaken(model: Colorizer) -> Colorizer:
    """Give the model other weights: its colors are bold, and no statistics are 0 or 1."""
    rng = np.random.default_rng(0)
    for name, variable in model.variables().items():
        value = keras.ops.convert_to_numpy(variable)
        if np.issubdtype(value.dtype, np.floating) and "bins" not in name:
            noise = rng.uniform(0.1, 0.3, value.shape) * rng.choice((-1, 1), value.shape)
            moved = np.abs(value + noise) if "variance" in name else value + noise
            variable.assign(moved.astype(value.dtype))
    return model


def random_photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Make a photo of noise: (H, W, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def weights_of(model: Colorizer) -> dict[str, np.ndarray]:
    """Copy every weight."""
    return {name: np.array(keras.ops.convert_to_numpy(v)) for name, v in model.variables().items()}


def same_weights(first: Colorizer, second: Colorizer, within: float = 0.0) -> None:
    """Expect equal weights of equal names, none farther apart than `within`."""
    one, other = weights_of(first), weights_of(second)
    expect(one.keys() == other.keys(), f"Weights of one model: {one.keys() ^ other.keys()}.")
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=0, atol=within, err_msg=name)


def expect(holds: bool, otherwise: str) -> None:
    """Fail with the message `otherwise` where something does not hold."""
    if not holds:
        raise ConformanceError(otherwise)


def refused(
    pattern: str, action: Callable[..., Any], *given: Any, kind: Any = ZooError, **options: Any
) -> None:
    """Expect an action to raise an error whose message has a regular expression."""
    try:
        action(*given, **options)
    except kind as error:
        said = re.search(pattern, str(error))
        expect(said is not None, f"An error should say {pattern!r}, and says: {error}")
        return
    raise ConformanceError(f"Nothing was refused; an error that says {pattern!r} was expected.")


def _make_photos(folder: Path) -> PhotoSet:
    rng = np.random.default_rng(0)
    for number in range(6):
        coarse = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        place = folder / ("sea", "tree")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        coarse.resize((40, 32), Image.Resampling.BICUBIC).save(place / f"{number}.png")
    return PhotoSet.from_folder(folder)
