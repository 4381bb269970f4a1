"""The commands that measure models: `zoo evaluate`, `zoo temperature` and `zoo checkpoints`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.console import Console
from typer import Argument, Option, echo

from zoo import registry
from zoo.cli import options
from zoo.cli.inputs import load_run, load_runs, require_writable_file, spoken_warnings
from zoo.cli.settings import parse_pairs
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.files import require_writable, write_json

if TYPE_CHECKING:
    from zoo.cli.inputs import Models
    from zoo.colorizer import Colorizer
    from zoo.evaluation.report import Report
    from zoo.photos.photoset import PhotoSet


def evaluate(
    runs: Annotated[
        list[str],
        Argument(metavar="RUN...", help="Trained folders, names that come trained, or `gray`."),
    ],
    photos: options.Photos,
    size: options.PhotoSide = None,
    option: options.PredictionOptions = None,
    metric: Annotated[
        list[str] | None, Option(metavar="NAME", help="Only this metric; repeatable.")
    ] = None,
    network: options.MetricNetworks = None,
    json: Annotated[
        Path | None, Option(metavar="FILE", help="Write every photo's scores there.")
    ] = None,
) -> None:
    """Score models on color photos: every metric with its 95 % interval over the photos.

    With several models, the differences to the first one follow, paired over the photos. Of a .csv
    manifest with a column `split`, the rows "test" are used.

    Metrics of --network are classifier (top-1, top-5 and agreement), lpips, frechet (with
    keras:InceptionV3 it is FID) and diversity (with keras:InceptionV3 the Inception score). True
    and gray photos are scored by them, too.
    """
    from zoo.metrics import list_metrics
    from zoo.photos.division import read_photos

    given = parse_pairs(option, "-o")
    for name in metric or ():
        valid_choice("metric", name, list_metrics())
    if json is not None:
        require_writable_file(json)
    models = load_runs(runs, given)
    from zoo.evaluation.evaluate import evaluate as score
    from zoo.metrics.networks import NetworkMetrics

    common: dict[str, Any] = {"size": size, "progress": True}
    common["networks"] = NetworkMetrics(network) if network else None
    beside = _references(models) if network else {}
    with spoken_warnings():
        photo_set = read_photos(photos, "test")
        echo(f"Photos: {photo_set.summary()}.")
        references = {
            name: score(one, photo_set, metrics=(), **common) for name, one in beside.items()
        }
        reports = {
            run: score(model, photo_set, metrics=metric, **common, **values)
            for run, (model, values) in models.items()
        }
    if json is not None:
        every = (references | reports).items()
        write_json(json, [{"run": run, "report": report.to_json()} for run, report in every])
    _show_scores(reports, references)


def _references(models: "Models") -> dict[str, Any]:
    """What networks judge beside the models: the true photos and, if no model is that, gray."""
    from zoo.evaluation.evaluate import TruePhotos

    if any(model.name == "gray" for model, _ in models.values()):
        return {"true photos": TruePhotos()}
    return {"true photos": TruePhotos(), "gray photos": registry.create_model("gray")}


def _show_scores(reports: "dict[str, Report]", references: "dict[str, Report]") -> None:
    from zoo.cli import tables

    console = Console()
    for table in tables.scores_tables(reports, console.width):
        console.print(table)
    for table in tables.scores_tables(references | reports, console.width, by_networks=True):
        console.print(table)
    first = next(iter(reports.values()))
    for note in (*tables.weight_notes(first), *tables.network_notes(first)):
        echo(note)
    for table in tables.difference_tables(reports, console.width):
        console.print(table)


def temperature(
    run: Annotated[Path, Argument(metavar="RUN", help="A trained folder.")],
    photos: Annotated[
        list[Path],
        Option(metavar="DIR", help="Folder of validation photos, or a .csv manifest; repeatable."),
    ],
    size: options.PhotoSide = None,
    photo: Annotated[
        Path | None,
        Option(metavar="FILE", help="The photo in temperature_photos.png; else the first."),
    ] = None,
    out: Annotated[
        Path | None, Option(metavar="DIR", help="Where the pictures go; else into RUN.")
    ] = None,
) -> None:
    """Choose the temperature of a model on validation photos and store it in its folder.

    A low temperature gives vivid colors, a high one muted ones. Several are scored; of those that
    are about as accurate as the best one, the one whose colorfulness is nearest to the true
    photos' becomes the model's default. temperature_curves.png and temperature_photos.png show all.

    The photos must be validation photos: neither photos that the model was trained on, nor test
    photos, whose scores would mean nothing afterwards. Of a .csv manifest with a column `split`,
    the rows "val" are used. Really gray or toned photos are left out.
    """
    from zoo.cli.tables import temperature_table
    from zoo.photos.decoding import read_rgb
    from zoo.photos.division import read_photos

    pictured = None if photo is None else read_rgb(photo)
    if registry.resolve(str(run)).folder != run:
        raise ZooError(
            f"The temperature is stored in a model's folder, and {run} is only a name; give a "
            "folder that `zoo train` wrote."
        )
    model = load_run(str(run))
    from zoo.evaluation import calibrate
    from zoo.plotting.temperatures import draw_curves, draw_temperatures

    calibrate.require_option(model, "temperature")
    folder = run if out is None else out
    for written in (run, folder):
        require_writable(written)
    with spoken_warnings():
        found = read_photos(photos, "val")
    echo(f"Photos: {found.summary()}; gray and toned ones are left out.")
    photo_set = found.color_only()
    _warn_of_training_photos(model, photo_set)

    study = calibrate.study(model, photo_set, size=size, progress=True)
    chosen, before = calibrate.choose(study), model.defaults["temperature"]
    Console().print(temperature_table(study, chosen))
    draw_curves(folder / "temperature_curves.png", study)
    shown = photo_set[0].read() if pictured is None else pictured
    pictures = folder / "temperature_photos.png"
    draw_temperatures(pictures, shown, model, study.values, chosen=chosen)
    # The last step, so that whatever stops the command before leaves the model as it was.
    calibrate.store(model, study, chosen)
    model.save(run)
    echo(f"The default temperature of {run} is {chosen:g} now; it was {before:g}.")
    echo(f"The pictures temperature_curves.png and temperature_photos.png are in {folder}.")


def checkpoints(
    run: Annotated[Path, Argument(metavar="RUN", help="A folder of `zoo train`.")],
    pick: Annotated[
        str | None, Option(metavar="NAME", help="Make this one the run's model.")
    ] = None,
) -> None:
    """Show the models that an adversarial training kept on its way, or choose another one.

    They are ranked by what they do on validation photos: 1 - AuC, and a twentieth of the share by
    which the colorfulness is off. checkpoints.png shows sample photos in the colors of each, and
    checkpoints.webp shows them one after the other. Each is in RUN/checkpoints, a model's folder
    like any other.
    """
    require_writable(run)
    start_keras()
    from zoo.cli.tables import checkpoints_table
    from zoo.evaluation import checkpoints as kept
    from zoo.plotting.checkpoints import animate, draw_sheet

    found = kept.stored(run)
    if pick is not None:
        kept.pick(run, pick)
        echo(f"The model of {run} is {pick} now.")
        return
    Console().print(checkpoints_table(found))
    draw_sheet(run / "checkpoints.png", found)
    animate(run / "checkpoints.webp", found)
    echo(f"The pictures checkpoints.png and checkpoints.webp are in {run}.")
    echo(f"Take another one: zoo checkpoints {run} --pick NAME")


def _warn_of_training_photos(model: "Colorizer", photos: "PhotoSet") -> None:
    if model.card.training and photos.fingerprint == model.card.training.fingerprint:
        echo(
            "Caution: the model was trained on these very photos, which it knows better than any "
            "others; a temperature that is chosen on them may not suit new photos.",
            err=True,
        )
