"""Choosing how vivid a model colors: its temperature or its saturation, on validation photos.

A low temperature takes the most likely color of each place, which is vivid and sometimes wrong; a
high one takes the mean of all that are possible, which is muted and rarely far off. A saturation
makes colors stronger or weaker. Which value is right depends on the model and on the photos, so it
is measured:

    study = zoo.evaluation.calibrate.study(model, validation_photos)
    zoo.evaluation.calibrate.store(model, study, zoo.evaluation.calibrate.choose(study))

The photos have to be validation photos: what was chosen on test photos says nothing about others.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import registry
from zoo.card import Chosen, Study
from zoo.errors import ZooError
from zoo.evaluation.evaluate import evaluate, evaluate_variants
from zoo.evaluation.report import compare

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.photos.photoset import PhotoSet

#: The temperatures that are compared by default; 0.38 is the one of Zhang et al. 2016.
TEMPERATURES = (0.0, 0.1, 0.2, 0.3, 0.38, 0.5, 0.65, 0.8, 1.0)
#: Likewise the saturations: below 1 colors are weaker than the network gives them.
SATURATIONS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
#: The options that decide how vivid colors are.
VALUES = {"temperature": TEMPERATURES, "saturation": SATURATIONS}

#: What is measured at each value, in the order of tables and panels.
METRICS = ("colorfulness", "delta_colorfulness", "auc", "ciede2000")
#: What is also compared with gray photos, paired.
AGAINST_GRAY = ("auc", "ciede2000")

#: Weights that are handed on are to beat gray photos by so much AuC, with 95 % confidence: about a
#: tenth of what separates gray (0.87 to 0.89) from the best trained weights here.
AUC_ABOVE_GRAY = 0.002

#: So much AuC may be given for a truer colorfulness.
_AUC_TO_SPARE = 0.001


def study(
    model: "Colorizer",
    photos: "PhotoSet",
    values: Sequence[float] | None = None,
    *,
    option: str = "temperature",
    size: int | None = None,
    progress: bool = False,
) -> Study:
    """Score a model at several values of an option; its network runs once a photo.

    Args:
        model: a model with that option; its other options keep their defaults.
        photos: validation photos, in color.
        values: which ones; each counts once; None takes those of `VALUES`.
        option: "temperature" or "saturation".
        size: photos with a longer short side are shrunk to it, in px; None keeps every size.
        progress: whether to draw a progress bar with the time left, on standard error.
    """
    require_option(model, option)
    tried = VALUES[option] if values is None else values
    if not len(tried):
        raise ZooError(f"There is no {option} to try; give at least one.")
    ascending = tuple(sorted({model.resolve_options({option: one})[option] for one in tried}))
    reports = evaluate_variants(
        model,
        photos,
        [{option: value} for value in ascending],
        size=size,
        metrics=METRICS,
        progress=progress,
    )
    summaries = [report.summary() for report in reports]
    gray = evaluate(registry.create_model("gray"), photos, size=size, metrics=METRICS)
    of_gray, gains = gray.summary(), [compare(report, gray) for report in reports]
    return Study(
        model=reports[0].model,
        photos=len(photos),
        fingerprint=photos.fingerprint,
        size=size,
        option=option,
        values=ascending,
        figures={name: tuple(summary[name] for summary in summaries) for name in METRICS},
        gray={name: of_gray[name].mean for name in METRICS},
        gains={name: tuple(gain[name] for gain in gains) for name in AGAINST_GRAY},
        true_colorfulness=reports[0].true_colorfulness,
    )


def choose(study: Study) -> float:
    """The value to take: the truest colorfulness that costs no accuracy.

    Among the values whose AuC is within 0.001 of the best one's it is the one whose mean
    colorfulness is nearest to the truth's, and of equally near ones the highest. Colorfulness alone
    would often choose the temperature 0, where hard borders show between the bins.
    """
    accuracies, differences = study.means("auc"), study.means("delta_colorfulness")
    allowed = accuracies >= accuracies.max() - _AUC_TO_SPARE
    tried = zip(study.values, allowed, differences, strict=True)
    return min((difference, -value, value) for value, fits, difference in tried if fits)[-1]


def choose_vivid(study: Study) -> float:
    """The value to take for weights that are handed on: as vivid as surely beats gray photos.

    It is the most vivid one, up to the truth's mean colorfulness, whose AuC is above that of gray
    photos by `AUC_ABOVE_GRAY` at the lower end of the paired 95 % interval. Without one it is the
    value at which that end is highest: the one that is least likely to be worse than gray.
    """
    colorfulness = study.means("colorfulness")
    low_ends = np.array([gain.low for gain in study.gains["auc"]], float)
    sure = low_ends >= AUC_ABOVE_GRAY
    allowed = np.flatnonzero(sure & (colorfulness <= study.true_colorfulness))
    if not len(allowed):
        return study.values[int(low_ends.argmax())]
    return study.values[int(allowed[colorfulness[allowed].argmax()])]


def store(model: "Colorizer", study: Study, chosen: float) -> None:
    """Make a value the option's default, and note in the model's card what it was chosen from."""
    model.defaults[study.option] = chosen
    changes: dict[str, Any] = {study.option: Chosen(chosen, study)}
    model.card = dataclasses.replace(model.card, **changes)


def vividness_option(model: "Colorizer") -> str | None:
    """The option of a model that decides how vivid it colors; None where it has none."""
    return next((name for name in VALUES if name in model.defaults), None)


def require_option(model: "Colorizer", option: str) -> None:
    """Refuse a model without the option, naming those that have it."""

    def able(one: "Colorizer | type[Colorizer]") -> bool:
        return any(known.name == option for known in one.options)

    if able(model):
        return
    names = [name for name in registry.list_models() if able(registry.entry(name).load())]
    why = "predicts one color a place, no distribution, so it " * (option == "temperature")
    raise ZooError(
        f"{model.name} {why}has no {option}; take one of these models: {', '.join(names)}."
    )
