"""The report's photos one at a time: those first about which the models disagree most.

Disagreement is the standard deviation of the models' CIEDE2000 on a photo; photos without scores,
such as those trained on, come last.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import color

from benchmarks.harness.stored import Result
from benchmarks.report.figures import PhotoRow, data_uri, draw_comparison
from zoo.photos.decoding import read_rgb

SCORE = "ciede2000"

#: Photos are left out, the last ones first, where their pictures would pass so many bytes.
LARGEST_BYTES = 4_000_000

_JPEG_QUALITY = 90


@dataclass(frozen=True)
class PhotoTile:
    """A picture with its title, as JPEG, and the model's CIEDE2000 where it was scored."""

    title: str
    jpeg: bytes
    score: float | None = None

    @property
    def uri(self) -> str:
        return data_uri(self.jpeg, "image/jpeg")


@dataclass(frozen=True)
class BrowsedPhoto:
    """One photo of the browser."""

    name: str
    role: str
    disagreement: float | None
    tiles: tuple[PhotoTile, ...]

    @property
    def size(self) -> int:
        """The bytes of its pictures."""
        return sum(len(tile.jpeg) for tile in self.tiles)


def browse(
    results: Sequence[Result], titles: Mapping[str, str], pictures: Path
) -> list[BrowsedPhoto]:
    """Read the stored pictures of finished models, the most controversial photos first."""
    shown = results[0]["pictures"] if results else []
    return by_disagreement([_photo(entry, results, titles, pictures) for entry in shown])


def draw_models(
    results: Sequence[Result],
    titles: Mapping[str, str],
    shown: Sequence[dict[str, str]],
    pictures: Path,
) -> tuple[bytes, list[PhotoRow]]:
    """Draw photos side by side: in gray, in the colors of each model, and as they were.

    Args:
        results: of the models, one at least.
        titles: by the results' keys.
        shown: the photos, as results list them.
        pictures: the folder that holds the pictures.

    Returns:
        The PNG file, and the rows that are in it.
    """
    rows = []
    for entry in shown:
        truth = read_rgb(pictures / "truth" / entry["file"])
        colored = [read_rgb(pictures / result["key"] / entry["file"]) for result in results]
        tiles = (gray_input(truth), *colored, truth)
        rows.append(PhotoRow(entry["photo"], entry["role"], tiles))
    names = ["input (gray)", *(titles[result["key"]] for result in results), "truth"]
    png, count = draw_comparison(names, rows)
    return png, rows[:count]


def gray_input(rgb: np.ndarray) -> np.ndarray:
    """Reduce a photo to its lightness, which is what models see."""
    lab = color.rgb2lab(rgb)
    lab[..., 1:] = 0
    gray = np.rint(color.lab2rgb(lab) * 255).astype(np.uint8)
    # The constants of Lab put a = b = 0 a hair off R = G = B: one channel serves for all three.
    return np.repeat(gray[..., 1:2], 3, axis=-1)


def make_tile(title: str, rgb: np.ndarray, score: float | None = None) -> PhotoTile:
    """Compress (H, W, 3) uint8 as a tile, with colors at full resolution."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "jpeg", quality=_JPEG_QUALITY, subsampling=0)
    return PhotoTile(title, buffer.getvalue(), score)


def photo_score(result: Result, photo: str, role: str) -> float | None:
    """Look up a stored result's CIEDE2000 on a photo; None where it was not scored."""
    report = result["report"]
    if role != "test" or SCORE not in report["scores"] or photo not in report["photos"]:
        return None
    return report["scores"][SCORE][report["photos"].index(photo)]


def disagreement(scores: Iterable[float | None]) -> float | None:
    """Compute the standard deviation of the models' scores; None with fewer than two of them."""
    known = [score for score in scores if score is not None]
    return float(np.std(known)) if len(known) > 1 else None


def by_disagreement(photos: Sequence[BrowsedPhoto]) -> list[BrowsedPhoto]:
    """Sort from the largest disagreement to the smallest, photos without any last."""
    return sorted(photos, key=lambda p: (p.disagreement is None, -(p.disagreement or 0.0)))


def within_bound(photos: Sequence[BrowsedPhoto]) -> list[BrowsedPhoto]:
    """Keep the first photos whose pictures stay within `LARGEST_BYTES`, one at least."""
    total = np.cumsum([photo.size for photo in photos])
    return list(photos[: max(1, int(np.sum(total <= LARGEST_BYTES)))])


def _photo(
    entry: dict[str, str],
    results: Sequence[Result],
    titles: Mapping[str, str],
    pictures: Path,
) -> BrowsedPhoto:
    truth = read_rgb(pictures / "truth" / entry["file"])
    name, role = entry["photo"], entry["role"]
    scores = [photo_score(result, name, role) for result in results]
    colored = [
        make_tile(titles[result["key"]], read_rgb(pictures / result["key"] / entry["file"]), score)
        for result, score in zip(results, scores, strict=True)
    ]
    tiles = (make_tile("input (gray)", gray_input(truth)), make_tile("truth", truth), *colored)
    return BrowsedPhoto(name, role, disagreement(scores), tiles)
