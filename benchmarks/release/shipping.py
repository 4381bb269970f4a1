"""Put a trained model among the weights that come with the package."""

from pathlib import Path

from benchmarks.release.packing import pack
from benchmarks.release.privacy import membership
from benchmarks.release.vividness import store_choice
from zoo.card import About, read_card
from zoo.evaluation.calibrate import vividness_option
from zoo.photos.photoset import PhotoSet
from zoo.registry import ModelEntry, entry, load_model

#: Validation photos that choose temperature or saturation: more hardly move a mean.
_STUDIED = 300

_LICENSE = "CC BY-NC 4.0"  # of the weights, not of the code
_RIGHTS = (
    "The weights were learned from photos of public research collections, whose photos belong to "
    "their photographers and are not cleared for redistribution; none of them comes with the "
    "package. Hence the weights are for research, teaching and private use, not for sale."
)

_LIMITS = (
    "It has seen few photos, small ones: what these hardly show gets earthy or arbitrary colors. "
    "Colors are plausible, not true: do not read facts off them."
)


def ship_model(
    name: str, run: Path, to: Path, training: PhotoSet, validation: PhotoSet, described: str
) -> str:
    """Choose how vivid a trained model colors, unless it knows that, and pack it.

    Args:
        name: of the model.
        run: the training's folder, which gets the chosen default, too.
        to: the folder of all packed models.
        training: what it learned from.
        validation: photos to choose and to score by; none of `training`.
        described: what the photos are, for the card.

    Returns:
        What was chosen and how well it packs, in words.
    """
    said = _choose_vividness(run, validation)
    line = entry(name)
    stored = line.stored + _privacy(run, training, validation)
    found = pack(
        run, to / name, validation, _about(line, described, training, stored), progress=True
    )
    return (
        f"{said}Packed to {found.megabytes} MB with {found.mantissa_bits} bits of the mantissa: "
        f"colors differ by {found.ciede2000_mean} CIEDE2000. The model is in {to / name}."
    )


def _choose_vividness(run: Path, validation: PhotoSet) -> str:
    """Store the temperature or saturation that validation photos choose, if the model has one."""
    option, card = vividness_option(load_model(run)), read_card(run)
    if option is None or getattr(card, option):
        return ""
    return f"{store_choice(run, option, validation.spread(_STUDIED), None)}\n"


def _about(line: ModelEntry, described: str, photos: PhotoSet, stored: str) -> About:
    classes = ", ".join(photos.labels)
    return About(
        photos=f"{described}; {photos.summary()}" + (f": {classes}" * bool(classes)),
        license=_LICENSE,
        rights=_RIGHTS,
        good_at=line.good_at,
        bad_at=line.bad_at,
        limits=_LIMITS,
        stored=stored,
    )


def _privacy(run: Path, train: PhotoSet, validation: PhotoSet) -> str:
    """Say whether the stored rows give training photos away; "" for models without such rows."""
    found = membership(load_model(run), train, validation)
    if found is None:
        return ""
    return (
        f" By their distance to the stored rows, {found['photos'][0]} photos it learned from and "
        f"{found['photos'][1]} that it did not are told apart with a chance of {found['auc']} "
        "(0.5: not at all, 1: always)."
    )
