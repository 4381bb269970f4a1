"""What cards and the README say of the trained weights in words: license, limits, strengths."""

from dataclasses import dataclass

#: The license of the weights; the code's is another one.
WEIGHTS_LICENSE = "CC BY-NC 4.0"

#: What is known about the rights in the photos that the weights were learned from.
RIGHTS = (
    "The weights were learned from photos of public research collections, whose photos belong to "
    "their photographers and are not cleared for redistribution; none of them comes with the "
    "package. Hence the weights are for research, teaching and private use, not for sale."
)

#: True of every model that was trained by the recipe.
LIMITS = (
    "It has seen scenes, cats, dogs and flowers at 128 px, hardly any people, rooms, food or "
    "vehicles: skin and most man-made things get earthy or arbitrary colors. Colors are plausible, "
    "not true: do not read facts off them."
)


@dataclass(frozen=True)
class ModelText:
    """What a model is good at and bad at, a few words each; and what its weights hold of photos."""

    good_at: str
    bad_at: str
    stored: str = "Network weights only."


MODEL_TEXTS: dict[str, ModelText] = {
    "mean_color": ModelText(
        "the yardstick that any model has to beat", "everything: one tint for all photos"
    ),
    "mse_regression": ModelText(
        "low errors, hardly ever a wrong color", "muted: it averages over what is possible"
    ),
    "fusion": ModelText(
        "low errors; it takes the whole photo into account", "muted, as all regression"
    ),
    "zhang": ModelText(
        "vivid and rare colors; the temperature sets how vivid", "stains of bold wrong colors"
    ),
    "colorunet": ModelText(
        "clear, even colors; has a temperature, too", "few hues, borders between them show"
    ),
    "knn_patches": ModelText(
        "learns in one look at the photos; nothing in it is opaque",
        "no sense of objects: texture alone decides; slow",
        "Means of at least four similar patches of lightness, each as its principal components, "
        "and their colors' numbers; no patch of a single photo.",
    ),
    "som_patches": ModelText(
        "tiny", "no sense of objects: texture alone decides; muted", "Network weights, a palette."
    ),
    "gan": ModelText("vivid colors, quickly", "errs boldly; stains in flat areas"),
    "nogan": ModelText(
        "as gan, with fewer artifacts of the adversary", "errs boldly; more error than regression"
    ),
}
