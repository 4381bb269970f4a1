"""The command `zoo`: list, train, evaluate and use the models.

Nothing at the top of this file imports a deep-learning framework: each command imports what it
needs when it runs, so that `zoo --help` and `zoo list` answer at once, and mistakes in the command
line are refused before seconds are spent.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from zoo import registry
from zoo._version import __version__
from zoo.cli import exporting, options, studies
from zoo.cli.data import data
from zoo.cli.inputs import (
    counted,
    load_run,
    load_runs,
    option_values,
    require_writable_file,
    spoken_warnings,
)
from zoo.cli.scripts import one_sentence
from zoo.cli.settings import parse_fields, parse_pairs, parse_sizes
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.files import require_writable

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.metrics.networks import NetworkMetrics
    from zoo.photos.division import Division
    from zoo.training.plan import History

_IMPORTABLE = ("zhang",)


class _Commands(TyperGroup):
    """Turns what went wrong into one sentence on standard error and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        with one_sentence():
            return super().invoke(ctx)


app = typer.Typer(
    name="zoo",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; the entry point of `zoo`."""
    app()


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"colorization-zoo {__version__}")
        raise typer.Exit


@app.callback()
def _zoo(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Every well-known way to colorize a photo, behind one command."""


@app.command("list")
def list_(
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="Shell-style, as in 'm*'.")
    ] = "*",
) -> None:
    """Show the models, their presets (the default one first) and what they are.

    Those that come with trained weights are ready for `zoo colorize PHOTO --model NAME`.
    """
    from zoo.cli.tables import models_table

    names = registry.list_models(pattern)
    if not names:
        raise ZooError(
            f"No model matches {pattern!r}; choose from: {', '.join(registry.list_models())}."
        )
    Console().print(
        models_table([registry.entry(name) for name in names], registry.list_pretrained())
    )


@app.command()
def info(
    model: Annotated[
        str, typer.Argument(metavar="MODEL|RUN", help="A model's name or a trained folder.")
    ],
) -> None:
    """Show a model's presets, configuration and options; of trained weights also their card."""
    from zoo.cli import tables

    console, named, defaults = Console(), registry.resolve(model), {}
    entry = named.entry
    if named.folder is not None:
        from zoo.card import read_card
        from zoo.saving import read_configuration

        defaults = read_configuration(named.folder).defaults
        for table in tables.card_tables(read_card(named.folder)):
            console.print(table)
    start_keras()
    model_class = entry.load()
    preset = named.preset or entry.presets[0]
    console.print(f"[bold]{entry.name}:{preset}[/bold] — {entry.summary}", highlight=False)
    console.print(tables.presets_table(model_class))
    console.print(tables.options_table(model_class, defaults))


@app.command()
def train(
    model: Annotated[
        str, typer.Argument(metavar="MODEL[:PRESET]", help="A name that `zoo list` shows.")
    ],
    photos: options.Photos,
    out: Annotated[Path, typer.Option(metavar="RUN", help="Folder for the trained model.")],
    val_photos: options.ValidationPhotos = None,
    preset: Annotated[str | None, typer.Option(help="The model's preset.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="RUN", help="Train this model further, on these photos."),
    ] = None,
    start: Annotated[
        str,
        typer.Option(
            metavar="HOW", help="With --from: continue, shrink (the kernels first) or fresh."
        ),
    ] = "continue",
    freeze: Annotated[
        str,
        typer.Option(metavar="A,B,...", help="Layers that stay as they are, as in down0*,stem*."),
    ] = "",
    size: options.TrainingSizes = None,
    budget: options.TrainingBudget = "20000",
    seed: options.Seed = 0,
    precision: options.Precision = "auto",
    settings: options.Settings = None,
    tensorboard: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write TensorBoard events there.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after an interruption.")] = False,
) -> None:
    """Train a model on color photos and save it as a folder.

    Of a .csv manifest with a column `split`, the rows "train" are learned from and the rows "val",
    if there are any, choose the best weights. Ctrl-C saves the position; the same command with
    --resume goes on and ends with the same weights.

    With --from RUN the training goes on from the weights of another one, on whatever photos that
    was. Preset and configuration are RUN's, but for what --set changes.
    """
    from zoo.budget import Budget
    from zoo.photos.division import divide

    entry, chosen = registry.untrained(model, preset)
    amount = Budget.parse(budget)
    changes = parse_pairs(settings, "--set")
    sizes = None if size is None else parse_sizes(size)
    if _is_finished(out, resume):
        return
    for folder in filter(None, (out, tensorboard)):
        require_writable(folder)

    start_keras()
    from zoo.plotting.training import TrainingPlot
    from zoo.training import checkpoint
    from zoo.training.plan import PRECISIONS, STARTS

    _check_position(out, checkpoint.exists(out), resume)
    valid_choice("precision", precision, PRECISIONS)
    valid_choice("start", start, STARTS)
    if source is None:
        colorizer = _untrained(entry, chosen, seed, changes)
    else:
        given = chosen if preset or ":" in model else None
        colorizer = _trained_before(source, entry.name, given, seed, changes)
    division = divide(photos, val_photos, tell=typer.echo)
    _tell_division(division)
    with spoken_warnings():
        history = colorizer.fit(
            division.train,
            division.validation,
            budget=amount,
            size=sizes,
            freeze=[pattern for pattern in freeze.split(",") if pattern],
            start=start,
            precision=precision,
            run_dir=out,
            resume=resume,
            callbacks=[TrainingPlot(out), *_tensorboard(tensorboard)],
            progress=True,
        )
    colorizer.save(out)
    checkpoint.discard(out)
    _tell_outcome(history, out)


@app.command("import-weights")
def import_weights(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="`zhang`.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The published weights.")],
    out: Annotated[Path, typer.Option(metavar="RUN", help="Folder for the model.")],
) -> None:
    """Make a trained model from weights that its authors publish.

    `zhang` takes colorization_release_v2-9b330a0b.pth of github.com/richzhang/colorization. It
    needs the extra `torch`; nothing in the file is executed.
    """
    valid_choice("model whose published weights can be imported", model, _IMPORTABLE)
    _is_finished(out, resume=False)
    require_writable(out)
    start_keras()
    from zoo.models.classification.zhang_weights import import_weights as read

    read(file).save(out)
    typer.echo(f"The model is in {out}.")
    typer.echo(f"Try it: zoo colorize PHOTO --model {out}")


@app.command()
def evaluate(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Trained folders, names that come trained, or `gray`."
        ),
    ],
    photos: options.Photos,
    size: options.PhotoSide = None,
    option: options.PredictionOptions = None,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this metric; repeatable.")
    ] = None,
    network: options.MetricNetworks = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every photo's scores there.")
    ] = None,
) -> None:
    """Score models on color photos: every metric with its 95 % interval over the photos.

    With several models, the differences to the first one follow, paired over the photos. Of a .csv
    manifest with a column `split`, the rows "test" are used.

    Metrics of --network are classifier (top-1, top-5 and agreement), lpips, frechet (with
    keras:InceptionV3 it is FID) and diversity (with keras:InceptionV3 the Inception score). True
    and gray photos are scored by them, too.
    """
    from zoo.cli import tables
    from zoo.files import write_json
    from zoo.metrics import list_metrics
    from zoo.photos.division import read_photos

    given = parse_pairs(option, "-o")
    for name in metric or ():
        valid_choice("metric", name, list_metrics())
    if json is not None:
        require_writable_file(json)

    models = load_runs(runs)
    values = {run: option_values(model, given) for run, model in models.items()}
    networks = _networks(network)
    photo_set = read_photos(photos, "test")
    typer.echo(f"Photos: {photo_set.summary()}.")
    from zoo.evaluation.evaluate import evaluate as score

    common: dict[str, Any] = {"size": size, "networks": networks, "progress": True}
    with spoken_warnings():
        references = {
            name: score(model, photo_set, metrics=(), **common)
            for name, model in (_references(models) if networks else {}).items()
        }
        reports = {
            run: score(model, photo_set, metrics=metric, **common, **values[run])
            for run, model in models.items()
        }
    if json is not None:
        every = references | reports
        write_json(
            json, [{"run": run, "report": report.to_json()} for run, report in every.items()]
        )
    console = Console()
    for table in tables.scores_tables(reports, console.width):
        console.print(table)
    for table in tables.network_tables(references | reports, console.width):
        console.print(table)
    for note in tables.network_notes(next(iter(reports.values()))):
        typer.echo(note)
    if len(reports) > 1:
        for table in tables.difference_tables(reports, console.width):
            console.print(table)


@app.command()
def colorize(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="PHOTO|FOLDER...", help="Photos or whole folders.")
    ],
    model: Annotated[
        str,
        typer.Option(metavar="RUN", help="Trained folder, or a name that comes trained."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the colored photos go.")] = Path(
        "colorized"
    ),
    option: options.PredictionOptions = None,
    confidence: Annotated[
        bool,
        typer.Option(
            "--confidence",
            help="Beside each photo save NAME_confidence.png: white where the network is sure.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Color again what is there already.")
    ] = False,
) -> None:
    """Color photos and whole folders, with their own names and formats.

    What is there already is skipped, so that a stopped run goes on when it is repeated. Photos that
    cannot be read are listed at the end, and make the exit status 1.
    """
    from zoo.cli.jobs import plan_jobs, run_jobs

    given = parse_pairs(option, "-o")
    jobs = plan_jobs(inputs, out, confidence)
    require_writable(out)
    colorizer = load_run(model)
    values = option_values(colorizer, given)
    if confidence:
        _require_distribution(colorizer)
    waiting = [job for job in jobs if overwrite or not job.target.exists()]
    failures = run_jobs(colorizer, waiting, values)
    made = [job for job in waiting if job.name not in failures]
    colored = sum(not job.confidence for job in made)
    typer.echo(f"Colored {counted(colored, 'photo')} into {out}.")
    if confidence:
        typer.echo(f"Saved the confidence of {counted(len(made) - colored, 'photo')} beside them.")
    if len(waiting) < len(jobs):
        typer.echo(f"Skipped {len(jobs) - len(waiting):,} already there; --overwrite redoes them.")
    if failures:
        typer.echo(f"{counted(len(failures), 'file')} could not be read:", err=True)
        for name, reason in failures.items():
            typer.echo(f"  {name}: {reason}", err=True)
        raise typer.Exit(1)


@app.command()
def compare(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="One photo.")],
    model: Annotated[
        list[str],
        typer.Option(
            metavar="RUN", help="Trained folder, or a name that comes trained; once a model."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture to write.")] = Path(
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
    models = load_runs(model)
    values = {run: option_values(colorizer, given) for run, colorizer in models.items()}
    gray = registry.create_model("gray")
    panels = [("gray", gray.colorize(original))]
    panels += [(run, models[run].colorize(original, **values[run])) for run in models]
    draw_side_by_side(out, [*panels, ("original", original)])
    typer.echo(f"Wrote {out}.")


app.command()(studies.temperature)
app.command()(studies.checkpoints)
app.command()(exporting.export)
app.add_typer(data, name="data")


# ---------------------------------------------------------------------- models


def _untrained(
    entry: registry.ModelEntry, preset: str, seed: int, changes: dict[str, str]
) -> "Colorizer":
    """A new model, its configuration changed as --set says."""
    config = entry.load().PRESETS[preset].config
    values = parse_fields(config, changes, f"configuration field of {entry.name}")
    return registry.create_model(entry.name, preset, seed=seed, **values)


def _trained_before(
    run: Path, name: str, preset: str | None, seed: int, changes: dict[str, str]
) -> "Colorizer":
    """A trained model to be trained further, its configuration changed as --set says."""
    trained = load_run(str(run))
    for kind, wanted, present in (
        ("model", name, trained.name),
        ("preset", preset, trained.preset),
    ):
        if wanted not in (None, present):
            raise ZooError(f"{run} is of the {kind} {present}, not {wanted}; give that one.")
    values = parse_fields(trained.config, changes, f"configuration field of {name}")
    return trained.copy(seed=seed, **values)


def _networks(specs: list[str] | None) -> "NetworkMetrics | None":
    """The networks that --network names; they are opened before photos are read."""
    if not specs:
        return None
    from zoo.metrics.networks import NetworkMetrics

    return NetworkMetrics(specs)


def _references(models: "dict[str, Colorizer]") -> dict[str, Any]:
    """What networks judge beside the models: the true photos and, if no model is that, gray."""
    from zoo.evaluation.evaluate import TruePhotos

    found: dict[str, Any] = {"true photos": TruePhotos()}
    if all(model.name != "gray" for model in models.values()):
        found["gray photos"] = registry.create_model("gray")
    return found


def _require_distribution(model: "Colorizer") -> None:
    """Refuse a model that answers with one color a place: it cannot tell how sure it is."""
    from zoo.models.classification.distribution import DistributionColorizer

    if isinstance(model, DistributionColorizer):
        return
    able = [
        name
        for name in registry.list_models()
        if issubclass(registry.entry(name).load(), DistributionColorizer)
    ]
    raise ZooError(
        f"{model.name} predicts no distribution over colors, so it has no confidence; leave out "
        f"--confidence, or take one of these models: {', '.join(able)}."
    )


# ---------------------------------------------------------------------- training


def _is_finished(out: Path, resume: bool) -> bool:
    """Whether a training to resume has ended already; to start over one that has is refused."""
    if not (out / "card.json").exists():
        return False
    if not resume:
        raise ZooError(
            f"{out} holds a trained model already (`zoo info {out}` shows it); give another "
            "folder with --out, or remove this one first."
        )
    typer.echo(f"{out} holds the trained model already; nothing is left to resume.")
    return True


def _check_position(out: Path, exists: bool, resume: bool) -> None:
    """Compare --resume with what is there, before the photos are read."""
    if exists and not resume:
        raise ZooError(
            f"{out} holds an unfinished training; resume it (--resume) or choose another folder."
        )
    if resume and not exists:
        typer.echo(f"There is no position to resume in {out}: starting anew.")


def _tell_division(division: "Division") -> None:
    numbers = f"Learning from {counted(len(division.train), 'photo')}"
    if division.validation is None:
        typer.echo(f"{numbers}; they are too few to validate on some, so the last weights count.")
    else:
        typer.echo(f"{numbers}, choosing the best weights on {len(division.validation):,} others.")


def _tensorboard(folder: Path | None) -> list[Any]:
    if folder is None:
        return []
    import keras

    return [keras.callbacks.TensorBoard(log_dir=str(folder), update_freq="epoch")]


def _tell_outcome(history: "History", out: Path) -> None:
    from zoo.cli.tables import duration

    sentence = f"Saw {counted(history.photos_seen, 'photo')} in {duration(history.seconds)}"
    score = history.details.get("best_score")
    if score is not None:
        sentence += f"; best validation score {score:.4g}"
    typer.echo(f"{sentence}. The model is in {out}.")
    if "ended" in history.details:
        typer.echo(f"The training ended early: {history.details['ended']}.")
    if (out / "checkpoints").is_dir():
        typer.echo(f"Other rounds' models can be had, too: zoo checkpoints {out}")
    typer.echo(f"Try it: zoo colorize PHOTO --model {out}")
