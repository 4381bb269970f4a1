"""The commands that measure a trained model in order to set it up."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from zoo import registry
from zoo.cli.inputs import load_run
from zoo.cli.startup import start_keras
from zoo.errors import ZooError
from zoo.files import require_writable

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.photos.photoset import PhotoSet


def temperature(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A trained folder.")],
    photos: Annotated[
        list[Path],
        typer.Option(
            metavar="DIR", help="Folder of validation photos, or a .csv manifest; repeatable."
        ),
    ],
    size: Annotated[
        int | None, typer.Option(min=1, help="Shrink larger photos to this short side in px.")
    ] = None,
    photo: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The photo in temperature_photos.png; else the first."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the pictures go; else into RUN.")
    ] = None,
) -> None:
    """Choose the temperature of a model on validation photos and store it in its folder.

    A low temperature gives vivid colors, a high one muted ones. Several are scored; of those that
    are about as accurate as the best one, the one whose colorfulness is nearest to the true
    photos' becomes the model's default. temperature_curves.png and temperature_photos.png show all.

    The photos must be validation photos: neither photos that the model was trained on, nor test
    photos, whose scores would mean nothing afterwards. Of a .csv manifest with a column `split`,
    the rows "val" are used. Photos that are really gray are left out.
    """
    from zoo.cli import tables
    from zoo.photos.decoding import read_rgb
    from zoo.photos.division import read_photos

    pictured = None if photo is None else read_rgb(photo)
    if registry.resolve(str(run)).folder != run:
        raise ZooError(
            f"The temperature is stored in a model's folder, and {run} is only a name; give a "
            "folder that `zoo train` wrote."
        )
    model = load_run(str(run))
    from zoo.evaluation.calibrate import (
        choose,
        require_temperature,
        store_temperature,
        study,
    )
    from zoo.plotting.temperatures import draw_curves, draw_temperatures

    require_temperature(model)
    folder = run if out is None else out
    for written in (run, folder):
        require_writable(written)
    found = read_photos(photos, "val")
    typer.echo(f"Photos: {found.summary()}; gray ones are left out.")
    photo_set = found.color_only()
    _warn_of_training_photos(model, photo_set)

    result = study(model, photo_set, size=size, progress=True)
    chosen, before = choose(result), model.defaults["temperature"]
    Console().print(tables.temperature_table(result, chosen))
    draw_curves(folder / "temperature_curves.png", result)
    shown = photo_set[0].read() if pictured is None else pictured
    draw_temperatures(
        folder / "temperature_photos.png", shown, model, result.temperatures, chosen=chosen
    )
    # The last step, so that whatever stops the command before leaves the model as it was.
    store_temperature(model, result, chosen)
    model.save(run)
    typer.echo(f"The default temperature of {run} is {chosen:g} now; it was {before:g}.")
    typer.echo(f"The pictures temperature_curves.png and temperature_photos.png are in {folder}.")


def checkpoints(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder of `zoo train`.")],
    pick: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make this one the run's model.")
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
    from zoo.cli import tables
    from zoo.evaluation import checkpoints as kept
    from zoo.plotting.checkpoints import animate, draw_sheet

    found = kept.stored(run)
    if pick is not None:
        kept.pick(run, pick)
        typer.echo(f"The model of {run} is {pick} now.")
        return
    Console().print(tables.checkpoints_table(found))
    draw_sheet(run / "checkpoints.png", found)
    animate(run / "checkpoints.webp", found)
    typer.echo(f"The pictures checkpoints.png and checkpoints.webp are in {run}.")
    typer.echo(f"Take another one: zoo checkpoints {run} --pick NAME")


def _warn_of_training_photos(model: "Colorizer", photos: "PhotoSet") -> None:
    if model.card.training and photos.fingerprint == model.card.training.fingerprint:
        typer.echo(
            "Caution: the model was trained on these very photos, which it knows better than any "
            "others; a temperature that is chosen on them may not suit new photos.",
            err=True,
        )
