"""The README's tables and picture of stored results, as text between marker comments.

A pure function of `benchmarks/results`, the cards of the trained weights and the README's text.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.harness.stored import Result
from benchmarks.report.leaderboard import HEADLINE, RANKED_BY, RANKING, Leaderboard, load_results
from benchmarks.report.photos import TELLING, draw_models, telling, without_gray
from benchmarks.report.text import MISSING, figure, markdown_table
from zoo import registry, saving
from zoo.card import Card, Interval, read_card
from zoo.errors import ZooError
from zoo.files import atomic_path, sha256_of_file
from zoo.metrics import Metric, get_metric

#: The sets of photos that results are stored of: folder and title.
SETS = {
    "held-out": "Held-out scenes and objects",
    "varied": "Varied photos",
    "embedded": "The nine photos that come with other packages",
}
#: The set that models are picked by.
MAIN = "held-out"
#: The set whose pictures are stored and drawn: its photos may be passed on.
PICTURED = "embedded"

PICTURE = Path("docs/comparison.jpg")

_FIGURES = ("rank", "error ↓", "AuC ↑", "vividness", "time", "size")
_METRICS = (*HEADLINE, "delta_colorfulness_per_photo", "ab_rmse", "auc_rebalanced")
_JPEG_QUALITY = 88


@dataclass(frozen=True)
class Reference:
    """Stored results, and where everything is.

    Attributes:
        root: the checkout with README.md and docs.
        results: the folder with a sub-folder for each of `SETS`.
    """

    root: Path
    results: Path

    def boards(self) -> dict[str, Leaderboard]:
        """The stored results by set; sets without any are left out."""
        return {
            name: Leaderboard(tuple(load_results(self.results / name)))
            for name in SETS
            if any((self.results / name / "results").glob("*.json"))
        }

    def blocks(self) -> dict[str, str]:
        """The README's blocks by name."""
        boards, found = self.boards(), {"approaches": approaches_table()}
        if PICTURED in boards:
            found["picture"] = self._picture_block(boards[PICTURED])
        if MAIN in boards:
            found["models"] = "\n".join(self._models_table(boards[MAIN]))
        tables = [line for name in boards if name != PICTURED for line in _board(name, boards)]
        if tables:
            found["leaderboard"] = "\n".join(tables).strip()
            found["worse"] = "\n".join(
                f"- {worse_than_gray(SETS[name], board)}"
                for name, board in boards.items()
                if name != PICTURED
            )
        return found

    def _picture_block(self, board: Leaderboard) -> str:
        path = self.root / PICTURE
        picture = sha256_of_file(path)[:16] if path.is_file() else MISSING
        source = _digest_of(board, self.results / PICTURED / "pictures")
        return (
            f"<!-- {PICTURE} is {picture}, made of {source} -->\n"
            f'<img src="{PICTURE}" width="900" alt="Photos in gray, as the models color them, and '
            'as they were">\n\n'
            "*Left to right: the gray photo, each model as it comes with the package, the truth. "
            "No training saw these photos. Of nine, the models differ most on these.*"
        )

    def draw_picture(self) -> None:
        """Draw the models side by side; nothing where no pictures are stored."""
        board = self.boards().get(PICTURED)
        if board is None:
            return
        pictures = self.results / PICTURED / "pictures"
        models, photos = without_gray(board.finished), _pictured_photos(board)
        png, _ = draw_models(models, board.titles, photos, pictures)
        with atomic_path(self.root / PICTURE) as temporary:
            image = Image.open(io.BytesIO(png)).convert("RGB")
            image.save(temporary, quality=_JPEG_QUALITY, subsampling=0)

    def _models_table(self, board: Leaderboard) -> Iterator[str]:
        """Which model to pick: quality, vividness, latency, size, license, in words."""
        trained = without_gray(board.finished)
        rows = [_model_cells(board, result) for result in trained]
        figures = 1 + len(_FIGURES)
        yield from markdown_table(["model", *_FIGURES], [row[:figures] for row in rows])
        yield ""
        processors = {result["environment"]["processor"] for result in trained}
        yield (
            f"*{SETS[MAIN]}, {board.results[0]['test_photos']:,} photos. {RANKING} Error: "
            "mean CIEDE2000; vividness: colorfulness as a share of the true photos'; time for a "
            f"photo of 256 x 256 px on {', '.join(sorted(map(str, processors)))}; size on disk.*"
        )
        yield from ("", "<details><summary>What each is good at, and its license</summary>", "")
        words = [[row[0], *row[figures:]] for row in rows]
        yield from markdown_table(["model", "license", "good at", "bad at"], words)
        yield ""
        yield "The license is that of the weights; `zoo info MODEL` has their whole card."
        yield from ("", "</details>")


def _model_cells(board: Leaderboard, result: Result) -> list[str]:
    model = result["cell"]["model"]
    summary, line, speed = result["summary"], registry.entry(model), result.get("speed")
    card, size = _card_and_size(model)
    return [
        f"`{board.title(result)}`",
        board.ranks.get(result["key"], MISSING),
        f"{summary['ciede2000']['mean']:.2f}",
        f"{summary['auc']['mean']:.3f}",
        f"{summary['colorfulness']['mean'] / _true_colorfulness(result):.0%}",
        f"{1000 * speed['latency_seconds']['median']:.0f} ms" if speed else MISSING,
        MISSING if size is None else f"{size / 1e6:.1f} MB",
        card.about.license if card.about else MISSING,
        line.good_at,
        line.bad_at,
    ]


def approaches_table() -> str:
    """Write the registry's lines as a table."""
    rows = [
        (
            f"`{line.name}`",
            line.approach,
            ", ".join(f"`{one}`" for one in line.presets),
            line.source,
        )
        for line in map(registry.entry, registry.list_models())
    ]
    return "\n".join(markdown_table(("name", "approach", "presets", "source"), rows))


def updated(readme: str, blocks: Mapping[str, str]) -> str:
    """Put the blocks between their markers in the README's text."""
    for name, content in blocks.items():
        before, after = _around(readme, name)
        readme = f"{before}{content}{after}"
    return readme


def block_in(readme: str, name: str) -> str:
    """Read the README's block of this name."""
    before, after = _around(readme, name)
    return readme[len(before) : len(readme) - len(after)]


def _around(readme: str, name: str) -> tuple[str, str]:
    """What stands in front of a block and behind it, its markers included."""
    begin, end = f"<!-- results: {name} -->\n", f"\n<!-- end of results: {name} -->"
    before, begun, rest = readme.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        markers = f"{begin.strip()} and {end.strip()}"
        raise ZooError(f"README.md has no place for the {name}; put {markers} around it.")
    return before + begin, end + after


def _board(name: str, boards: Mapping[str, Leaderboard]) -> Iterator[str]:
    """A set's leaderboard: its title, what its rows share, and the rows."""
    board = boards[name]
    metrics = [get_metric(metric) for metric in _METRICS]
    yield f"**{SETS[name]}.** {board.conditions}"
    if board.caution:
        yield board.caution
    yield ""
    rows = [
        [
            board.title(one),
            board.ranks.get(one["key"], MISSING),
            *(figure(one, metric) for metric in metrics),
        ]
        for one in board.finished
    ]
    yield from markdown_table(["model", "rank", *map(board.heading, metrics)], rows)
    truth = _true_colorfulness(board.finished[0])
    yield ""
    yield f"*Means with 95 % intervals over the photos; the true photos' colorfulness: {truth:.1f}*"
    yield ""


def worse_than_gray(title: str, board: Leaderboard) -> str:
    """Say which models are worse than gray on a set of photos, by which score and how much.

    Models are named whose mean is worse; in parentheses where the photos do not show it, because
    the paired interval includes zero.
    """
    number = {board.title(one): place for place, one in enumerate(board.finished)}
    models = [result["cell"]["model"] for result in board.finished]
    if "gray" not in models:
        return f"{title}: gray was not scored."
    gray = models.index("gray")
    parts = []
    for metric in map(get_metric, RANKED_BY):
        found = [
            _named_worse(name, _less_gray(board, place, gray, metric), metric)
            for name, place in number.items()
            if place != gray
        ]
        parts.append(f"{metric.title}: {', '.join(filter(None, found)) or 'none'}")
    return f"{title}, worse than gray by {'; by '.join(parts)}."


def _less_gray(board: Leaderboard, place: int, gray: int, metric: Metric) -> Interval:
    """A model's figure less gray's, paired."""
    found = board.differences[min(place, gray), max(place, gray)][metric.name]
    if place < gray or found.low is None or found.high is None:
        return found
    return Interval(-found.mean, -found.high, -found.low)


def _named_worse(name: str, less_gray: Interval, metric: Metric) -> str:
    """The model with its difference; "" where it is not worse."""
    if (less_gray.mean < 0) != (metric.direction == "higher") or not less_gray.mean:
        return ""
    told = f"`{name}` {less_gray.mean:+.{3 if metric.high == 1 else 2}f}"
    return told if less_gray.excludes_zero else f"({told})"


def _card_and_size(model: str) -> tuple[Card, int | None]:
    """Read the card of the model's weights in the package, and how many bytes those take."""
    if model not in registry.list_pretrained():
        return Card(), None
    folder = registry.shipped_folder(model)
    return read_card(folder), (folder / saving.WEIGHTS).stat().st_size


def _true_colorfulness(result: Result) -> float:
    """The mean colorfulness of the true photos, from a model's scores."""
    scores = result["report"]["scores"]
    return float(np.mean(np.subtract(scores["colorfulness"], scores["delta_colorfulness"])))


def _pictured_photos(board: Leaderboard) -> list[dict[str, str]]:
    """The photos that tell most, as in reports."""
    return telling(board.finished)[:TELLING]


def _digest_of(board: Leaderboard, pictures: Path) -> str:
    """16 hexadecimal digits of all that the picture is made of: its titles and its tiles."""
    digest = hashlib.sha256()
    for result in without_gray(board.finished):
        digest.update(board.title(result).encode())
        for shown in _pictured_photos(board):
            for folder in (result["key"], "truth"):
                digest.update((pictures / folder / shown["file"]).read_bytes())
    return digest.hexdigest()[:16]
