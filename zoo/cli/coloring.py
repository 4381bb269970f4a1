"""The commands that color photos: `zoo colorize` and `zoo compare`."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Exit, Option, echo

from zoo import registry
from zoo.cli import options
from zoo.cli.inputs import counted, load_run, load_runs, option_values, require_writable_file
from zoo.cli.settings import parse_pairs
from zoo.errors import ZooError
from zoo.files import require_writable

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.inference.jobs import Outcome


def colorize(
    inputs: Annotated[
        list[Path], Argument(metavar="PHOTO|FOLDER...", help="Photos or whole folders.")
    ],
    model: Annotated[
        str,
        Option(
            metavar="RUN",
            help="Trained folder, a name that comes trained, or a folder exported as ONNX.",
        ),
    ],
    out: Annotated[Path, Option(metavar="DIR", help="Where the colored photos go.")] = Path(
        "colorized"
    ),
    option: options.PredictionOptions = None,
    confidence: Annotated[
        bool,
        Option(
            "--confidence",
            help="Beside each photo save NAME_confidence.png: white where the network is sure.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Color again what is there already.")
    ] = False,
    keep_profile: Annotated[
        bool,
        Option("--keep-profile", help="Save in the photo's own color profile (ICC), not in sRGB."),
    ] = False,
) -> None:
    """Color photos and whole folders, with their own names and formats.

    What is there already is skipped, so that a stopped run goes on when it is repeated. Photos that
    cannot be read are listed at the end, and make the exit status 1.
    """
    from zoo.inference.jobs import plan_jobs

    given = parse_pairs(option, "-o")
    jobs = plan_jobs(inputs, out, confidence)
    require_writable(out)
    color = _exported(model, given, confidence) or _loaded(model, given, confidence)
    waiting = [job for job in jobs if overwrite or not job.target.exists()]
    outcome = color(waiting, keep_profile=keep_profile)
    failures = outcome.failures
    made = [job for job in waiting if job.name not in failures]
    colored = sum(not job.confidence for job in made)
    echo(f"Colored {counted(colored, 'photo')} into {out}.")
    if confidence:
        echo(f"Saved the confidence of {counted(len(made) - colored, 'photo')} beside them.")
    if len(waiting) < len(jobs):
        echo(f"Skipped {len(jobs) - len(waiting):,} already there; --overwrite redoes them.")
    if outcome.reduced:
        echo(
            f"{counted(outcome.reduced, 'photo')} of 16 bits a channel got 8; to keep 16, run "
            "`pip install 'colorization-zoo[vips]'` and color them again with --overwrite, by a "
            "trained model."
        )
    if failures:
        echo(f"{counted(len(failures), 'file')} could not be read:", err=True)
        for name, reason in failures.items():
            echo(f"  {name}: {reason}", err=True)
        raise Exit(1)


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


def _exported(
    folder: str, given: Mapping[str, str], confidence: bool
) -> "Callable[..., Outcome] | None":
    """What colors by an exported folder; None if this is none."""
    from zoo.inference.exported import ExportedModel, is_exported

    if not is_exported(Path(folder)):
        return None
    if confidence:
        raise ZooError(
            f"{folder} is an exported model, which gives colors alone; leave out --confidence, or "
            "give the trained folder."
        )
    model = ExportedModel(Path(folder))
    return partial(model.run_jobs, options=model.option_values(given))


def _loaded(run: str, given: dict[str, str], confidence: bool) -> "Callable[..., Outcome]":
    """What colors by a trained model."""
    model = load_run(run)
    values = option_values(model, given)
    if confidence:
        _require_distribution(model)
    from zoo.inference.folders import run_jobs  # loads Keras, after most mistakes have been told

    return partial(run_jobs, model, options=values)


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
