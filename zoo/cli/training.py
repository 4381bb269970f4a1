"""The commands that make trained models: `zoo train` and `zoo import-weights`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option, echo

from zoo import registry
from zoo.cli import options
from zoo.cli.inputs import counted, load_run, spoken_warnings
from zoo.cli.settings import parse_fields, parse_pairs, parse_sizes
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.files import require_writable

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.photos.division import Division
    from zoo.training.plan import History


def train(
    model: Annotated[str, Argument(metavar="MODEL[:PRESET]", help="A name that `zoo list` shows.")],
    photos: options.Photos,
    out: Annotated[Path, Option(metavar="RUN", help="Folder for the trained model.")],
    val_photos: options.ValidationPhotos = None,
    preset: Annotated[str | None, Option(help="The model's preset.")] = None,
    source: Annotated[
        Path | None,
        Option("--from", metavar="RUN", help="Train this model further, on these photos."),
    ] = None,
    start: Annotated[
        str,
        Option(metavar="HOW", help="With --from: continue, shrink (the kernels first) or fresh."),
    ] = "continue",
    freeze: Annotated[
        str, Option(metavar="A,B,...", help="Layers that stay as they are, as in down0*,stem*.")
    ] = "",
    size: options.TrainingSizes = None,
    budget: options.TrainingBudget = "20000",
    seed: options.Seed = 0,
    precision: options.Precision = "auto",
    devices: Annotated[
        int,
        Option(min=1, help="GPUs, or other devices of TensorFlow or JAX, that share each batch."),
    ] = 1,
    settings: options.Settings = None,
    tensorboard: Annotated[
        Path | None, Option(metavar="DIR", help="Write TensorBoard events there.")
    ] = None,
    resume: Annotated[bool, Option("--resume", help="Go on after an interruption.")] = False,
) -> None:
    """Train a model on color photos, or on frames of films, and save it as a folder.

    Of a .csv manifest with a column `split`, the rows "train" are learned from and the rows "val",
    if there are any, choose the best weights. Ctrl-C saves the position; the same command with
    --resume goes on and ends with the same weights.

    With --from RUN the training goes on from the weights of another one, on whatever photos that
    was. Preset and configuration are RUN's, but for what --set changes.
    """
    from zoo.budget import Budget
    from zoo.photos.division import divide

    registry.untrained(model, preset)
    amount, changes = Budget.parse(budget), parse_pairs(settings, "--set")
    sizes = None if size is None else parse_sizes(size)
    if _is_finished(out, resume):
        return
    for folder in filter(None, (out, tensorboard)):
        require_writable(folder)
    start_keras()
    from zoo.backend import require_devices
    from zoo.training import checkpoint

    _check(out, resume, precision, start)
    require_devices(devices)
    colorizer = _model(model, preset, source, seed, changes)
    with spoken_warnings():
        division = divide(photos, val_photos, tell=echo)
        _tell_division(division)
        history = colorizer.fit(
            division.train,
            division.validation,
            budget=amount,
            size=sizes,
            freeze=[pattern for pattern in freeze.split(",") if pattern],
            start=start,
            precision=precision,
            devices=devices,
            run_dir=out,
            resume=resume,
            callbacks=_callbacks(out, tensorboard),
            progress=True,
        )
    colorizer.save(out)
    checkpoint.discard(out)
    _tell_outcome(history, out)


def import_weights(
    model: Annotated[str, Argument(metavar="MODEL", help="`zhang` or `hinted`.")],
    file: Annotated[Path, Argument(metavar="FILE", help="The published weights.")],
    out: Annotated[Path, Option(metavar="RUN", help="Folder for the model.")],
) -> None:
    """Make a trained model from weights that its authors publish.

    `zhang` takes colorization_release_v2-9b330a0b.pth of github.com/richzhang/colorization, and
    `hinted` siggraph17-df00044c.pth; nothing in the file is executed.
    """
    valid_choice("model whose published weights can be imported", model, ("zhang", "hinted"))
    _is_finished(out, resume=False)
    require_writable(out)
    start_keras()
    from zoo.models.classification import zhang_weights
    from zoo.models.guided import hinted_weights

    source = hinted_weights if model == "hinted" else zhang_weights
    source.import_weights(file).save(out)
    echo(f"The model is in {out}.")
    echo(f"Try it: zoo colorize PHOTO --model {out}")


def _model(
    name: str, preset: str | None, source: Path | None, seed: int, changes: dict[str, str]
) -> "Colorizer":
    """A new model, or a trained one to be trained further, changed as --set says."""
    entry, chosen = registry.untrained(name, preset)
    kind = f"configuration field of {entry.name}"
    if source is None:
        values = parse_fields(entry.load().PRESETS[chosen].config, changes, kind)
        return registry.create_model(entry.name, chosen, seed=seed, **values)
    trained = load_run(str(source))
    given = {"model": (entry.name, trained.name), "preset": (chosen, trained.preset)}
    if not (preset or ":" in name):
        del given["preset"]
    for part, (wanted, present) in given.items():
        if wanted != present:
            raise ZooError(f"{source} is of the {part} {present}, not {wanted}; give that one.")
    return trained.copy(seed=seed, **parse_fields(trained.config, changes, kind))


def _check(out: Path, resume: bool, precision: str, start: str) -> None:
    """Refuse what cannot be done, before the photos are read."""
    from zoo.training import checkpoint
    from zoo.training.plan import PRECISIONS, STARTS

    if checkpoint.exists(out) and not resume:
        raise checkpoint.unfinished(out)
    if resume and not checkpoint.exists(out):
        echo(f"There is no position to resume in {out}: starting anew.")
    valid_choice("precision", precision, PRECISIONS)
    valid_choice("start", start, STARTS)


def _callbacks(out: Path, tensorboard: Path | None) -> list[Any]:
    from keras.callbacks import TensorBoard

    from zoo.plotting.training import TrainingPlot

    events = [] if tensorboard is None else [TensorBoard(str(tensorboard), update_freq="epoch")]
    return [TrainingPlot(out), *events]


def _is_finished(out: Path, resume: bool) -> bool:
    """Whether a training to resume has ended already; to start over one that has is refused."""
    if not (out / "card.json").exists():
        return False
    if not resume:
        raise ZooError(
            f"{out} holds a trained model already (`zoo info {out}` shows it); give another "
            "folder with --out, or remove this one first."
        )
    echo(f"{out} holds the trained model already; nothing is left to resume.")
    return True


def _tell_division(division: "Division") -> None:
    numbers = f"Learning from {counted(len(division.train), 'photo')}"
    if division.validation is None:
        few = "they are too few, or of too few shots of films, to validate on some"
        echo(f"{numbers}; {few}, so the last weights count.")
    else:
        echo(f"{numbers}, choosing the best weights on {len(division.validation):,} others.")


def _tell_outcome(history: "History", out: Path) -> None:
    from zoo.cli.tables import duration

    sentence = f"Saw {counted(history.photos_seen, 'photo')} in {duration(history.seconds)}"
    score = history.details.get("best_score")
    if score is not None:
        sentence += f"; best validation score {score:.4g}"
    echo(f"{sentence}. The model is in {out}.")
    if "ended" in history.details:
        echo(f"The training ended early: {history.details['ended']}.")
    if (out / "checkpoints").is_dir():
        echo(f"Other rounds' models can be had, too: zoo checkpoints {out}")
    echo(f"Try it: zoo colorize PHOTO --model {out}")
