"""A server that ends while photos are uploaded and wait, and what must be there afterwards."""

import asyncio
import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from PIL import Image

from benchmarks.serving.clients import Seen, ask_for, client_of, upload
from zoo.errors import ZooError
from zoo.serve.service import Service
from zoo.serve.settings import Settings

_CLIENTS = 16
#: How long a server may take to color what was left, in seconds.
_PATIENCE = 300.0


@dataclass
class Accepted:
    """The ids of the photos and jobs that a server has accepted."""

    photos: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)


def end_under_load(
    address: str, photos: Sequence[bytes], jobs: int, end: Callable[[], object]
) -> Accepted:
    """Let clients upload photos and ask for jobs without waiting for any, and end the server.

    Args:
        address: of the server.
        photos: files, taken in turn.
        jobs: how many have to be accepted before the end.
        end: ends the server, while clients go on.
    """
    accepted, enough = Accepted(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        crowd = pool.submit(asyncio.run, _crowd(address, photos, accepted, jobs, enough))
        enough.wait(_PATIENCE)
        end()
        crowd.result()
    return accepted


async def _crowd(
    address: str,
    photos: Sequence[bytes],
    accepted: Accepted,
    jobs: int,
    enough: threading.Event,
) -> None:
    """Go on until the server does not answer any more."""

    async def one(number: int) -> None:
        seen = Seen()
        async with client_of(address) as client:
            for turn in itertools.count(number):
                photo = await upload(client, photos[turn % len(photos)], seen)
                if photo is None:
                    return
                accepted.photos.append(photo)
                job = await ask_for(client, photo, seen)
                if job is None:
                    return
                accepted.jobs.append(job)
                if len(accepted.jobs) >= jobs:
                    enough.set()

    with suppress(httpx.HTTPError):
        await asyncio.gather(*(one(number) for number in range(_CLIENTS)))
    enough.set()


def finish(data: Path, model: str) -> None:
    """Start a server on a folder again, here, and wait until no job is left."""
    service = Service(Settings(data, (model,)))
    service.start()
    end = time.monotonic() + _PATIENCE
    try:
        while service.store.unfinished():
            if time.monotonic() > end:
                raise ZooError(f"Jobs are left after {_PATIENCE:.0f} s.")
            time.sleep(0.05)
    finally:
        service.stop()


def require_whole(data: Path, accepted: Accepted) -> None:
    """Check a folder that no server uses, without the code of the server.

    Raises:
        ZooError: if a photo or a job that was accepted is missing or has not ended, a result is no
            whole photo of its photo's size, there is any other file, or the database is damaged.
    """
    with closing(sqlite3.connect(data / "zoo.sqlite")) as database:
        checks = [database.execute(f"PRAGMA {name}").fetchall() for name in _CHECKS]
        photos = {row[0]: row[1:] for row in database.execute(_PHOTOS)}
        jobs = {row[0]: row[1:] for row in database.execute(_JOBS)}
    _require(checks == [[("ok",)], []], f"The database is damaged: {checks}.")
    _require(photos.keys() >= set(accepted.photos), "A photo that was accepted is missing.")
    _require(jobs.keys() >= set(accepted.jobs), "A job that was accepted is missing.")
    left = {state for _, state in jobs.values()} - {"done", "failed"}
    _require(not left, f"There are jobs that are {left}.")
    _require_files(data / "photos", dict(photos))
    done = {job: photos[photo] for job, (photo, state) in jobs.items() if state == "done"}
    _require_files(data / "results", done)
    _require(not list((data / "scratch").iterdir()), "A file of a request is left.")


_CHECKS = ("integrity_check", "foreign_key_check")
_PHOTOS = "SELECT id, width, height FROM photos"
_JOBS = "SELECT id, photo, state FROM jobs"


def _require_files(folder: Path, sizes: dict[str, tuple[int, int]]) -> None:
    """Check that a folder holds one whole photo of its size for each id, and nothing else."""
    files = sorted(folder.iterdir())
    _require([file.stem for file in files] == sorted(sizes), f"{folder} has other files.")
    for file in files:
        with Image.open(file) as image:
            image.load()
            _require(image.size == sizes[file.stem], f"{file} has another size.")


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise ZooError(sentence)
