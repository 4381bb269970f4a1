"""Time a server under load, beside coloring the same photos without one; then kill it.

    python -m benchmarks.speed.serve
    python -m benchmarks.speed.serve --clients 64 --seconds 60 --model zhang --json serve.json

`zoo serve` runs as a process of its own with a fresh folder. Clients color photos one after the
other, half of them in one request, half by upload, job, events and result; told to come again, they
do. The alternative is `colorize` in as many threads as the server colors photos at a time, half of
its time before the server runs and half after it. The clients need some of the same cores.

Then the server is stopped, and killed, while photos are uploaded and wait; every job that it had
accepted must be done after the next start, and nothing else be left.

Takes about three minutes and needs the extra `test`; let nothing else run.
"""

import asyncio
import io
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from benchmarks.serving.clients import Seen, load
from benchmarks.serving.ends import Accepted, end_under_load, finish, require_whole
from benchmarks.serving.process import ServerProcess
from benchmarks.speed.photos import made_photo
from benchmarks.speed.timing import Measurement, Row, told
from zoo.cli.inputs import counted
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.errors import ZooError
from zoo.files import require_writable, write_json

#: Height and width of the photos, and how many there are.
_SIZE, _PHOTOS = (480, 640), 8
_WORKERS = 2
#: Jobs that a server has accepted when it ends.
_ACCEPTED = 24


@dataclass(frozen=True)
class Rate:
    """How many photos are colored in a second, and how long each keeps cores busy, in seconds."""

    photos: float
    busy: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(serve, argv=argv)


def serve(
    clients: Annotated[int, typer.Option(min=1, help="How many color photos at a time.")] = 64,
    seconds: Annotated[float, typer.Option(min=0.1, help="For how long they begin.")] = 60,
    model: Annotated[
        str, typer.Option(metavar="RUN", help="Trained folder, or a name that comes trained.")
    ] = "zhang",
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write all figures there.")
    ] = None,
) -> None:
    """Time a server under load, and end it without warning."""
    if json is not None:
        require_writable(json.parent)
    photos = files()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        rows = told(rows_of(model, photos, clients, seconds, data))
        print(ends(model, photos, data))
    if json is not None:
        from benchmarks.harness.environment import describe_environment

        found = [asdict(row) | {"ratio": row.ratio} for row in rows]
        write_json(json, {"environment": describe_environment(), "rows": found})


def rows_of(
    model: str, photos: Sequence[bytes], clients: int, seconds: float, data: Path
) -> Iterator[Row]:
    """Load a server, and measure all rows.

    Raises:
        ZooError: if any answer was neither success nor 429, or a photo was lost.
    """
    before = alone(model, photos, seconds / 2)
    with ServerProcess(data, model, _WORKERS) as server:
        asyncio.run(load(server.address, photos, _WORKERS, 0.1))  # loads and compiles the model
        early, used = server.memory(), server.processor_time()
        with _bar(seconds) as advance:
            started = time.monotonic()
            seen = asyncio.run(load(server.address, photos, clients, seconds, advance))
            passed = time.monotonic() - started
        used = server.processor_time() - used
        late, log = server.memory(), server.log()
    after = alone(model, photos, seconds / 2)
    _require_sound(seen, log)
    print(f"{counted(len(seen.seconds), 'photo')} in color; {seen.refused:,} times 429.")
    count = len(seen.seconds)
    plain = Rate((before.photos + after.photos) / 2, (before.busy + after.busy) / 2)
    yield from _rows(seen, Rate(count / passed, used / count), plain, clients)
    yield Row(
        "memory of the server",
        "MB",
        False,
        Measurement.once("after the load", late),
        Measurement.once("before", early),
    )


def _rows(seen: Seen, served: Rate, plain: Rate, clients: int) -> Iterator[Row]:
    size, alone_name = f"{_SIZE[1]} x {_SIZE[0]}", f"colorize in {_WORKERS} threads"
    yield Row(
        f"photos of {size}, {counted(clients, 'client')}",
        "photos/s",
        True,
        Measurement.once("served", served.photos),
        Measurement.once(alone_name, plain.photos),
    )
    yield Row(
        "processor time of a photo",
        "s",
        False,
        Measurement.once("served", served.busy),
        Measurement.once(alone_name, plain.busy),
    )
    turn = Measurement.once("a turn of all clients by colorize alone", clients / plain.photos)
    for part, name in ((50, "median"), (95, "95th percentile")):
        value = Measurement.once(name, float(np.percentile(seen.seconds, part)))
        yield Row(f"from the first try to the colors, {name}", "s", False, value, turn)
    median, high = (float(np.percentile(seen.answering, part)) for part in (50, 95))
    yield Row(
        "an answer of `health` meanwhile",
        "s",
        False,
        Measurement.once("95th percentile", high),
        Measurement.once("median", median),
    )


def ends(model: str, photos: Sequence[bytes], data: Path) -> str:
    """Stop a server, and kill the next one, while photos are uploaded and wait; what came of it.

    Raises:
        ZooError: if anything that was accepted is lost or left unfinished.
    """
    with ServerProcess(data, model, _WORKERS) as server:
        stopped = end_under_load(server.address, photos, _ACCEPTED, server.stop)
        seconds = server.stopping
    with ServerProcess(data, model, _WORKERS) as server:
        killed = end_under_load(server.address, photos, _ACCEPTED, server.kill)
    started = time.monotonic()
    finish(data, model)
    passed = time.monotonic() - started
    require_whole(data, Accepted(stopped.photos + killed.photos, stopped.jobs + killed.jobs))
    return (
        f"Stopped after {seconds:.1f} s with {len(stopped.jobs)} jobs accepted, then killed with "
        f"{len(killed.jobs)} more: all ended {passed:.1f} s after the next start, nothing is lost "
        "and nothing else left."
    )


def alone(model: str, photos: Sequence[bytes], seconds: float) -> Rate:
    """How fast `colorize` colors photos in as many threads as the server has."""
    start_keras()
    from zoo.registry import load_model

    loaded = load_model(model)
    for photo in photos[:2]:
        loaded.colorize(photo)
    started, busy, turns = time.monotonic(), time.process_time(), itertools.cycle(photos)

    def work(_: int) -> int:
        count = 0
        while time.monotonic() - started < seconds:
            loaded.colorize(next(turns))
            count += 1
        return count

    with ThreadPoolExecutor(_WORKERS) as pool:
        done = sum(pool.map(work, range(_WORKERS)))
    return Rate(done / (time.monotonic() - started), (time.process_time() - busy) / done)


def files() -> list[bytes]:
    """Photos as JPEG files."""
    made = []
    for seed in range(_PHOTOS):
        file = io.BytesIO()
        Image.fromarray(made_photo(seed, *_SIZE)).save(file, "JPEG", quality=92)
        made.append(file.getvalue())
    return made


def _require_sound(seen: Seen, log: str) -> None:
    if seen.others or seen.lost or not seen.seconds:
        others = ", ".join(f"{number} x {what}" for what, number in seen.others.most_common(5))
        raise ZooError(f"{seen.lost} photos were lost; other answers: {others or 'none'}. {log}")
    if log:
        raise ZooError(f"The server has complained: {log}")


@contextmanager
def _bar(seconds: float) -> Iterator[Callable[[], None]]:
    """Show how much of the time has passed, and what to call after each photo."""
    from rich.console import Console
    from rich.progress import Progress

    started, done = time.monotonic(), itertools.count(1)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Under load", total=seconds)

        def advance() -> None:
            passed = min(seconds, time.monotonic() - started)
            bar.update(task, completed=passed, description=f"Under load, photo {next(done)}")

        yield advance


if __name__ == "__main__":
    sys.exit(main())
