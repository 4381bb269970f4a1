"""The registry's data: one line per model, so that listing them imports no deep-learning framework.

The order is that of all lists and tables; a model's first preset is its default. `zoo list`, the
README's tables and the cards of trained weights are made of these lines.
"""

import importlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.errors import valid_choice

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer


@dataclass(frozen=True)
class ModelEntry:
    """One line of the registry.

    Attributes:
        name: the registered name.
        target: "module of this package:class".
        approach: what it does, in a few words without a capital or a period.
        presets: their names, the default one first.
        source: whose method it is, in Markdown; empty for ours.
        good_at: what its trained weights do well, in a few words.
        bad_at: what they do not.
        stored: what they hold of the photos.
        from_hints: whether it colors by hints alone, and leaves photos gray without.
    """

    name: str
    target: str
    approach: str
    presets: tuple[str, ...]
    source: str = ""
    good_at: str = ""
    bad_at: str = ""
    stored: str = "Network weights only."
    from_hints: bool = False

    @property
    def summary(self) -> str:
        """The approach and its source as a sentence."""
        source = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", self.source).replace("*", "")
        return f"{self.approach[0].upper()}{self.approach[1:]}{f' ({source})' * bool(source)}."

    def load(self) -> "type[Colorizer]":
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(f"zoo.models.{module}"), attribute)

    def preset_or_only(self, preset: str | None) -> str:
        """Return `preset`; the default for None; the only one of a model that has one.

        Baselines have a single preset, so that a benchmark over "compact" includes them.

        Raises:
            ZooError: if the model has several presets and this is none of them.
        """
        if preset is None or len(self.presets) == 1:
            return self.presets[0]
        return valid_choice(f"preset of {self.name}", preset, self.presets)


_SIZES = ("compact", "paper", "tiny")
_NETWORK_SIZES = ("compact", "paper", "scratch", "tiny")
_ZHANG = "[Zhang et al. 2016](https://arxiv.org/abs/1603.08511)"
_RICHART = "Richart and Visca, *Image colorization with neural networks*"

_LINES = (
    ModelEntry("gray", "baselines:Gray", "baseline: no color", ("default",)),
    ModelEntry(
        "mean_color",
        "baselines:MeanColor",
        "baseline: the mean chroma of the training photos",
        ("default",),
        good_at="the yardstick that any model has to beat",
        bad_at="everything: one tint for all photos",
    ),
    ModelEntry(
        "mse_regression",
        "regression:MSERegression",
        "regression of ab from L with a squared error",
        _NETWORK_SIZES,
        f"{_ZHANG}, the L2 row",
        good_at="low errors, hardly ever a wrong color",
        bad_at="muted: it averages over what is possible",
    ),
    ModelEntry(
        "fusion",
        "fusion:Fusion",
        "regression that also sees what a classifier says of the whole photo",
        _NETWORK_SIZES,
        "[Baldassarre et al. 2017](https://arxiv.org/abs/1712.03400), "
        "[Iizuka et al. 2016](https://doi.org/10.1145/2897824.2925974)",
        good_at="low errors; it takes the whole photo into account",
        bad_at="muted, as all regression",
    ),
    ModelEntry(
        "zhang",
        "classification.zhang:Zhang",
        "classification over 313 bins of ab, rare colors counting more",
        _NETWORK_SIZES,
        _ZHANG,
        good_at="vivid and rare colors; the temperature sets how vivid",
        bad_at="stains of bold wrong colors",
    ),
    ModelEntry(
        "colorunet",
        "classification.colorunet:ColorUNet",
        "classification over the 32 most frequent bins of UV",
        _NETWORK_SIZES,
        "[Billaut et al. 2018](https://arxiv.org/abs/1811.03120)",
        good_at="clear, even colors; has a temperature, too",
        bad_at="few hues, borders between them show",
    ),
    ModelEntry(
        "knn_patches",
        "patches.nearest:KNNPatches",
        "the most similar patches of the training photos vote on a pixel's color",
        _SIZES,
        _RICHART,
        good_at="learns in one look at the photos; nothing in it is opaque",
        bad_at="no sense of objects: texture alone decides; slow",
        stored="Means of at least four similar patches of lightness, each as its principal "
        "components, and their colors' numbers; no patch of a single photo.",
    ),
    ModelEntry(
        "som_patches",
        "patches.som:SOMPatches",
        "a small network picks a color of a self-organizing map for each patch",
        _SIZES,
        _RICHART,
        good_at="tiny",
        bad_at="no sense of objects: texture alone decides; muted",
        stored="Network weights, a palette.",
    ),
    ModelEntry(
        "gan",
        "adversarial.gan:GAN",
        "a U-Net that learns to pass for true with a second net, a PatchGAN",
        ("compact", "paper", "report", "scratch", "tiny"),
        "[Isola et al. 2017](https://arxiv.org/abs/1611.07004), pix2pix",
        good_at="vivid colors, quickly",
        bad_at="errs boldly; stains in flat areas",
    ),
    ModelEntry(
        "nogan",
        "adversarial.nogan:NoGAN",
        "the nets of gan, trained apart and only briefly together",
        _NETWORK_SIZES,
        "[Antic et al. 2019](https://github.com/jantic/DeOldify), DeOldify",
        good_at="as gan, with fewer artifacts of the adversary",
        bad_at="errs boldly; more error than regression",
    ),
    ModelEntry(
        "hinted",
        "guided.hinted:Hinted",
        "a network that has learned to listen to hints",
        _SIZES,
        "[Zhang et al. 2017](https://arxiv.org/abs/1705.02999)",
        good_at="a few points decide the whole photo",
        bad_at="without hints, as muted as regression",
    ),
    ModelEntry(
        "levin",
        "levin:Levin",
        "hints alone, spread along edges; gray without hints",
        ("default",),
        "[Levin, Lischinski and Weiss 2004](https://doi.org/10.1145/1015706.1015780)",
        good_at="does what it is told",
        bad_at="knows no colors of its own",
        from_hints=True,
    ),
)

MODELS: dict[str, ModelEntry] = {line.name: line for line in _LINES}
