"""A model with a temperature that matters, and studies of temperatures with given figures."""

import numpy as np

import zoo
from zoo.card import Interval
from zoo.colorizer import Colorizer
from zoo.evaluation import calibrate
from zoo.evaluation.calibrate import TemperatureStudy


def decided_model() -> Colorizer:
    """Make a tiny untrained network whose distributions are far from even."""
    model = zoo.create_model("zhang:tiny")
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * 30)
    return model


def study_of(
    auc, delta, temperatures=None, gray=0.8, colorfulness=None, **changes
) -> TemperatureStudy:
    temperatures = temperatures or tuple(np.linspace(0, 1, len(auc)).round(2).tolist())
    means = {"auc": auc, "delta_colorfulness": delta}
    if colorfulness is not None:
        means["colorfulness"] = colorfulness
    figures = {
        name: tuple(
            Interval(mean, mean - 0.01, mean + 0.01) for mean in means.get(name, [20.0] * len(auc))
        )
        for name in calibrate.METRICS
    }
    parts = {
        "model": "zhang:tiny",
        "photos": 4,
        "fingerprint": "f1",
        "size": None,
        "gray": dict.fromkeys(calibrate.METRICS, 0.0) | {"auc": gray},
        "true_colorfulness": 30.0,
    }
    return TemperatureStudy(temperatures=temperatures, figures=figures, **parts | changes)
