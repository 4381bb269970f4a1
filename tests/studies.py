"""A model with a temperature that matters, and studies of temperatures with given figures."""

import numpy as np

import zoo
from zoo.card import Interval, Study
from zoo.colorizer import Colorizer
from zoo.evaluation import calibrate


def decided_model() -> Colorizer:
    """Make a tiny untrained network whose distributions are far from even."""
    model = zoo.create_model("zhang:tiny")
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * 30)
    return model


def study_of(
    auc, delta, temperatures=None, gray=0.8, colorfulness=None, width=0.01, **changes
) -> Study:
    temperatures = temperatures or tuple(np.linspace(0, 1, len(auc)).round(2).tolist())
    means = {"auc": auc, "delta_colorfulness": delta}
    if colorfulness is not None:
        means["colorfulness"] = colorfulness
    figures = {
        name: tuple(
            Interval(mean, mean - width, mean + width)
            for mean in means.get(name, [20.0] * len(auc))
        )
        for name in calibrate.METRICS
    }
    less_gray = [Interval(one - gray, one - gray - width, one - gray + width) for one in auc]
    parts = {
        "option": "temperature",
        "gains": {"auc": tuple(less_gray)},
        "model": "zhang:tiny",
        "photos": 4,
        "fingerprint": "f1",
        "size": None,
        "gray": dict.fromkeys(calibrate.METRICS, 0.0) | {"auc": gray},
        "true_colorfulness": 30.0,
    }
    return Study(values=temperatures, figures=figures, **parts | changes)
