"""The report's photos: those first that tell most, which are those the models disagree about.

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
from benchmarks.report.figures import TILE_SIDE, PhotoRow, data_uri, draw_comparison
from zoo.photos.decoding import read_rgb

SCORE = "ciede2000"

#: So many photos stand at the top, before any table.
TELLING = 4

#: Photos are left out, the last ones first, where their pictures would pass so many bytes.
LARGEST_BYTES = 8_000_000

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
    """Read the stored pictures of finished models, the photos that tell most first."""
    return [_photo(entry, results, titles, pictures) for entry in telling(results)]


def telling(results: Sequence[Result]) -> list[dict[str, str]]:
    """List the shown photos from the largest disagreement to the smallest, those without any last.

    Results that share all conditions show the same photos.
    """

    def order(entry: dict[str, str]) -> tuple[bool, float]:
        found = disagreement(_scores(results, entry))
        return found is None, -(found or 0.0)

    return sorted(results[0]["pictures"], key=order) if results else []


def draw_models(
    results: Sequence[Result],
    titles: Mapping[str, str],
    shown: Sequence[dict[str, str]],
    pictures: Path,
    side: int = TILE_SIDE,
) -> tuple[bytes, list[PhotoRow]]:
    """Draw photos side by side: in gray, in the colors of each model, and as they were.

    Args:
        results: of the models.
        titles: by the results' keys.
        shown: the photos, as `telling` lists them.
        pictures: the folder that holds the pictures.
        side: of the squares that they are shrunk into, in px.

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
    png, count = draw_comparison(names, rows, side=side)
    return png, rows[:count]


def gray_input(rgb: np.ndarray) -> np.ndarray:
    """Reduce a photo to its lightness, which is what models see."""
    lab = color.rgb2lab(rgb)
    lab[..., 1:] = 0
    gray = np.rint(color.lab2rgb(lab) * 255).astype(np.uint8)
    # The constants of Lab put a = b = 0 a hair off R = G = B: one channel serves for all three.
    return np.repeat(gray[..., 1:2], 3, axis=-1)


def make_tile(title: str, rgb: np.ndarray, score: float | None = None) -> PhotoTile:
    """Compress (H, W, 3) uint8 as a tile."""
    return PhotoTile(title, as_jpeg(Image.fromarray(rgb)), score)


def as_jpeg(picture: Image.Image) -> bytes:
    """Compress a picture, with colors at full resolution."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "jpeg", quality=_JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def photo_score(result: Result, photo: str, role: str) -> float | None:
    """Look up a stored result's CIEDE2000 on a photo; None where it was not scored."""
    report = result["report"]
    if role != "test" or SCORE not in report["scores"] or photo not in report["photos"]:
        return None
    return report["scores"][SCORE][report["photos"].index(photo)]


def without_gray(results: Sequence[Result]) -> list[Result]:
    """Leave the model `gray` away: it gives what pictures begin with."""
    return [result for result in results if result["cell"]["model"] != "gray"]


def disagreement(scores: Iterable[float | None]) -> float | None:
    """Compute the standard deviation of the models' scores; None with fewer than two of them."""
    known = [score for score in scores if score is not None]
    return float(np.std(known)) if len(known) > 1 else None


def within_bound(photos: Sequence[BrowsedPhoto]) -> list[BrowsedPhoto]:
    """Keep the first photos whose pictures stay within `LARGEST_BYTES`, one at least."""
    total = np.cumsum([photo.size for photo in photos])
    return list(photos[: max(1, int(np.sum(total <= LARGEST_BYTES)))])


def _scores(results: Sequence[Result], entry: dict[str, str]) -> list[float | None]:
    return [photo_score(result, entry["photo"], entry["role"]) for result in results]


def _photo(
    entry: dict[str, str],
    results: Sequence[Result],
    titles: Mapping[str, str],
    pictures: Path,
) -> BrowsedPhoto:
    truth = read_rgb(pictures / "truth" / entry["file"])
    name, role = entry["photo"], entry["role"]
    scores = _scores(results, entry)
    colored = [
        make_tile(titles[result["key"]], read_rgb(pictures / result["key"] / entry["file"]), score)
        for result, score in zip(results, scores, strict=True)
    ]
    tiles = (make_tile("input (gray)", gray_input(truth)), make_tile("truth", truth), *colored)
    return BrowsedPhoto(name, role, disagreement(scores), tiles)
