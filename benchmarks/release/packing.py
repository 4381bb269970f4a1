"""Making a trained model small enough to ship, and measuring that its colors stay what they were.

Kernels and tables are rounded to float16, and where that is still too large to fewer bits of the
mantissa, whose zeros compress. Biases and statistics of normalization, which are few, stay float32.
The folder is one that `zoo.load_model` reads like any other.
"""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from zoo.card import CARD, About, Card, Packing, write_card
from zoo.colorizer import Colorizer
from zoo.errors import ZooError
from zoo.evaluation.evaluate import evaluate
from zoo.evaluation.report import Report
from zoo.files import atomic_path, read_json, sha256_of_file, write_json
from zoo.registry import load_model

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet

#: What the weights of one model may take on disk, in bytes.
LARGEST = 12_000_000

#: Bits of the mantissa that are tried, the first that fits is taken. float16 has 10, with which the
#: models together would be too large; bfloat16 has 7.
BITS = (7, 6, 5)

#: By how much, in CIEDE2000, packed predictions may differ on average: 1 can just be seen.
MOST_DIFFERENCE = 0.25
#: By how much a score may move, as a share of the width of its own 95 % interval.
MOST_SCORE_SHIFT = 0.05

#: How many photos are colored by both models; all of them are scored.
_COMPARED = 200


def round_mantissa(values: np.ndarray, bits: int) -> np.ndarray:
    """Round to float16 with so many bits of the mantissa (1 to 10), to nearest, ties to even.

    Args:
        values: float32 of at most 65,000 in size.
        bits: after the leading one, which is not stored.

    Returns:
        float16 of the same shape.
    """
    dropped = 10 - bits
    pattern: np.ndarray = values.astype(np.float16).view(np.uint16).astype(np.uint32)
    if dropped:
        half = (1 << (dropped - 1)) - 1 + ((pattern >> dropped) & 1)
        pattern = (pattern + half) >> dropped << dropped
    return pattern.astype(np.uint16).view(np.float16)


def pack_arrays(values: dict[str, np.ndarray], bits: int) -> dict[str, np.ndarray]:
    """Round what is large; vectors, whole numbers and what float16 cannot hold stay as they are."""
    return {
        name: round_mantissa(value, bits) if _roundable(value) else value
        for name, value in values.items()
    }


def _roundable(value: np.ndarray) -> bool:
    fits = value.dtype == np.float32 and value.ndim > 1
    return fits and bool(np.abs(value).max(initial=0) <= 65_000)


def pack(
    source: Path,
    target: Path,
    photos: "PhotoSet",
    about: About | None,
    *,
    bits: Sequence[int] = BITS,
    progress: bool = False,
) -> Packing:
    """Write a trained model's folder anew, small, with a card that says how it scores.

    Args:
        source: the model's folder, as `model.save` wrote it.
        target: the folder to write.
        photos: validation photos, that both are scored on; the card keeps the packed one's scores.
        about: the words of the card.
        bits: of the mantissa, those that are tried in order.
        progress: whether to show progress bars.

    Raises:
        ZooError: if no number of bits is small enough, or the packed model's colors or scores are
            not those of the original; nothing is written then.
    """
    model = load_model(source)
    exact = model.weight_values()
    kept, content = _smallest_loss(exact, bits)
    compared = photos.spread(_COMPARED)
    before, scored = _colored(model, compared), evaluate(model, photos, progress=progress)
    model.assign(pack_arrays(exact, kept))
    after, report = _colored(model, compared), evaluate(model, photos, progress=progress)
    differences = list(map(_difference, before, after))
    found = Packing(
        from_sha256=sha256_of_file(source / "weights.npz"),
        mantissa_bits=kept,
        megabytes=round(len(content) / 1e6, 2),
        photos=len(compared),
        ciede2000_mean=round(float(np.mean(differences)), 4),
        ciede2000_largest=round(max(differences), 4),
        score_shift_largest=round(_score_shift(scored, report), 4),
    )
    _refuse_change(found, model)
    card = replace(
        model.card,
        about=about,
        packing=found,
        validation_scores={"validation photos": report.for_card()},
    )
    _write(source, target, content, card)
    return found


def _colored(model: Colorizer, photos: "PhotoSet") -> list[np.ndarray]:
    return [model.colorize_batch(photo.read()[None])[0] for photo in photos]


def _smallest_loss(values: dict[str, np.ndarray], bits: Sequence[int]) -> tuple[int, bytes]:
    """The first number of bits with which the file is small enough, and the file."""
    for count in bits:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **pack_arrays(values, count))  # type: ignore[arg-type]
        if buffer.tell() < LARGEST:
            return count, buffer.getvalue()
    raise ZooError(
        f"The weights take {buffer.tell() / 1e6:.1f} MB with {bits[-1]} bits of the mantissa, more "
        f"than {LARGEST / 1e6:g} MB; train a narrower network."
    )


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(deltaE_ciede2000(rgb2lab(one), rgb2lab(other)).mean())


def _score_shift(before: Report, after: Report) -> float:
    """The largest shift of any figure, as a share of its interval's width."""
    old, new = before.summary(), after.summary()
    return max(
        abs(new[name].mean - figure.mean) / max(figure.high - figure.low, 1e-9)
        for name, figure in old.items()
        if figure.low is not None and figure.high is not None
    )


def _refuse_change(found: Packing, model: Colorizer) -> None:
    if found.ciede2000_mean > MOST_DIFFERENCE or found.score_shift_largest > MOST_SCORE_SHIFT:
        raise ZooError(
            f"With {found.mantissa_bits} bits of the mantissa {model.name} colors differently: by "
            f"{found.ciede2000_mean} CIEDE2000 on average (at most {MOST_DIFFERENCE}), and a score "
            f"moves by {found.score_shift_largest:.1%} of its interval (at most "
            f"{MOST_SCORE_SHIFT:.0%}); keep more bits, or train a narrower network."
        )


def _write(source: Path, target: Path, content: bytes, card: Card) -> None:
    """Write the folder, its card last: a folder without one was interrupted."""
    (target / CARD).unlink(missing_ok=True)
    with atomic_path(target / "weights.npz") as temporary:
        temporary.write_bytes(content)
    write_json(target / "config.json", read_json(source / "config.json"))
    write_card(target, replace(card, weights_sha256=sha256_of_file(target / "weights.npz")))
