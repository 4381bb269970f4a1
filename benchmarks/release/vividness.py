"""Choose anew how vivid the shipped weights color: their default temperature or saturation.

    python -m benchmarks.release.vividness --photos DIR --photos DIR2 --photos DIR3

Take validation photos, the broader the better: each folder gives equally many, so that none
dominates. The rule is `zoo.evaluation.calibrate.choose_vivid`: as vivid as surely beats gray photos
in AuC. The default, what it was chosen from, and the scores there go into the folder's config.json
and card.json; the weights stay as they are.

Cost: about 20 ms a photo and value on one core.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from zoo.card import CARD, Study, write_card
from zoo.cli import options
from zoo.cli.inputs import counted
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.files import read_json, write_json
from zoo.photos.division import read_photos
from zoo.photos.photoset import PhotoSet
from zoo.pretrained import FOLDER


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(choose, argv=argv, interrupted="\nStopped; finished models stay chosen.")


def choose(
    photos: options.Photos,
    models: Annotated[
        str | None, typer.Option(metavar="NAME[,NAME...]", help="Only these; else all.")
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="At most so many photos of a folder.")] = 320,
    size: options.PhotoSide = 128,
    folder: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the models are, a sub-folder each.")
    ] = FOLDER,
) -> None:
    """Choose temperature or saturation of the shipped weights on validation photos."""
    start_keras()
    from zoo.evaluation.calibrate import vividness_option
    from zoo.registry import load_model

    chosen_from = equal_parts([read_photos([path], "val").color_only() for path in photos], each)
    print(f"Choosing by {counted(len(chosen_from), 'photo')} of {len(photos)} sets, equally many.")
    present = sorted(path.parent.name for path in folder.glob(f"*/{CARD}"))
    for name in models.split(",") if models else present:
        model = load_model(folder / name)
        option = vividness_option(model)
        if option is not None:
            print(store_choice(folder / name, option, chosen_from, size), flush=True)
            _score_again(folder / name, chosen_from, size)


def equal_parts(sets: Sequence[PhotoSet], most: int) -> PhotoSet:
    """Join as many photos of each set as the smallest has, at most so many, evenly spread."""
    count = min(most, *map(len, sets)) if len(sets) > 1 else min(most, len(sets[0]))
    parts = [photos.spread(count) for photos in sets]
    return parts[0] if len(parts) == 1 else PhotoSet.joined(parts)


def store_choice(folder: Path, option: str, photos: PhotoSet, size: int | None) -> str:
    """Choose for one model, and make it its folder's default; say in a sentence what became of it.

    Args:
        folder: of the model.
        option: "temperature" or "saturation".
        photos: to choose by.
        size: larger photos are shrunk to this short side, in px; None for their own size.
    """
    from zoo.evaluation.calibrate import choose_vivid, store, study
    from zoo.registry import load_model

    model = load_model(folder)
    before = model.defaults[option]
    found = study(model, photos, option=option, size=size, progress=True)
    chosen = choose_vivid(found)
    store(model, found, chosen)
    config = read_json(folder / "config.json")
    config["defaults"][option] = chosen
    write_json(folder / "config.json", config)
    write_card(folder, model.card)
    return f"{folder.name}: {option} {chosen:g} (before {before:g}); {_gains(found, chosen)}."


def _score_again(folder: Path, photos: PhotoSet, size: int | None) -> None:
    """Replace the card's scores, which are those of another default."""
    from zoo.evaluation.evaluate import evaluate
    from zoo.registry import load_model

    model = load_model(folder)
    report = evaluate(model, photos, size=size, progress=True)
    scores = {"validation photos": report.for_card()}
    write_card(folder, dataclasses.replace(model.card, validation_scores=scores))


def _gains(study: Study, chosen: float) -> str:
    """What is gained on gray photos, and how vivid that is."""
    place = study.values.index(chosen)
    share = study.means("colorfulness")[place] / study.true_colorfulness
    auc, ciede2000 = (study.gains[name][place] for name in ("auc", "ciede2000"))
    return (
        f"less gray: AuC {auc.mean:+.4f} [{auc.low:+.4f}, {auc.high:+.4f}], CIEDE2000 "
        f"{ciede2000.mean:+.2f} [{ciede2000.low:+.2f}, {ciede2000.high:+.2f}]; {share:.0%} of the "
        "truth's colorfulness"
    )


if __name__ == "__main__":
    sys.exit(main())
