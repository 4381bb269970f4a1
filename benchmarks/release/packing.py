"""Make a trained model small enough to ship, and check that its colors stay what they were.

Kernels and tables are rounded to float16 with fewer bits of the mantissa, whose zeros compress;
biases and statistics of normalization stay float32.
"""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from zoo.card import CARD, About, Card, Packing, write_card
from zoo.colorizer import Colorizer
from zoo.errors import ZooError
from zoo.evaluation.evaluate import evaluate
from zoo.evaluation.report import Report
from zoo.files import atomic_path, read_json, sha256_of_file, write_json
from zoo.photos.photoset import PhotoSet
from zoo.registry import load_model

#: What the weights of one model may take on disk, in bytes.
LARGEST = 12_000_000

#: Bits of the mantissa to try, until the file is small enough; float16 has 10, bfloat16 7.
BITS = (7, 6, 5)

#: The mean CIEDE2000 by which packed predictions may differ: 1 can just be seen.
MOST_DIFFERENCE = 0.25
#: By how much a score may move, as a share of the width of its own 95 % interval.
MOST_SCORE_SHIFT = 0.05

#: How many photos are colored by both models; all of them are scored.
_COMPARED = 200


def round_mantissa(values: np.ndarray, bits: int) -> np.ndarray:
    """Round float32 of at most 65,000 to float16 with so many bits (1 to 10), ties to even."""
    dropped = 10 - bits
    pattern: np.ndarray = values.astype(np.float16).view(np.uint16).astype(np.uint32)
    if dropped:
        half = (1 << (dropped - 1)) - 1 + ((pattern >> dropped) & 1)
        pattern = (pattern + half) >> dropped << dropped
    return pattern.astype(np.uint16).view(np.float16)


def pack_arrays(values: dict[str, np.ndarray], bits: int) -> dict[str, np.ndarray]:
    """Round kernels and tables; vectors, whole numbers and what float16 cannot hold stay."""
    packed = dict(values)
    for name, value in values.items():
        if value.dtype == np.float32 and value.ndim > 1 and np.abs(value).max(initial=0) <= 65_000:
            packed[name] = round_mantissa(value, bits)
    return packed


def pack(
    source: Path,
    target: Path,
    photos: PhotoSet,
    about: About | None,
    *,
    bits: Sequence[int] = BITS,
    progress: bool = False,
) -> Packing:
    """Write a trained model's folder anew, small, with a card that says how it scores.

    Args:
        source: the model's folder, as `model.save` wrote it.
        target: the folder to write.
        photos: validation photos on which both are scored; the card keeps the packed one's scores.
        about: the words of the card.
        bits: of the mantissa, to try in order.
        progress: whether to show progress bars.

    Raises:
        ZooError: if no number of bits is small enough, or colors or scores change; nothing is
            written then.
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
    scores = {"validation photos": report.for_card()}
    card = replace(model.card, about=about, packing=found, validation_scores=scores)
    _write(source, target, content, card)
    return found


def _colored(model: Colorizer, photos: PhotoSet) -> list[np.ndarray]:
    return [model.colorize_batch(photo.read()[None])[0] for photo in photos]


def _smallest_loss(values: dict[str, np.ndarray], bits: Sequence[int]) -> tuple[int, bytes]:
    """Find the first number of bits with which the file is small enough; return the file, too."""
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
