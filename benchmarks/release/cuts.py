"""Compare ways to find the shots of a film on made clips, where they are known.

    python -m benchmarks.release.cuts --photos DIR [--films FILE]

Prints a table in Markdown: of what each detector finds, how much is right, and how much it finds of
cuts, fades and dissolves; and in how many flashes it sees a cut. A cut counts as found if it is at
most 1 frame off, a fade or dissolve anywhere in its range, or 2 frames beside it. The thresholds of
`zoo.photos.shots` were chosen on the films of even seeds (`--choosing`); the table is of the odd
ones. Where PySceneDetect is installed (`pip install scenedetect-headless`), its detectors are
compared, with their defaults, on the lightness as it is and with each frame's mean and contrast
made the same. For real films, the number of shots is printed.

Cost: 20 s on one core, and 1 ms a frame of real films beside their decoding.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.films.made import MadeFilm
from benchmarks.report.text import MISSING, markdown_table
from zoo.cli import options
from zoo.cli.scripts import run_script
from zoo.photos.division import read_photos
from zoo.photos.film import Film
from zoo.photos.shots import first_frames, thumbnail

#: From the luma of each frame, (H, W) uint8, to the number of each shot's first frame.
Detector = Callable[[Iterable[np.ndarray]], Iterator[int]]

#: How many frames a boundary may be off.
CUT_OFF, MIXED_OFF = 1, 2
KINDS = ("cut", "fade", "dissolve")

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_SCENEDETECT = {
    "ContentDetector": {"luma_only": True},
    "AdaptiveDetector": {"luma_only": True},
    "HistogramDetector": {},
}
_SIZE = (72, 128)


@dataclass
class Counts:
    """What a detector found in films: boundaries found, right ones, and those there are by kind."""

    found: int = 0
    right: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    present: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    flashes: int = 0
    taken_for_cuts: int = 0

    def add(self, film: MadeFilm, starts: Iterable[int]) -> None:
        """Count the boundaries of a film; 0, where every film begins, is none."""
        left = sorted(set(starts) - {0})
        self.found += len(left)
        for change in film.transitions:
            off = CUT_OFF if change.kind == "cut" else MIXED_OFF
            hit = [one for one in left if change.start - off <= one <= change.stop + off]
            self.present[change.kind] += 1
            self.right[change.kind] += bool(hit)
            if hit:
                left.remove(hit[0])
        self.flashes += len(film.flashes)
        self.taken_for_cuts += sum(
            any(flash.start <= one <= flash.stop for one in left) for flash in film.flashes
        )

    def row(self) -> list[str]:
        precision = _share(sum(self.right.values()), self.found)
        recalls = [_share(self.right[kind], self.present[kind]) for kind in KINDS]
        return [precision, *recalls, f"{self.taken_for_cuts} / {self.flashes}"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(compare, argv=argv, interrupted="\nStopped.")


def compare(
    photos: options.Photos,
    count: Annotated[int, typer.Option(min=1, help="How many clips are made.")] = 60,
    choosing: Annotated[
        bool, typer.Option("--choosing", help="The clips that thresholds were chosen on.")
    ] = False,
    films: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Real films; repeatable.")
    ] = None,
) -> None:
    """Compare detectors of shots on clips made of photos."""
    pictures = [photo.read(256) for photo in read_photos(photos, "val").color_only()]
    made = [MadeFilm(pictures, seed=2 * n + (not choosing), size=_SIZE) for n in range(count)]
    counts = count_all(made, detectors())
    present = next(iter(counts.values())).present
    headings = ["Detector", "Precision", *(f"{kind}s ({present[kind]})" for kind in KINDS)]
    rows = [[name, *found.row()] for name, found in counts.items()]
    print("\n".join(markdown_table([*headings, "Flashes taken for cuts"], rows)))
    for path in films or ():
        print(f"{path.name}: {counted_in(path)}", flush=True)


def count_all(films: Iterable[MadeFilm], by: dict[str, Detector]) -> dict[str, Counts]:
    """Count what each detector finds in the films."""
    counts = {name: Counts() for name in by}
    for film in films:
        frames = [np.rint(frame @ _LUMA).astype(np.uint8) for frame in film]
        for name, detector in by.items():
            counts[name].add(film, detector(frames))
    return counts


def detectors() -> dict[str, Detector]:
    """The package's own detector, and those of PySceneDetect where it is installed."""
    found: dict[str, Detector] = {"zoo.photos.shots": own}
    if find_spec("scenedetect") is None:
        return found
    for name in _SCENEDETECT:
        found[name] = _of_scenedetect(name, as_it_is)
        found[f"{name}, normalized"] = _of_scenedetect(name, normalized)
    return found


def own(frames: Iterable[np.ndarray]) -> Iterator[int]:
    """What `zoo.photos.shots` finds."""
    return first_frames(map(thumbnail, frames))


def as_it_is(luma: np.ndarray) -> np.ndarray:
    """The same frame."""
    return luma


def normalized(luma: np.ndarray) -> np.ndarray:
    """A frame, (H, W) uint8, with a mean of 128 and a standard deviation of 50."""
    contrast = 50 / max(float(luma.std()), 1.0)
    return np.rint(np.clip(128 + contrast * (luma - luma.mean()), 0, 255)).astype(np.uint8)


def counted_in(path: Path) -> str:
    """How many shots and frames a film file has, in words."""
    with Film(path) as film:
        walk = film.walk()
        starts = list(first_frames(thumbnail(film.luma(frame, _SIZE)) for frame in walk))
        frames = len(walk.timeline().times)
    return f"{frames} frames, shots begin at {', '.join(map(str, starts))}"


def _of_scenedetect(name: str, prepared: Callable[[np.ndarray], np.ndarray]) -> Detector:
    def found(frames: Iterable[np.ndarray]) -> Iterator[int]:
        scenedetect = import_module("scenedetect")
        detector = getattr(scenedetect, name)(**_SCENEDETECT[name])
        time: Any = None
        for number, luma in enumerate(frames):
            time = scenedetect.FrameTimecode(number, fps=25.0)
            gray = np.repeat(prepared(luma)[..., None], 3, axis=-1)
            yield from (cut.frame_num for cut in detector.process_frame(time, gray))
        if time is not None:
            yield from (cut.frame_num for cut in detector.post_process(time))

    return found


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else MISSING


if __name__ == "__main__":
    sys.exit(main())
