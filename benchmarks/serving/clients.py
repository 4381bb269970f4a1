"""Clients of a server: they color photos as programs and as the page do, and note what they get.

A client that is told to come again (429) waits for as long as the answer says, and tries again.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

HEADERS = {"X-Requested-With": "zoo"}
#: Longer than any answer under load takes, in seconds.
_PATIENCE = 300.0
#: How often somebody asks whether the server is there, in seconds.
_ASKING = 0.25


@dataclass
class Seen:
    """What clients have got.

    Attributes:
        seconds: of each photo from the first try to its colors.
        answering: of each answer to `health`.
        refused: how often a client was told to come again.
        others: how often an answer was neither success nor that, by what it was.
        lost: photos that came to nothing.
    """

    seconds: list[float] = field(default_factory=list)
    answering: list[float] = field(default_factory=list)
    refused: int = 0
    others: Counter[str] = field(default_factory=Counter)
    lost: int = 0


async def load(
    address: str,
    photos: Sequence[bytes],
    clients: int,
    seconds: float,
    told: Callable[[], None] = lambda: None,
) -> Seen:
    """Let clients color photos, one after the other each; those begun in time are finished.

    Every second client colors in one request, the others upload, follow the job and fetch its
    result.

    Args:
        address: of the server.
        photos: files, taken in turn.
        clients: how many there are.
        seconds: for how long they begin.
        told: is called after each photo.
    """
    seen, busy, end = Seen(), asyncio.Event(), time.monotonic() + seconds

    async def one(number: int) -> None:
        color = _at_once if number % 2 == 0 else _by_job
        async with client_of(address) as client:
            for turn in itertools.count(number):
                started = time.perf_counter()
                if await color(client, photos[turn % len(photos)], seen):
                    seen.seconds.append(time.perf_counter() - started)
                else:
                    seen.lost += 1
                told()
                if time.monotonic() >= end:
                    return

    asking = asyncio.create_task(_ask(address, seen, busy))
    await asyncio.gather(*(one(number) for number in range(clients)))
    busy.set()
    await asking
    return seen


def client_of(address: str) -> httpx.AsyncClient:
    """A client with a connection of its own, without TLS, whose certificates take time to read."""
    return httpx.AsyncClient(
        base_url=f"{address}/api/v1",
        headers=HEADERS,
        timeout=_PATIENCE,
        verify=False,
        # Sooner than the server ends a connection that is idle.
        limits=httpx.Limits(keepalive_expiry=2),
    )


async def upload(client: httpx.AsyncClient, photo: bytes, seen: Seen) -> str | None:
    """Upload a photo; its id."""
    answer = await _answered(client, seen, "POST", "/photos", files={"photo": photo})
    return None if answer is None else answer.json()["id"]


async def ask_for(client: httpx.AsyncClient, photo: str, seen: Seen) -> str | None:
    """Ask for the colors of an uploaded photo; the id of the job."""
    answer = await _answered(client, seen, "POST", f"/photos/{photo}/jobs", json={})
    return None if answer is None else answer.json()["id"]


async def follow(client: httpx.AsyncClient, job: str) -> str:
    """The state in which a job has ended, by its stream of events."""
    state = "unknown"
    async with client.stream("GET", f"/jobs/{job}/events") as events:
        async for line in events.aiter_lines():
            if line.startswith("data: "):
                state = json.loads(line.removeprefix("data: "))["state"]
    return state


async def _at_once(client: httpx.AsyncClient, photo: bytes, seen: Seen) -> bool:
    return await _answered(client, seen, "POST", "/colorize", files={"photo": photo}) is not None


async def _by_job(client: httpx.AsyncClient, photo: bytes, seen: Seen) -> bool:
    kept = await upload(client, photo, seen)
    if kept is None:
        return False
    job = await ask_for(client, kept, seen)
    if job is None or await follow(client, job) != "done":
        return False
    result = await _answered(client, seen, "GET", f"/jobs/{job}/result")
    gone = await _answered(client, seen, "DELETE", f"/photos/{kept}")
    return result is not None and gone is not None


async def _answered(
    client: httpx.AsyncClient, seen: Seen, method: str, path: str, **sent: object
) -> httpx.Response | None:
    """The answer of success, after as many tries as it takes; None for any other."""
    while True:
        try:
            answer = await client.request(method, path, **sent)  # type: ignore[arg-type]
        except httpx.HTTPError as error:
            seen.others[repr(error)] += 1
            return None
        if answer.is_success:
            return answer
        if answer.status_code != 429:
            seen.others[f"{answer.status_code}: {answer.text}"] += 1
            return None
        seen.refused += 1
        await asyncio.sleep(int(answer.headers["retry-after"]))


async def _ask(address: str, seen: Seen, end: asyncio.Event) -> None:
    """Ask again and again whether the server is there."""
    async with client_of(address) as client:
        while not end.is_set():
            started = time.perf_counter()
            if await _answered(client, seen, "GET", "/health") is not None:
                seen.answering.append(time.perf_counter() - started)
            await asyncio.sleep(_ASKING)
