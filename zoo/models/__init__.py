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
        "regression:MSERegression",
        "Regression of ab from L with a squared error (the L2 row of Zhang et al. 2016).",
        ("compact", "paper", "tiny"),
    ),
    "fusion": (
        "fusion:Fusion",
        "Regression that also sees what a classifier says of the photo (Baldassarre et al. 2017).",
        ("compact", "paper", "tiny"),
    ),
    "zhang": (
        "classification.zhang:Zhang",
        "Classification over 313 bins of ab with class rebalancing (Zhang et al. 2016).",
        ("compact", "paper", "tiny"),
    ),
    "colorunet": (
        "classification.colorunet:ColorUNet",
        "Classification over the 32 most frequent bins of UV (Billaut et al. 2018).",
        ("compact", "paper", "tiny"),
    ),
    "knn_patches": (
        "patches.nearest:KNNPatches",
        "The nearest of the patches stored from training photos vote (Richart and Visca).",
        ("compact", "paper", "tiny"),
    ),
    "som_patches": (
        "patches.som:SOMPatches",
        "A small network picks each patch's color from a self-organizing map (Richart and Visca).",
        ("compact", "paper", "tiny"),
    ),
    "gan": (
        "adversarial.gan:GAN",
        "A generator that learns to pass for true with a discriminator (Isola et al. 2017).",
        ("compact", "paper", "tiny"),
    ),
    "nogan": (
        "adversarial.nogan:NoGAN",
        "The nets of gan, trained apart and only briefly together (Antic et al. 2019, DeOldify).",
        ("compact", "paper", "tiny"),
    ),
}
