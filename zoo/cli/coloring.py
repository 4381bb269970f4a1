"""The commands that color: `zoo colorize`, `zoo compare` and `zoo suggest`."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Exit, Option, echo

from zoo import registry
from zoo.cli import options
from zoo.cli.inputs import counted, load_run, load_runs, option_values, require_writable_file
from zoo.cli.settings import parse_pairs, parse_time
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.executors import EXECUTORS
from zoo.files import require_writable

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.hints.marks import Hints
    from zoo.inference.cluster import Coloring
    from zoo.inference.films.coloring import FilmOutcome
    from zoo.inference.films.plan import FilmSettings
    from zoo.inference.jobs import Job, Outcome
    from zoo.networks.runner import Runner
    from zoo.transfer.reference import Reference


def colorize(
    inputs: Annotated[
        list[Path], Argument(metavar="PHOTO|FILM|FOLDER...", help="Photos, films, whole folders.")
    ],
    model: Annotated[
        str | None,
        Option(
            metavar="RUN",
            help="Trained folder, a name that comes trained, or a folder exported as ONNX; with a "
            "reference gray without it.",
        ),
    ] = None,
    out: Annotated[Path, Option(metavar="DIR", help="Where the colored files go.")] = Path(
        "colorized"
    ),
    option: options.PredictionOptions = None,
    hints: options.HintFile = None,
    strokes: options.Strokes = None,
    answers: options.Answers = None,
    reference: options.ReferenceFile = None,
    transfer: options.Transfer = None,
    swatch: options.Swatches = None,
    iterations: options.Iterations = None,
    features: options.StyleFeatures = None,
    confidence: Annotated[
        bool,
        Option(
            "--confidence",
            help="Beside each photo save NAME_confidence.png: white where the network is sure.",
        ),
    ] = False,
    precision: options.PredictionPrecision = "float32",
    overwrite: Annotated[
        bool, Option("--overwrite", help="Color again what is there already.")
    ] = False,
    keep_profile: Annotated[
        bool,
        Option("--keep-profile", help="Save in the photo's own color profile (ICC), not in sRGB."),
    ] = False,
    smoothing: options.Smoothing = "motion",
    look_ahead: options.LookAhead = 0,
    keyframe: options.KeyFrames = None,
    start: options.Start = "0",
    end: options.End = None,
    codec: options.FilmCodec = "h264",
    preview: options.Preview = False,
    executor: options.Executor = "local",
) -> None:
    """Color photos, films and whole folders, with their own names and formats.

    What is there already is skipped, so that a stopped run goes on when it is repeated, a film at
    the shot that it had come to. Files that cannot be read are listed at the end, and make the exit
    status 1.
    """
    from zoo.inference.films.plan import FilmSettings
    from zoo.inference.jobs import plan_jobs

    valid_choice("precision", precision, options.PRECISIONS)
    valid_choice("executor", executor, tuple(EXECUTORS))
    if executor != "local" and precision != "float32":
        raise ZooError(
            f"--precision {precision} is what this machine does fastest, and others differ; leave "
            f"it out with --executor {executor}."
        )
    said = _read_hints(hints, strokes, inputs)
    asked = _Asked(reference, transfer, swatch or (), iterations, features)
    asked.check(inputs)
    run = _model_of(model, asked)
    given, keys = parse_pairs(option, "-o"), parse_pairs(keyframe, "--keyframe")
    settings = FilmSettings(
        smoothing=smoothing,
        look_ahead=look_ahead,
        key_frames={parse_time(time): Path(path) for time, path in keys.items()},
        start=parse_time(start),
        end=None if end is None else parse_time(end),
        codec=codec,
        preview=preview,
    )
    planned = plan_jobs(inputs, out, confidence, settings.name_of, answers)
    jobs = [replace(job, hints=said) for job in planned]
    require_writable(out)
    waiting = [job for job in jobs if overwrite or not job.target.exists()]
    films = [job for job in waiting if job.is_film]
    _check_films([job for job in jobs if job.is_film], films, settings, answers)
    settings = asked.of_films(settings, waiting)
    film = films[0].source if films else None
    recipe = _Recipe(run, given, confidence, film, said, answers, asked, precision)
    with _carried_out(executor if waiting else "local", recipe) as color:
        photos = [job for job in waiting if not job.is_film]
        outcome = color.photos(photos, keep_profile=keep_profile)
        if photos or not films:
            _tell_photos(photos, outcome, out, confidence)
        outcome.failures.update(_color_films(films, color.film, settings))
    if len(waiting) < len(jobs):
        echo(f"Skipped {len(jobs) - len(waiting):,} already there; --overwrite redoes them.")
    if outcome.failures:
        echo(f"{counted(len(outcome.failures), 'file')} could not be read:", err=True)
        for name, reason in outcome.failures.items():
            echo(f"  {name}: {reason}", err=True)
        raise Exit(1)


def _read_hints(hints: Path | None, strokes: Path | None, inputs: Sequence[Path]) -> "Hints | None":
    """What the files say of the one photo; None without any."""
    from zoo.hints.marks import Hints
    from zoo.hints.overlay import read_overlay
    from zoo.photos.film import is_film

    if hints is None and strokes is None:
        return None
    if len(inputs) > 1 or inputs[0].is_dir() or is_film(inputs[0]):
        raise ZooError(
            "Hints are of one photo, and no film or folder; color it in a command of its own."
        )
    said = Hints() if hints is None else Hints.read(hints)
    return said if strokes is None else said.with_others(read_overlay(strokes))


@dataclass(frozen=True)
class _Asked:
    """What the command line says of a reference."""

    file: Path | None
    method: str | None
    swatches: Sequence[str]
    iterations: int | None
    features: str | None

    def check(self, inputs: Sequence[Path]) -> None:
        """Refuse what does not fit together, before anything is loaded."""
        settings = {
            "--transfer": self.method,
            "--swatch": self.swatches,
            "--iterations": self.iterations,
            "--features": self.features,
        }
        given = [name for name, value in settings.items() if value]
        if self.file is None and given:
            raise ZooError(
                f"{given[0]} says how the colors of a reference go over, and there is none; give "
                "one by --reference FILE."
            )
        if self.swatches and (len(inputs) > 1 or inputs[0].is_dir()):
            raise ZooError(
                "Swatches are of one photo, and no film or folder; color it in a command of its "
                "own."
            )

    def of_films(self, settings: "FilmSettings", jobs: "Sequence[Job]") -> "FilmSettings":
        """The settings with the reference, if there is a film, which only `match` can color."""
        films = [job.source for job in jobs if job.is_film]
        if self.file is None or not films:
            return settings
        if self.method not in (None, "match"):
            raise ZooError(
                f"Films take the colors of a reference by match alone; leave out --transfer "
                f"{self.method}, or the film {films[0]}."
            )
        return replace(settings, reference=self.file)

    def read(self) -> "Reference | None":
        """The reference, read and checked; this imports Keras."""
        if self.file is None:
            return None
        start_keras()
        from zoo.transfer.reference import METHODS, Reference
        from zoo.transfer.welsh import Swatch

        return Reference.read(
            self.file,
            self.method or METHODS[0],
            swatches=tuple(map(Swatch.parse, self.swatches)),
            iterations=self.iterations,
            features=self.features,
        )


def _model_of(model: str | None, asked: _Asked) -> str:
    """The model that is named; with a reference gray stands in for it."""
    if model is None and asked.file is None:
        raise ZooError(
            "There is neither a model nor a reference to color by; give --model RUN, or "
            "--reference FILE."
        )
    return model or "gray"


def _tell_photos(photos: "Sequence[Job]", outcome: "Outcome", out: Path, confidence: bool) -> None:
    """Say what has become of the photos."""
    made = [job for job in photos if job.name not in outcome.failures]
    colored = sum(not job.confidence for job in made)
    echo(f"Colored {counted(colored, 'photo')} into {out}.")
    for name, answers in outcome.fewer.items():
        echo(f"{name} has {counted(answers, 'answer')} that differ clearly, and no more.")
    if confidence:
        echo(f"Saved the confidence of {counted(len(made) - colored, 'photo')} beside them.")
    if outcome.reduced:
        echo(
            f"{counted(outcome.reduced, 'photo')} of 16 bits a channel got 8; to keep 16, run "
            "`pip install 'colorization-zoo[vips]'` and color them again with --overwrite, by a "
            "trained model."
        )


def _check_films(
    films: "Sequence[Job]",
    waiting: "Sequence[Job]",
    settings: "FilmSettings",
    answers: int | None,
) -> None:
    """Refuse what makes no sense before anything is loaded."""
    from zoo.inference.films.plan import FilmSettings
    from zoo.photos.film import require_pyav
    from zoo.photos.motion import require_opencv

    if not films and settings != FilmSettings():
        raise ZooError("Options for films were given, and there is no film; leave them out.")
    if films and answers is not None:
        raise ZooError("Several answers are of photos; color films without --answers.")
    if settings.key_frames and len(films) > 1:
        raise ZooError("Key frames are of one film; color it in a command of its own.")
    for path in settings.key_frames.values():
        if not path.is_file():
            raise ZooError(f"There is no key frame {path}; check the path.")
    if waiting:
        require_pyav()
        require_opencv()


def _color_films(
    films: "Sequence[Job]",
    color: "Callable[..., FilmOutcome] | None",
    settings: "FilmSettings",
) -> dict[str, str]:
    """Color films one after the other; return why some could not be read, by name."""
    from zoo.photos.decoding import PhotoError

    failures = {}
    for job in films:
        assert color is not None
        try:
            made = color(job.source, job.target, settings=settings, progress=True)
        except PhotoError as error:
            failures[job.name] = error.reason
            continue
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt("Stopped; repeat the command to go on.") from error
        echo(
            f"Colored {counted(made.frames, 'frame')} in {counted(made.shots, 'shot')}: "
            f"{made.target}."
        )
        if made.repeated:
            echo(
                f"{counted(made.repeated, 'frame')} could not be decoded; in their places are "
                "those before them."
            )
        for note in made.notes:
            echo(note)
    return failures


def compare(
    photo: Annotated[Path, Argument(metavar="PHOTO", help="One photo.")],
    model: Annotated[
        list[str],
        Option(metavar="RUN", help="Trained folder, or a name that comes trained; once a model."),
    ],
    out: Annotated[Path, Option(metavar="FILE", help="The picture to write.")] = Path(
        "comparison.png"
    ),
    option: options.PredictionOptions = None,
) -> None:
    """Draw a photo in gray, as each model colors it, and as it was, into one picture.

    An option given with -o has to be one that all of the models have.
    """
    from zoo.photos.decoding import read_rgb
    from zoo.plotting.pictures import check_suffix, draw_side_by_side

    given = parse_pairs(option, "-o")
    check_suffix(out)
    original = read_rgb(photo)
    if os.path.realpath(out) == os.path.realpath(photo):
        raise ZooError(f"{out} is the photo itself; give another file with --out.")
    require_writable_file(out)
    models = load_runs(model, given)
    panels = [("gray", registry.create_model("gray").colorize(original))]
    panels += [(run, one.colorize(original, **values)) for run, (one, values) in models.items()]
    draw_side_by_side(out, [*panels, ("original", original)])
    echo(f"Wrote {out}.")


def suggest(
    photo: Annotated[Path, Argument(metavar="PHOTO", help="One photo.")],
    x: Annotated[float, Argument(metavar="X", help="Of the place, in px from the left.")],
    y: Annotated[float, Argument(metavar="Y", help="In px from the top.")],
    model: Annotated[
        str, Option(metavar="RUN", help="Trained folder, or a name that comes trained.")
    ] = "zhang",
    count: Annotated[int, Option(metavar="N", min=1, max=16, help="How many colors, 1 to 16.")] = 5,
    hints: options.HintFile = None,
    option: options.PredictionOptions = None,
) -> None:
    """Show which colors a model holds for likely at a place of a photo.

    The likeliest first, with a and b, which a hint takes, and a probability. No two look alike, so
    that there may be fewer than were asked for.
    """
    from rich.console import Console

    from zoo.cli.tables import swatches_table

    said, given = _read_hints(hints, None, [photo]), parse_pairs(option, "-o")
    if photo.is_dir() or not photo.exists():
        raise ZooError(f"There is no photo {photo}; check the path.")
    loaded = load_run(model)
    _require_distribution(loaded, "has nothing to suggest; take")
    values = option_values(loaded, given)
    found, console = loaded.suggest_colors(photo, (x, y), count, hints=said, **values), Console()
    console.print(swatches_table(found, blocks=console.is_terminal), highlight=False)


@dataclass(frozen=True)
class _Recipe:
    """What colors, as the command line says it: made here, and in each worker of a cluster."""

    run: str
    given: Mapping[str, str]
    confidence: bool
    film: Path | None  # the first one, if there is any
    hints: "Hints | None"
    answers: int | None
    asked: _Asked
    precision: str
    cores: int | None = None

    def in_workers(self) -> "_Recipe":
        """The same for processes in other folders, which have one core each."""
        run, file = Path(self.run), self.asked.file
        return replace(
            self,
            run=str(run.absolute()) if run.exists() else self.run,
            asked=replace(self.asked, file=None if file is None else file.absolute()),
            cores=1,
        )

    def __call__(self) -> "Coloring":
        return self._exported() or self._loaded()

    def _exported(self) -> "Coloring | None":
        """What colors by an exported folder; None if this is none."""
        from zoo.inference.cluster import Coloring
        from zoo.inference.exported import ExportedModel, is_exported

        folder = self.run
        if not is_exported(Path(folder)):
            return None
        if self.confidence:
            raise ZooError(
                f"{folder} is an exported model, which gives colors alone; leave out --confidence, "
                "or give the trained folder."
            )
        if self.hints is not None:
            raise ZooError(
                f"{folder} is an exported model, which takes no hints; give the trained folder."
            )
        if self.answers is not None:
            raise ZooError(
                f"{folder} is an exported model, which gives one answer; leave out --answers, or "
                "give the trained folder."
            )
        if self.asked.file is not None:
            raise ZooError(
                f"{folder} is an exported model, which takes no reference; give the trained folder."
            )
        if self.precision != "float32":
            raise ZooError(
                f"{folder} is an exported model, whose precision is fixed; leave out --precision, "
                "or give the trained folder."
            )
        if self.film is not None:
            raise ZooError(
                f"{folder} is an exported model, which colors photos; give the trained folder to "
                f"color the film {self.film}."
            )
        model = ExportedModel(Path(folder), self.cores)
        return Coloring(partial(model.run_jobs, options=model.option_values(self.given)))

    def _loaded(self) -> "Coloring":
        """What colors by a trained model, and by a reference if there is one."""
        from zoo.inference.cluster import Coloring

        reference = self.asked.read()
        model = load_run(self.run)
        values = option_values(model, dict(self.given))
        if self.confidence:
            _require_distribution(model, "has no confidence; leave out --confidence, or take")
        if self.answers is not None:
            _require_distribution(model, "has one answer; leave out --answers, or take")
        # They load Keras, after most mistakes have been told.
        from zoo.inference.films.coloring import color_shots, colorize_video
        from zoo.inference.folders import run_jobs

        runner = _runner(model) if self.precision == "auto" else None
        return Coloring(
            partial(
                run_jobs,
                model,
                options=values,
                reference=reference,
                runner=runner,
                cores=self.cores,
            ),
            partial(colorize_video, model=model, runner=runner, **values),
            partial(color_shots, model=model, **values),
            model,
        )


@contextmanager
def _carried_out(executor: str, recipe: _Recipe) -> "Iterator[Coloring]":
    """What colors, here or on a cluster; mistakes in the recipe are told before that is there."""
    if executor == "local":
        yield recipe()
        return
    from zoo.inference.cluster import coloring_cluster, on_cluster

    cluster = coloring_cluster()
    here = recipe()
    with cluster:
        yield on_cluster(cluster, recipe.in_workers(), here)


def _runner(model: "Colorizer") -> "Runner | None":
    """What runs the networks fastest here; None for float32."""
    from zoo.export.int8 import fastest

    choice = fastest(model)
    echo(str(choice))
    return choice.runner


def _require_distribution(model: "Colorizer", lacks: str) -> None:
    """Refuse a model that answers with one color a place: it knows of no others."""
    from zoo.models.classification.distribution import DistributionColorizer

    if isinstance(model, DistributionColorizer):
        return
    able = [
        name
        for name in registry.list_models()
        if issubclass(registry.entry(name).load(), DistributionColorizer)
    ]
    raise ZooError(
        f"{model.name} predicts no distribution over colors, so it {lacks} one of these "
        f"models: {', '.join(able)}."
    )
