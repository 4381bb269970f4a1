"""Score trained models once more on test photos that are degraded, as old photos are.

A network notices how sharp or grainy a photo is, and colors it differently. The scores are added to
the cell's result; its key and its other scores stay what they are, and nothing is trained again.
The first of the photos that reports show is colored in each state, too:

    pictures/<key>/<photo>-<degradation>.png        in the model's colors
    pictures/degraded/<photo>-<degradation>.png     its lightness as networks see it
"""

import sys
from typing import Any

import numpy as np
from keras import ops

from benchmarks.harness.environment import make_deterministic
from benchmarks.harness.photos import Shown
from benchmarks.harness.run_cell import Task, result_path, store_result
from benchmarks.harness.stored import Result
from zoo import preprocessing, registry
from zoo.color.spaces import lightness_to_gray, unit_to_uint8
from zoo.colorizer import Colorizer
from zoo.evaluation.degraded import Degraded
from zoo.evaluation.evaluate import evaluate
from zoo.files import read_json
from zoo.fullsize import FullSize
from zoo.options import RENDER_FACTOR
from zoo.photos.decoding import write_photo
from zoo.photos.degrade import DEGRADATIONS, Degradation, numbers_of_photos

#: What is scored: nearness to the truth, and how much color there is.
METRICS = ("auc", "ciede2000", "colorfulness", "delta_colorfulness")


def is_scored(result: Result) -> bool:
    """Whether a result holds scores of the degradations that there are today, all of them."""
    return not _unscored(result)


def score_degraded(task: Task) -> None:
    """Score the trained model of a finished cell on degraded photos, and add it to the result.

    What was scored before, in the same way, stays.
    """
    task.announce()
    make_deterministic()
    cell, out = task.cell, task.out
    model = registry.load_model(out / "models" / cell.key)
    result = read_json(result_path(out, cell))
    scored: dict[str, Any] = result.get("robustness", {})
    for name, degrade in _unscored(result).items():
        if task.progress:
            print(f"  {degrade.title}", file=sys.stderr, flush=True)
        report = evaluate(
            Degraded(model, degrade),
            task.conditions.test,
            size=cell.test_size,
            metrics=METRICS,
            progress=task.progress,
            **cell.options,
        )
        scored[name] = {"degradation": degrade.to_json(), "report": report.to_json()}
        for entry in task.conditions.shown[:1]:
            scored[name]["picture"] = _save_pictures(model, task, entry, name, degrade)
    in_order = {name: scored[name] for name in DEGRADATIONS}
    store_result(out, cell, result | {"robustness": in_order})


def _unscored(result: Result) -> dict[str, Degradation]:
    """The degradations of today that a result has no scores of, or others under their names."""
    stored = result.get("robustness", {})
    return {
        name: degrade
        for name, degrade in DEGRADATIONS.items()
        if stored.get(name, {}).get("degradation") != degrade.to_json()
    }


def _save_pictures(
    model: Colorizer, task: Task, entry: Shown, name: str, degrade: Degradation
) -> str:
    """Store a degraded photo in the model's colors and in gray; return the files' name."""
    cell, pictures = task.cell, task.out / "pictures"
    file = f"{entry.photo.sha256[:16]}-{name}.png"
    truth = entry.photo.read(short_side=cell.test_size)[None]
    (colored,) = Degraded(model, degrade).colorize_batch(truth, **cell.options)
    write_photo(pictures / cell.key / file, colored)
    seen = pictures / "degraded" / file
    if not seen.is_file():
        write_photo(seen, _seen(truth, degrade))
    return file


def _seen(rgb: np.ndarray, degrade: Degradation) -> np.ndarray:
    """A photo, (1, H, W, 3) uint8, in gray, as a network with the usual render factor sees it."""
    size = preprocessing.working_size(rgb.shape[1], rgb.shape[2], int(RENDER_FACTOR.default))
    lightness = FullSize(rgb).working_lightness(size)
    gray = lightness_to_gray(degrade(lightness, numbers_of_photos(rgb)))
    return ops.convert_to_numpy(unit_to_uint8(gray))[0]
