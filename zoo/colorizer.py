"""Colorizer: the one interface that every approach implements.

A Colorizer HOLDS Keras networks (`model.networks`) and is not one itself: fitting means different
things for a regression, an adversarial pair and a nearest-neighbor table, and all look the same
from outside. Outside speaks uint8 RGB and CIE Lab; how a network scales its numbers is its own
business. On disk a model is a folder, see `zoo.saving`.
"""

import dataclasses
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import keras
import numpy as np

from zoo import preprocessing, saving
from zoo.budget import Budget
from zoo.card import Card, Training
from zoo.color.spaces import Tensor
from zoo.consensus import averaged
from zoo.errors import AnswersWarning, ZooError, valid_choice
from zoo.fullsize import FullSize
from zoo.hints.following import Follower
from zoo.hints.marks import Hints
from zoo.hints.placing import chroma_of
from zoo.hints.simulated import HintInput
from zoo.hints.suggestions import COUNT, Suggestion
from zoo.hints.whole_photo import imposed, toward_palette
from zoo.inputs import LIGHTNESS, Input, complete_inputs, inputs_of_photos
from zoo.networks.runner import PlainRunner, Runner
from zoo.options import (
    CONSENSUS,
    EDGE_RADIUS,
    OF_ALL,
    OWN_STRENGTH,
    RENDER_FACTOR,
    Option,
    Step,
    option_values,
)
from zoo.photos.decoding import read_photo
from zoo.prediction import Chroma, Prediction
from zoo.training.plan import History, TrainingPlan

if TYPE_CHECKING:
    import PIL.Image

    from zoo.photos.photoset import PhotoSet


@dataclasses.dataclass(frozen=True)
class Departure:
    """Where a preset does something else than its source, each in a few words."""

    paper: str
    here: str
    why: str


@dataclasses.dataclass(frozen=True)
class Preset:
    """A named configuration, a frozen dataclass, and where its numbers come from.

    `source` is the paper and section, or "ours: ..." for numbers that no paper gives; `departures`
    are from that source, empty where none is known.
    """

    config: Any
    source: str
    departures: tuple[Departure, ...] = ()

    @property
    def follows_a_source(self) -> bool:
        """Whether the numbers are somebody else's, from which there may be departures."""
        return not self.source.startswith(("ours: ", "by definition"))


class Colorizer(ABC):
    """A way to colorize photos; a subclass names presets and options and has three methods.

    Attributes:
        preset: which one the configuration started from.
        config: the frozen dataclass of the model's configuration; every one has a `train_size`.
        seed: decides initial weights and the training's random choices.
        networks: the Keras networks by name.
        defaults: the value of each option where the caller gives none; training may change it.
        card: what is known about this model's training and scores, as stored in card.json.
        fitted: whether the weights have been learned or imported.
        runner: runs the networks where the caller gives no other.
    """

    PRESETS: ClassVar[dict[str, Preset]]
    options: ClassVar[tuple[Option, ...]] = OF_ALL
    #: Whether `fit` follows gradients of a loss; the shared tests ask more of models that do.
    trains_by_gradient: ClassVar[bool] = False
    #: Whether the model is of no use before `fit` or `load_model`.
    needs_training: ClassVar[bool] = True

    def __init__(self, name: str, preset: str, config: Any, seed: int = 0) -> None:
        self.name, self.preset, self.config, self.seed = name, preset, config, seed
        self.defaults = {option.name: option.default for option in self.options}
        self.card = Card()
        self.fitted = False
        self.runner: Runner = PlainRunner()
        self.networks = self.build_networks()

    @abstractmethod
    def build_networks(self) -> dict[str, keras.Model]:
        """Make the networks from `self.config`, initial weights decided by `self.seed`."""

    @abstractmethod
    def learn(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: "TrainingPlan"
    ) -> History:
        """Learn from photos, none of them gray or toned, as `plan` says; `fit` records it.

        The validation photos choose the best weights.
        """

    @abstractmethod
    def run_networks(
        self, inputs: Mapping[str, Tensor], runner: Runner, **values: Tensor
    ) -> Prediction:
        """Look at photos once, in `keras.ops`: this is exported, too.

        The inputs are all that are declared; the sides of L, (N, H, W, 1), may be unknown. The
        values are every option of the step "network" but `consensus`, which averages what comes
        back, as numbers or scalar tensors.
        """

    @abstractmethod
    def to_ab(self, prediction: Prediction, **values: Tensor) -> Tensor:
        """Make color of a prediction, in `keras.ops`: this is exported, too.

        The values are every option of the step "decode" but `edge_radius`, by which the prediction
        is smoothed already, as numbers or scalar tensors. The result is (N, h, w, 2) float32 ab of
        any size, which is enlarged to the one of L.
        """

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs of the colorizing network; L is always the first."""
        return (LIGHTNESS,)

    def references(self) -> dict[str, dict[str, str]]:
        """What predictions depend on that is too large for the model's folder; nothing for most.

        By name what each is ("is", in words that its owner understands), and its "sha256". Loading
        a model refuses another one.
        """
        return {}

    def pretrain(self) -> None:  # noqa: B027
        """Put pretrained weights where the configuration names some; most models have none.

        For new models: the weights of one that is loaded hold what was learned from these.
        """

    # ------------------------------------------------------------------ made and configured

    @classmethod
    def from_preset(cls, name: str, preset: str, *, seed: int = 0, **config: Any) -> Self:
        """Make an untrained model from its seed alone; see `zoo.create_model`."""
        return cls(name, preset, _changed(cls.PRESETS[preset].config, config, name), seed)

    def copy(self, *, seed: int | None = None, **config: Any) -> Self:
        """Make a model with the same weights, for a training under another configuration.

        Args:
            seed: of the training's random choices; this model's by default.
            **config: fields of the configuration to change; none that changes the networks.
        """
        changed = _changed(self.config, config, self.name)
        copy = type(self)(self.name, self.preset, changed, self.seed if seed is None else seed)
        values = self.weight_values()
        if not copy._fits(values):
            changes = ", ".join(f"{name}={value}" for name, value in config.items())
            raise ZooError(
                f"The weights of {self.name} do not fit into networks with {changes}; "
                "leave that out."
            )
        copy.assign(values)
        copy.defaults, copy.card, copy.fitted = dict(self.defaults), self.card, self.fitted
        return copy

    def resolve_options(self, options: Mapping[str, Any]) -> dict[str, float]:
        """Every option's value: the caller's where given, else this model's default."""
        return option_values(self.options, options, self.defaults, self.name)

    # ------------------------------------------------------------------ training

    def fit(
        self,
        train: "PhotoSet",
        validation: "PhotoSet | None" = None,
        *,
        budget: Budget,
        size: int | Sequence[int] | None = None,
        freeze: Sequence[str] = (),
        start: str = "continue",
        precision: str = "auto",
        run_dir: str | os.PathLike | None = None,
        resume: bool = False,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        progress: bool = False,
        devices: int = 1,
    ) -> History:
        """Learn from photos, by default going on from the weights that are there.

        So a model that was trained before, on whatever photos, is trained further: what it learned
        by gradients goes on, with the colors that it chooses from; how frequent they are, tables of
        patches with all that they rest on, and mean colors are found anew. Two fits in a row give
        the same weights as a fit, saving, loading and a fit. Afterwards the model's default render
        factor is the one of the training size, and `model.card.training` tells what was done.

        Args:
            train: photos to learn from; those that are really gray or toned are left out.
            validation: photos that choose the best weights; without them the last ones are kept.
            budget: how much training; an epoch is a pass over the photos that have color.
            size: side of the training squares in px, or several, each for an equal share of the
                budget, as in (64, 96, 128); the configuration's where None.
            freeze: shell patterns of the names of layers of the colorizing network that stay as
                they are, as in ("down0*", "stem*"); for models that train by gradient.
            start: "continue" from the weights that are there; "shrink" to shrink and perturb the
                kernels of layers that are not frozen first, for models that train by gradient, so
                that they learn as readily as new ones (`zoo.training.transfer.shrink_and_perturb`);
                "fresh" for the seed's initial weights, as if the model had never been fitted.
            precision: "float32", "mixed_bfloat16", or "auto" for the faster one of this machine.
            run_dir: where checkpoints go; without it an interrupted training starts over.
            resume: go on from the checkpoint in `run_dir`, if there is one.
            callbacks: Keras callbacks, called by models that train by gradient.
            progress: show a progress bar with an estimate of the time left.
            devices: how many of TensorFlow's or JAX's devices share each batch, for models that
                train by gradient; the losses are those of one device but for rounding.

        Raises:
            ZooError: on what cannot be used, or a loss that is no longer finite.
            TrainingInterrupted: after Ctrl-C, once the position is saved.
        """
        sizes = self.config.train_size if size is None else size
        colored = train.color_only()
        plan = TrainingPlan(
            budget=budget.over(len(colored)),
            sizes=tuple(sizes) if isinstance(sizes, Sequence) else (sizes,),
            precision=precision,
            run_dir=None if run_dir is None else Path(run_dir),
            resume=resume,
            callbacks=tuple(callbacks),
            progress=progress,
            freeze=(freeze,) if isinstance(freeze, str) else tuple(freeze),
            start=start,
            rounds=budget.epochs,
            devices=devices,
        )
        if not self.trains_by_gradient and (plan.freeze or start == "shrink"):
            raise ZooError(
                f"{self.name} learns without gradients and has no layers to freeze or shrink; "
                "leave that out."
            )
        if not self.trains_by_gradient and devices != 1:
            raise ZooError(
                f"{self.name} learns without gradients, on one processor; leave --devices away."
            )
        checked = validation.color_only() if validation is not None else None
        if start == "fresh":
            self._forget()
        # Models that are kept on the way are used at this size, too.
        render_factor = max(1, round(plan.size / preprocessing.RENDER_UNIT))
        self.defaults["render_factor"] = min(render_factor, int(RENDER_FACTOR.high))
        started_from = self.card.start() if self.fitted else None
        history = self.learn(colored, checked, plan)
        self.fitted = True
        # What else the card said was about the model that this one started from.
        training = Training.of(plan, history, train, colored, checked, self.seed, started_from)
        self.card = Card(training=training)
        return history

    def _rebuild(self) -> None:
        """Make the networks anew with the same weights, for the devices that are chosen now."""
        values = self.weight_values()
        self.networks = self.build_networks()
        self.assign(values)

    def _forget(self) -> None:
        """Become what the configuration and the seed make."""
        new = type(self)(self.name, self.preset, self.config, self.seed)
        new.pretrain()
        self.assign(new.weight_values())
        self.defaults, self.fitted, self.card = new.defaults, False, Card()

    # ------------------------------------------------------------------ two steps to a color

    def predict(
        self, inputs: Mapping[str, Tensor], *, runner: Runner | None = None, **options: Any
    ) -> Prediction:
        """Run the network: the first step.

        Args:
            inputs: "lightness", (N, H, W, 1) L in [0, 100] of any size, and further declared inputs
                by name. Those that are missing are derived from L, or absent.
            runner: runs the networks; the model's own by default.
            **options: see `model.options`; those of the step "network" count here.
        """
        values = self._values(options, "network")
        complete = complete_inputs(self.inputs, inputs)
        return self.predicted(complete, runner or self.runner, **values)

    def decode(self, prediction: Prediction, **options: Any) -> np.ndarray:
        """Make color of a prediction: the second step, which runs no network.

        Of the options those of the step "decode" count. The result is (N, H, W, 2) float32 ab, of
        the size of L.

        Raises:
            ZooError: if it is not finite.
        """
        values = self._values(options, "decode")
        # What a network has answered is small: a backend's operations take longer to start than
        # NumPy's to end.
        ab = prediction.enlarged(keras.ops.convert_to_numpy(self._colors_of(prediction, **values)))
        if not np.isfinite(ab).all():
            raise ZooError(
                f"{self.name} predicts colors that are not finite: its weights are broken; train "
                "it again or load another copy."
            )
        return ab

    def predicted(
        self, inputs: Mapping[str, Tensor], runner: Runner, **values: Tensor
    ) -> Prediction:
        """What `predict` does, in `keras.ops`, from complete inputs: `run_networks`, averaged."""
        consensus = values.pop(CONSENSUS.name, 0)
        return averaged(
            self.inputs, inputs, consensus, lambda seen: self.run_networks(seen, runner, **values)
        )

    def decoded(self, prediction: Prediction, **values: Tensor) -> Tensor:
        """What `decode` does, in `keras.ops`."""
        return prediction.enlarged(self._colors_of(prediction, **values))

    def _colors_of(self, prediction: Prediction, **values: Tensor) -> Tensor:
        """`to_ab` of a prediction smoothed along edges."""
        radius = values.pop(EDGE_RADIUS.name, 0)
        return self.to_ab(prediction.smoothed(radius), **values)

    def _values(self, options: Mapping[str, Any], step: Step) -> dict[str, float]:
        values = self.resolve_options(options)
        return {option.name: values[option.name] for option in self.options if option.step == step}

    def told(
        self, inputs: Mapping[str, Tensor], hints: Hints | None, photo: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Add what hints say to the inputs of a network that listens to them.

        Args:
            inputs: of one photo, "lightness" among them.
            hints: of the photo; None says nothing.
            photo: its own height and width.

        Raises:
            ZooError: as `followed`.
        """
        height, width = inputs[LIGHTNESS.name].shape[1:3]
        said = hints or Hints()
        listening = [one for one in self.inputs if isinstance(one, HintInput)]
        return {**inputs} | {one.name: one.of(said, (height, width), photo) for one in listening}

    def followed(
        self,
        ab: np.ndarray,
        hints: Hints | None,
        lightness: Tensor,
        photo: tuple[int, int],
        **options: Any,
    ) -> np.ndarray:
        """Let decoded colors follow hints: a third step, for those who have some.

        Args:
            ab: (1, H, W, 2), of `decode`.
            hints: of the photo; None leaves `ab` as it is.
            lightness: (1, H, W, 1) L in [0, 100].
            photo: its own height and width.
            **options: see `model.options`; those of the step "hints" count here.

        Raises:
            ZooError: if a hint lies outside of the photo, or two of them disagree.
        """
        if hints is None:
            return ab
        strength = self._values(options, "hints")[OWN_STRENGTH.name]
        plane = keras.ops.convert_to_numpy(lightness)[0, ..., 0]
        return Follower(plane, hints, photo, strength)(ab[0])[None]

    def colored(
        self,
        prediction: Prediction,
        hints: Hints | None,
        lightness: Tensor,
        photo: tuple[int, int],
        *,
        answers: int | None = None,
        **options: Any,
    ) -> list[np.ndarray]:
        """Make color of a prediction, and let it follow hints.

        Args:
            prediction: of `predict`; of one photo if there are hints or answers.
            hints: of the photo, or None.
            lightness: (N, H, W, 1) L in [0, 100] of the working size.
            photo: its own height and width.
            answers: how many plausible answers of the whole photo are wanted; None for the one.
            **options: see `model.options`.

        Returns:
            (N, H, W, 2) float32 ab for each answer: the ordinary one first, then the most plausible
            of the others; fewer if there are no more that differ clearly.

        Raises:
            ZooError: if hints cannot be followed, colors are not finite, or the model predicts no
                distributions, and so has a single answer.
        """
        plain = self.decode(prediction, **options)
        leaned = prediction
        if hints is not None and hints.says_of_whole_photo:
            leaned = self.leaned(prediction, hints, **options)

        def finished(one: Prediction) -> np.ndarray:
            ab = plain if one is prediction else self.decode(one, **options)
            if hints is not None and hints.says_of_whole_photo:
                ab = imposed(ab[0], plain[0], hints)[None]
            return self.followed(ab, hints, lightness, photo, **options)

        if answers is None:
            return [finished(leaned)]
        return self.several(leaned, answers, finished, **options)

    def leaned(self, prediction: Prediction, hints: Hints, **options: Any) -> Prediction:
        """Let a prediction of one photo lean toward what hints say of the whole of it.

        What is said of means is imposed on decoded colors in any case; see
        `zoo.hints.whole_photo.imposed`.
        """
        if hints.palette and isinstance(prediction, Chroma):
            ab = keras.ops.convert_to_numpy(prediction.ab)
            return prediction.with_shares(toward_palette(ab, chroma_of(hints.palette)))
        return prediction

    def several(
        self,
        prediction: Prediction,
        count: int,
        finished: Callable[[Prediction], np.ndarray],
        **options: Any,
    ) -> list[np.ndarray]:
        """Make several answers of a prediction of one photo, each (1, H, W, 2) ab by `finished`.

        Raises:
            ZooError: if the model predicts no distributions.
        """
        raise ZooError(self._one_answer)

    def check_answers(self, count: Any) -> int:
        """Return how many answers are wanted.

        Raises:
            ZooError: if it is no whole number from 2 to 8, or the model has one answer alone.
        """
        raise ZooError(self._one_answer)

    @property
    def _one_answer(self) -> str:
        return (
            f"{self.name} predicts one color for each place and no distribution over colors, so "
            "that there are no others to choose from; take a model that does, as zhang."
        )

    # ------------------------------------------------------------------ photos in, photos out

    def colorize(
        self,
        photo: "str | os.PathLike | bytes | PIL.Image.Image | np.ndarray",
        *,
        hints: Hints | None = None,
        answers: int | None = None,
        runner: Runner | None = None,
        **options: Any,
    ) -> np.ndarray:
        """Color one photo of any size and mode; its own lightness stays at full resolution.

        Args:
            photo: a file, its bytes, a Pillow image or an array; gray, RGB, RGBA, palette, 16-bit.
            hints: colors that somebody says for places of the photo, which the others follow, or
                for the whole of it.
            answers: how many plausible answers are wanted, 2 to 8, from one run of the network, of
                models that predict distributions; None for the one.
            runner: runs the networks; the model's own by default.
            **options: see `model.options`.

        Returns:
            uint8 of the photo's own size: (H, W, 3), or (H, W, 4) where the photo has alpha, which
            is kept. With `answers` (A, H, W, 3 or 4): the ordinary answer, then others, the most
            plausible first. The mean distance of any two is at least 5 units of ab where the
            network sees the photo; A is smaller than asked for, with a warning, if there are no
            more such answers.

        Raises:
            ZooError: if the photo cannot be read, hints cannot be followed, an option has no valid
                value, or there are answers wanted of a model that has one.
        """
        if answers is not None:
            answers = self.check_answers(answers)
        read = read_photo(photo)
        (colored,) = self.colorize_variants(
            read.rgb[None], [options], hints=hints, answers=answers, runner=runner
        )
        if read.alpha is not None:
            alpha = np.broadcast_to(read.alpha[..., None], (*colored.shape[:-1], 1))
            colored = np.concatenate([colored, alpha], axis=-1)
        if answers is None:
            return colored[0]
        if len(colored) < answers:
            warnings.warn(
                f"{self.name} has {len(colored)} answers for this photo that differ clearly, and "
                f"not {answers}.",
                AnswersWarning,
                stacklevel=2,
            )
        return colored

    def colorize_batch(
        self, rgb: np.ndarray, *, runner: Runner | None = None, **options: Any
    ) -> np.ndarray:
        """Color photos of one size, (N, H, W, 3) uint8 sRGB, as `colorize` does one."""
        (colored,) = self.colorize_variants(rgb, [options], runner=runner)
        return colored

    def colorize_variants(
        self,
        rgb: np.ndarray,
        variants: Sequence[Mapping[str, float]],
        *,
        hints: Hints | None = None,
        answers: int | None = None,
        runner: Runner | None = None,
    ) -> list[np.ndarray]:
        """Color photos as `colorize_batch` does, with each of several sets of options.

        The network runs once for all sets that differ in how its answer becomes color. Hints and
        answers are of one photo: then there is no other. With answers, the first axis is theirs.
        """
        seen: dict[tuple[float, ...], tuple[dict[str, Tensor], Prediction]] = {}
        colored, photos = [], FullSize(rgb)
        for values in [self.resolve_options(variant) for variant in variants]:
            key = tuple(values[one.name] for one in self.options if one.step in ("size", "network"))
            if key not in seen:
                factor = int(values[RENDER_FACTOR.name])
                inputs = inputs_of_photos(self.inputs, photos, factor)
                if hints is not None:
                    inputs = self.told(inputs, hints, photos.size)
                seen[key] = inputs, self.predict(inputs, runner=runner, **values)
            inputs, prediction = seen[key]
            found = self.colored(
                prediction, hints, inputs[LIGHTNESS.name], photos.size, answers=answers, **values
            )
            merged = [photos.merge(ab) for ab in found]
            colored.append(merged[0] if answers is None else np.concatenate(merged))
        return colored

    def suggest_colors(
        self,
        photo: "str | os.PathLike | bytes | PIL.Image.Image | np.ndarray",
        place: tuple[float, float],
        count: int = int(COUNT.default),
        *,
        hints: Hints | None = None,
        runner: Runner | None = None,
        **options: Any,
    ) -> tuple[Suggestion, ...]:
        """Find the colors that the model holds for likely at a place of a photo.

        For models that predict distributions; see `zoo.hints.suggestions`.

        Args:
            photo: as `colorize` takes it.
            place: x to the right and y down, in px of the photo; (0, 0) is the middle of the pixel
                at the top left.
            count: how many colors, 1 to 16.
            hints: as `colorize` takes them. What they say of places changes the answer of a network
                that listens; what they say of the whole photo, that of every one.
            runner: runs the networks; the model's own by default.
            **options: see `model.options`; the temperature has no effect.

        Returns:
            The likeliest first. No two are less than 20 units of ab apart, and none has less than
            0.5 %, so that there may be fewer than `count`.

        Raises:
            ZooError: if the place is outside of the photo, `count` is no whole number from 1 to 16,
                or the model predicts no distributions.
        """
        raise ZooError(self._one_answer)

    # ------------------------------------------------------------------ exported

    def export(
        self,
        path: str | os.PathLike,
        format: str | Sequence[str] = "saved_model",
        *,
        weights: str | None = None,
        size: tuple[int, int] | None = None,
        calibration: "PhotoSet | None" = None,
        **options: Any,
    ) -> Path:
        """Write a folder that colors photos without the zoo, and check it in a fresh process.

        Arguments and errors are those of `zoo.export.folder.export`.
        """
        from zoo.export.folder import export

        return export(
            self, path, format, weights=weights, size=size, calibration=calibration, options=options
        )

    # ------------------------------------------------------------------ saved and loaded

    def variables(self) -> dict[str, keras.Variable]:
        """Every weight of every network, by a name that follows from the architecture alone.

        The states of random generators (dropout) are part of a training, not of a model.
        """
        return {
            f"{network}/{variable.path}": variable
            for network, keras_model in self.networks.items()
            for variable in keras_model.weights
        }

    def weight_values(self) -> dict[str, np.ndarray]:
        """Copies of the values of `variables`."""
        return {
            name: np.array(keras.ops.convert_to_numpy(v)) for name, v in self.variables().items()
        }

    def save(self, path: str | os.PathLike) -> Path:
        """Write the model's folder; `zoo.load_model` gives the same predictions to the bit."""
        path = Path(path)
        configuration = saving.Configuration(
            model=self.name,
            preset=self.preset,
            config=dataclasses.asdict(self.config),
            seed=self.seed,
            defaults=self.defaults,
            references=self.references(),
            fitted=self.fitted,
        )
        saving.write_folder(path, configuration, self.weight_values(), self.card)
        return path

    def set_weights(self, values: Mapping[str, np.ndarray], source: str) -> None:
        """Set every variable from stored values by name; `source` is their place, for messages."""
        if not self._fits(values):
            raise ZooError(
                f"{source} holds the weights of another model than {self.name}:{self.preset}; "
                f"use the {saving.WEIGHTS} that was saved together with this {saving.CONFIG}."
            )
        saving.refuse_non_finite(values, source)
        self.assign(values)

    def _fits(self, values: Mapping[str, np.ndarray]) -> bool:
        variables = self.variables()
        return values.keys() == variables.keys() and all(
            values[name].shape == tuple(variable.shape) for name, variable in variables.items()
        )

    def assign(self, values: Mapping[str, np.ndarray]) -> None:
        """Set every variable, from values by name as `variables` has them."""
        for name, variable in self.variables().items():
            variable.assign(values[name])


def _changed(config: Any, changes: dict[str, Any], name: str) -> Any:
    fields = tuple(field.name for field in dataclasses.fields(config))
    for given in changes:
        valid_choice(f"configuration field of {name}", given, fields)
    return dataclasses.replace(config, **changes)
