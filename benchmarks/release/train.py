"""Train the weights of a model that come with the package, and put them into `zoo/pretrained/`.

    python -m benchmarks.release.train zhang --photos DIR --photos DIR2 --val-photos VALDIR

The recipe is the same for all models: the preset `compact`, stages of growing size, a learning rate
that decays to zero, crops and flips; then temperature or saturation are chosen and the weights are
packed. Validation photos choose and check all this; test photos play no part.

Cost: up to 45 minutes of two processor cores per model. After Ctrl-C or a kill the same command
goes on where it stopped, and ends with the same weights.
"""

import dataclasses
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.budget import Budget
from zoo.card import CARD, About, Environment, from_json, read_card
from zoo.cli import options
from zoo.cli.inputs import counted, spoken_warnings
from zoo.cli.scripts import run_script
from zoo.cli.settings import parse_fields, parse_pairs, parse_sizes
from zoo.cli.startup import start_keras
from zoo.errors import ZooError
from zoo.files import require_writable
from zoo.photos.division import read_photos, refuse_overlap
from zoo.photos.photoset import PhotoSet
from zoo.photos.samples import sample_photos
from zoo.pretrained import FOLDER
from zoo.registry import ModelEntry, create_model, entry

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: Of the training squares, in px; each has an equal share of the budget.
SIZES = "64,96,128"

#: Validation photos that choose temperature or saturation: more hardly move a mean.
_STUDIED = 300

_LICENSE = "CC BY-NC 4.0"  # of the weights, not of the code
_RIGHTS = (
    "The weights were learned from photos of public research collections, whose photos belong to "
    "their photographers and are not cleared for redistribution; none of them comes with the "
    "package. Hence the weights are for research, teaching and private use, not for sale."
)

_LIMITS = (
    "It has seen scenes, cats, dogs and flowers at 128 px, hardly any people, rooms, food or "
    "vehicles: skin and most man-made things get earthy or arbitrary colors. Colors are plausible, "
    "not true: do not read facts off them."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(train, argv=argv, interrupted="\nStopped; repeat the command to go on.")


def train(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Which model.")],
    photos: options.Photos,
    val_photos: options.Photos,
    described: Annotated[
        str, typer.Option(metavar="WORDS", help="What the photos are, for the card.")
    ] = "photos of scenes, cats, dogs and flowers from public research collections",
    preset: Annotated[str, typer.Option(help="Of the model.")] = "compact",
    budget: options.TrainingBudget = "60000",
    size: options.TrainingSizes = SIZES,
    seed: options.Seed = 0,
    settings: options.Settings = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The training's folder, a sub-folder a model.")
    ] = Path("runs/pretrained"),
    ship: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the packed model goes, likewise.")
    ] = FOLDER,
) -> None:
    """Train the weights of a model that come with the package."""
    line = entry(model)
    amount, sizes = Budget.parse(budget), parse_sizes(size or SIZES)
    chosen = line.preset_or_only(preset)
    run, target = out / model, ship / model
    for folder in (run, ship):
        require_writable(folder)
    folders, validation = read_each(photos, val_photos)
    training = all_of(folders.values())
    start_keras()
    from benchmarks.release.packing import pack

    if not (run / CARD).is_file():
        base = line.load().PRESETS[chosen].config
        kind = f"configuration field of {model}"
        changes = parse_fields(base, parse_pairs(settings, "--set"), kind)
        made = create_model(model, chosen, seed=seed, **changes)
        fit_resumably(made, run, train=training, validation=validation, budget=amount, size=sizes)
    _refuse_other_training(run, training, seed)
    stored = line.stored + _privacy(run, training, validation)
    about = _about(line, described, training, stored)
    _choose_vividness(run, validation)
    found = pack(run, target, validation, about, progress=True)
    print(
        f"Packed to {found.megabytes} MB with {found.mantissa_bits} bits of the mantissa: colors "
        f"differ by {found.ciede2000_mean} CIEDE2000. The model is in {target}."
    )


def read_each(
    photos: Sequence[Path], val_photos: Sequence[Path]
) -> tuple[dict[Path, PhotoSet], PhotoSet]:
    """Read the color photos to learn from, by folder, and those to choose by; none may be both."""
    folders = {folder: read_photos([folder], "train").color_only() for folder in photos}
    training = all_of(folders.values())
    validation = read_photos(val_photos, "val").color_only()
    advice = "remove them from one of the folders"
    refuse_overlap(training, [*validation, *sample_photos("all")], advice)
    print(f"Learning from {training.summary()}; choosing by {counted(len(validation), 'photo')}.")
    return folders, validation


def all_of(sets: Iterable[PhotoSet]) -> PhotoSet:
    """The photos of all sets; a single one stays as it is."""
    parts = list(sets)
    return parts[0] if len(parts) == 1 else PhotoSet.joined(parts)


def fit_resumably(model: "Colorizer", run: Path, **plan: Any) -> None:
    """Train a model and save it in the folder `run`, where the same call goes on after a stop."""
    from benchmarks.harness.environment import describe_environment
    from zoo.plotting.training import TrainingPlot
    from zoo.training import checkpoint

    with spoken_warnings():
        model.fit(**plan, run_dir=run, resume=True, callbacks=[TrainingPlot(run)], progress=True)
    environment = from_json(Environment, describe_environment())
    model.card = dataclasses.replace(model.card, environment=environment)
    model.save(run)
    checkpoint.discard(run)


def _choose_vividness(run: Path, validation: PhotoSet) -> None:
    """Store the temperature or saturation that validation photos choose, if the model has one."""
    from zoo.evaluation.calibrate import choose_vivid, store, study, vividness_option
    from zoo.registry import load_model

    model = load_model(run)
    option = vividness_option(model)
    if option is None or getattr(model.card, option):
        return
    found = study(model, validation.spread(_STUDIED), option=option, progress=True)
    chosen = choose_vivid(found)
    store(model, found, chosen)
    model.save(run)
    share = found.means("colorfulness")[found.values.index(chosen)] / found.true_colorfulness
    print(f"The {option} is {chosen:g}: {share:.0%} of the truth's colorfulness.")


def _refuse_other_training(run: Path, photos: PhotoSet, seed: int) -> None:
    trained = read_card(run).training
    if trained is None or (trained.fingerprint, trained.seed) != (photos.fingerprint, seed):
        raise ZooError(
            f"{run} holds a model that was trained on other photos or with another seed; give "
            "another folder with --out, or remove it."
        )


def _about(line: ModelEntry, described: str, photos: PhotoSet, stored: str) -> About:
    classes = ", ".join(photos.labels)
    return About(
        photos=f"{described}; {photos.summary()}" + (f": {classes}" * bool(classes)),
        license=_LICENSE,
        rights=_RIGHTS,
        good_at=line.good_at,
        bad_at=line.bad_at,
        limits=_LIMITS,
        stored=stored,
    )


def _privacy(run: Path, train: PhotoSet, validation: PhotoSet) -> str:
    """Say whether the stored rows give training photos away; "" for models without such rows."""
    from benchmarks.release.privacy import membership
    from zoo.registry import load_model

    found = membership(load_model(run), train, validation)
    if found is None:
        return ""
    return (
        f" By their distance to the stored rows, {found['photos'][0]} photos it learned from and "
        f"{found['photos'][1]} that it did not are told apart with a chance of {found['auc']} "
        "(0.5: not at all, 1: always)."
    )


if __name__ == "__main__":
    sys.exit(main())
