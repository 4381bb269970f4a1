"""Choosing the temperature at which colors are read off a distribution over bins, or a saturation.

A low temperature takes the most likely color of each place, which is vivid and sometimes wrong; a
high one takes the mean of all that are possible, which is muted and rarely far off. Which one is
right depends on the model and on the photos, so it is measured:

    study = zoo.evaluation.calibrate.study(model, validation_photos)
    model.defaults["temperature"] = zoo.evaluation.calibrate.choose(study)

The photos have to be validation photos: what was chosen on test photos says nothing about others.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo import registry
from zoo.card import ChosenTemperature, TemperatureStudy
from zoo.errors import ZooError
from zoo.evaluation.evaluate import evaluate, evaluate_variants

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.photos.photoset import PhotoSet

#: The temperatures that are compared by default; 0.38 is the one of Zhang et al. 2016.
TEMPERATURES = (0.0, 0.1, 0.2, 0.3, 0.38, 0.5, 0.65, 0.8, 1.0)

#: What is measured at each of them, in the order of tables and panels.
METRICS = ("colorfulness", "delta_colorfulness", "auc", "auc_rebalanced")

#: The saturations that are tried.
SATURATIONS = tuple(1 + step / 20 for step in range(21))

#: Weights that are handed on get colors of such a share of the truth's colorfulness. It is on the
#: safe side of three quarters, and no higher, because AuC falls with it.
COLORFUL_ENOUGH = 0.8

#: So much AuC may be given for a truer colorfulness.
_AUC_TO_SPARE = 0.001


def study(
    model: "Colorizer",
    photos: "PhotoSet",
    temperatures: Sequence[float] = TEMPERATURES,
    *,
    size: int | None = None,
    progress: bool = False,
) -> TemperatureStudy:
    """Score a model at several temperatures; its network runs once a photo.

    Args:
        model: a model with the option `temperature`; its other options keep their defaults.
        photos: validation photos, in color.
        temperatures: which ones; each counts once.
        size: photos with a longer short side are shrunk to it, in px; None keeps every size.
        progress: whether to draw a progress bar with the time left, on standard error.
    """
    require_temperature(model)
    if not len(temperatures):
        raise ZooError("There is no temperature to try; give at least one.")
    checked = [model.resolve_options({"temperature": T})["temperature"] for T in temperatures]
    ascending = tuple(sorted(set(checked)))
    variants = [{"temperature": temperature} for temperature in ascending]
    reports = evaluate_variants(
        model, photos, variants, size=size, metrics=METRICS, progress=progress
    )
    summaries = [report.summary() for report in reports]
    gray = evaluate(registry.create_model("gray"), photos, size=size, metrics=METRICS).summary()
    return TemperatureStudy(
        model=reports[0].model,
        photos=len(photos),
        fingerprint=photos.fingerprint,
        size=size,
        temperatures=ascending,
        figures={name: tuple(summary[name] for summary in summaries) for name in METRICS},
        gray={name: gray[name].mean for name in METRICS},
        true_colorfulness=reports[0].true_colorfulness,
    )


def choose(study: TemperatureStudy) -> float:
    """The temperature to take: the truest colorfulness that costs no accuracy.

    Among the temperatures whose AuC is within 0.001 of the best one's it is the one whose mean
    colorfulness is nearest to the truth's, and of equally near ones the highest. Colorfulness alone
    would often choose 0, where hard borders show between the bins.
    """
    accuracies, differences = study.means("auc"), study.means("delta_colorfulness")
    allowed = accuracies >= accuracies.max() - _AUC_TO_SPARE
    tried = zip(study.temperatures, allowed, differences, strict=True)
    return min((difference, -T, T) for T, fits, difference in tried if fits)[-1]


def choose_vivid(study: TemperatureStudy) -> float:
    """The temperature to take for weights that are handed on: vivid, where that costs nothing.

    It is the highest one up to `choose`'s that is colorful enough and whose AuC is not below that
    of gray photos; without one, colors would be bought with accuracy, and `choose`'s stands.
    """
    chosen = choose(study)
    vivid = study.means("colorfulness") >= COLORFUL_ENOUGH * study.true_colorfulness
    accurate = study.means("auc") >= study.gray["auc"]
    tried = zip(study.temperatures, vivid & accurate, strict=True)
    return max((T for T, fits in tried if fits and chosen >= T), default=chosen)


def store_temperature(model: "Colorizer", study: TemperatureStudy, chosen: float) -> None:
    """Make a temperature the model's default, and note in its card what it was chosen from."""
    model.defaults["temperature"] = chosen
    model.card = dataclasses.replace(model.card, temperature=ChosenTemperature(chosen, study))


def choose_saturation(
    model: "Colorizer",
    photos: "PhotoSet",
    saturations: Sequence[float] = SATURATIONS,
    *,
    progress: bool = False,
) -> tuple[float, float]:
    """The lowest saturation at which photos get colorful enough, or the highest.

    A generator that also learns by an absolute error hedges, as a regression does, if less: its
    colors have the right hue more often than the right strength. The network runs once a photo.

    Args:
        model: a model with the option `saturation`.
        photos: validation photos, in color.
        saturations: which ones are tried, ascending.
        progress: whether to draw a progress bar with the time left, on standard error.

    Returns:
        The saturation, and the colorfulness there as a share of the true photos'.
    """
    variants = [{"saturation": saturation} for saturation in saturations]
    metrics = ("colorfulness", "delta_colorfulness")
    reports = evaluate_variants(model, photos, variants, metrics=metrics, progress=progress)
    shares = [
        float(np.mean(report.scores["colorfulness"]) / report.true_colorfulness)
        for report in reports
    ]
    enough = [place for place, share in enumerate(shares) if share >= COLORFUL_ENOUGH]
    place = enough[0] if enough else -1
    return saturations[place], shares[place]


def require_temperature(model: "Colorizer") -> None:
    """Refuse a model without the option `temperature`, naming those that have it."""

    def able(one: "Colorizer | type[Colorizer]") -> bool:
        return any(option.name == "temperature" for option in one.options)

    if able(model):
        return
    names = [name for name in registry.list_models() if able(registry.entry(name).load())]
    raise ZooError(
        f"{model.name} predicts one color a place, no distribution, so it has no temperature; "
        f"take one of these models: {', '.join(names)}."
    )
