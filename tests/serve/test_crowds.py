"""More than there is room for: requests, bytes on their way, and a disk that is full."""

import asyncio
import io
import resource
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from served import refused

from zoo.serve import queues, running
from zoo.serve.coloring import color
from zoo.serve.disk import CANNOT_WRITE
from zoo.serve.http.throttle import Throttle
from zoo.serve.refusals import Refusal
from zoo.serve.settings import Limits


def noise(side: int, kind: str, **options) -> bytes:
    """A photo that nothing makes small."""
    values = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    made = io.BytesIO()
    Image.fromarray(values).save(made, kind, **options)
    return made.getvalue()


@contextmanager
def full_above(size: int) -> Iterator[None]:
    """The system refuses to let any file of this process grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and path.name != "lock"]


@pytest.mark.parametrize("address", ["photos", "colorize"])
def test_a_photo_that_the_disk_does_not_take_is_refused(server, settings, address):
    photo = noise(900, "PNG")
    with full_above(2**21):
        answer = server.client.post(f"/api/v1/{address}", files={"photo": photo})
    assert refused(answer, 507) == CANNOT_WRITE
    assert {name.partition(".")[0] for name in files(settings.data)} == {"zoo"}
    assert server.client.get("/api/v1/photos").json() == {"photos": []}
    assert server.colored(server.upload(), model="gray")


def test_a_result_that_the_disk_does_not_take_fails_alone(server, settings):
    """Of a photo with a byte for each pixel, which has three of them in color."""
    made = io.BytesIO()
    Image.new("P", (800, 600)).save(made, "BMP")
    photo = server.upload(made.getvalue())
    with full_above(2**20):
        job = server.wait(server.ask(photo, model="gray"))
        sent = {"files": {"photo": made.getvalue()}, "data": {"model": "gray"}}
        at_once = server.client.post("/api/v1/colorize", **sent)
    assert (job["state"], job["error"]) == ("failed", CANNOT_WRITE)
    assert refused(at_once, 507) == CANNOT_WRITE
    assert not files(settings.data / "results")
    assert not files(settings.data / "scratch")
    assert server.colored(photo, model="gray")


def test_a_database_that_cannot_grow_is_told_and_no_job_gets_stuck(server, monkeypatch):
    monkeypatch.setattr(queues, "_TRYING_AGAIN", 0.05)
    photo, colored, go = server.upload(), threading.Event(), threading.Event()

    def slowly(*arguments) -> None:
        color(*arguments)
        colored.set()
        assert go.wait(10)

    monkeypatch.setattr(queues, "color", slowly)
    job = server.ask(photo, model="gray")
    assert colored.wait(10)
    with full_above(1):
        go.set()
        refused(server.client.post(f"/api/v1/photos/{photo['id']}/jobs", json={}), 507, "no space")
        refused(server.client.delete(f"/api/v1/photos/{photo['id']}"), 507, "no space")
        assert server.client.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "running"
    assert server.wait(job)["state"] == "done"


def test_uploads_are_spooled_in_the_data_folder(server, settings, monkeypatch):
    """In a file without a name, so that nothing of it is left if the server is killed."""
    seen, color_once = [], server.service.color_once

    def looked(photo, *others):
        seen.append((Path(f"/proc/self/fd/{photo.fileno()}").readlink(), files(settings.data)))
        return color_once(photo, *others)

    monkeypatch.setattr(server.service, "color_once", looked)
    scratch = settings.data / "scratch"
    with running.temporary_files_in(scratch):
        answer = server.client.post("/api/v1/colorize", files={"photo": noise(700, "PNG")})
    assert answer.status_code == 200
    ((path, named),) = seen
    assert path.parent == scratch
    assert not [name for name in named if "sqlite" not in name]


def test_a_server_that_runs_spools_there(server, settings, monkeypatch):
    seen = []
    run = lambda *_, **__: seen.append(tempfile.gettempdir())  # noqa: E731
    monkeypatch.setattr(running._Server, "run", run)
    before = tempfile.gettempdir()
    running.run(server.service, running.socket.socket())
    assert seen == [str(settings.data / "scratch")]
    assert tempfile.gettempdir() == before


# ---------------------------------------------------------------------- the throttle


class Room:
    """An application that reads a body, and answers when it is let."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:
        try:
            while (await receive()).get("more_body"):
                pass
        except Refusal as refusal:
            await send(
                {"type": "http.response.start", "status": refusal.status_code, "headers": []}
            )
            await send({"type": "http.response.body"})
            return
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})


def ask_together(limits: Limits, bodies: list[bytes]) -> list[httpx.Response]:
    """The answers to requests of which the last one comes while the others wait."""

    async def asked() -> list[httpx.Response]:
        room = Room()
        transport = httpx.ASGITransport(Throttle(room, limits))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            first = [asyncio.create_task(client.post("/", content=body)) for body in bodies[:-1]]
            for _ in range(20):
                await asyncio.sleep(0)
            last = asyncio.create_task(client.post("/", content=bodies[-1]))
            for _ in range(20):
                await asyncio.sleep(0)
            room.go.set()
            answers = [await one for one in (*first, last)]
            return [*answers, await client.post("/", content=b"later")]

    return asyncio.run(asked())


def test_too_many_requests_are_told_to_come_again():
    answers = ask_together(Limits(requests=2), [b"", b"", b""])
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert refused(answers[2], 429, "2 requests already") == answers[2].json()["error"]
    assert answers[2].headers["retry-after"] == "5"


def test_too_many_bytes_on_their_way_are_too():
    answers = ask_together(Limits(arriving_bytes=99), [bytes(60), bytes(60)])
    assert [answer.status_code for answer in answers] == [200, 429, 200]


@pytest.mark.parametrize("limits", [Limits(piece_seconds=0.05), Limits(body_seconds=0.05)])
def test_nobody_is_waited_for_forever(limits):
    """Neither for the next piece, nor for the last of many."""

    async def answered() -> int:
        sent = []

        async def receive() -> dict:
            await asyncio.sleep(0.02 if limits.piece_seconds > 1 else 10)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def send(message) -> None:
            sent.append(message)

        await Throttle(Room(), limits)({"type": "http"}, receive, send)
        return sent[0]["status"]

    assert asyncio.run(answered()) == 408


def test_whoever_takes_no_answer_is_given_up():
    async def answered() -> None:
        room = Room()
        room.go.set()

        async def receive() -> dict:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_message) -> None:
            await asyncio.sleep(10)

        await asyncio.wait_for(
            Throttle(room, Limits(piece_seconds=0.05))({"type": "http"}, receive, send), 5
        )

    asyncio.run(answered())
