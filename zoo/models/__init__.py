"""The registry's data: one line a model, so that listing them imports no deep-learning framework.

name: ("module of this package:class", one-sentence summary, presets with the default first)
"""

MODELS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "gray": ("baselines:Gray", "Baseline: no color at all.", ("default",)),
    "mean_color": (
        "baselines:MeanColor",
        "Baseline: the mean chroma of the training photos, everywhere.",
        ("default",),
    ),
    "mse_regression": (
        "mse_regression:MSERegression",
        "Regression of ab from L with a squared error (the L2 row of Zhang et al. 2016).",
        ("compact", "paper", "tiny"),
    ),
}
