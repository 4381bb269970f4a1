"""Photos for a server, and how tests ask one."""

import io
import re
import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from PIL import Image

from zoo.serve.ids import new_id
from zoo.serve.service import Service
from zoo.serve.store import Photo


def make_photo(size=(40, 30), kind="PNG", seed=0, **options: Any) -> bytes:
    """A colorful photo's file."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    made = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(made, kind, **options)
    return made.getvalue()


def opened(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


#: What everybody's password is.
PASSWORD = "correct horse battery"
#: Hashes it in no time.
WEAK = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """The time now, which tests let pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return time.time() + self.passed


@dataclass
class Server:
    """A running server and how to ask it."""

    client: TestClient
    service: Service

    def visitor(self, **headers: str | bytes) -> "Server":
        """The same server, asked from another browser."""
        client = TestClient(
            self.client.app,
            base_url="http://localhost",
            headers={"X-Requested-With": "zoo", **headers},
        )
        return Server(client, self.service)

    def sign_up(self, name: str) -> "Server":
        """The same server, asked by somebody with an account of their own."""
        visitor = self.visitor()
        answer = visitor.client.post("/api/v1/account", json=sign_up_form(name))
        assert answer.status_code == 201, answer.text
        return visitor

    def upload(self, data: bytes | None = None, name: str = "photo.png") -> dict:
        files = {"photo": (name, make_photo() if data is None else data)}
        answer = self.client.post("/api/v1/photos", files=files)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def keep(self, person: str, data: bytes, name: str | None = None) -> Photo:
        """Keep a photo or film as if somebody had uploaded it."""
        received = self.service.store.scratch / new_id()
        received.write_bytes(data)
        return self.service.add(person, received, name)

    def ask(self, photo: dict, **body: Any) -> dict:
        answer = self.client.post(f"/api/v1/photos/{photo['id']}/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def wait(self, job: dict) -> dict:
        """The job when it has ended."""
        for _ in range(1000):
            now = self.client.get(f"/api/v1/jobs/{job['id']}").json()
            if now["state"] in ("done", "failed"):
                return now
            time.sleep(0.02)
        raise AssertionError(f"The job is still {now['state']}.")

    def colored(self, photo: dict, **body: Any) -> bytes:
        """The result of a job that is done."""
        job = self.wait(self.ask(photo, **body))
        assert job["state"] == "done", job
        answer = self.client.get(f"/api/v1/jobs/{job['id']}/result")
        assert answer.status_code == 200
        return answer.content


def sign_up_form(name: str, /, **changes: str) -> dict[str, str]:
    form = {"name": name, "email": f"{name.lower()}@example.org"}
    return {**form, "password": PASSWORD, "confirmation": PASSWORD, **changes}


def refused(answer: Any, status: int, *words: str) -> str:
    """The one sentence of a refusal, which forms tell by their fields, too."""
    assert answer.status_code == status, answer.text
    assert list(answer.json()) in (["error"], ["error", "fields"])
    sentence = answer.json()["error"]
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    for word in words:
        assert word in sentence
    return sentence


def read_answer(sending: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of an answer over HTTP, or what there is of it when the connection ends."""
    got = b""
    while True:
        head, _, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        if length is not None and len(body) >= int(length[1]):
            return head, body[: int(length[1])]
        try:
            more = sending.recv(2**16)
        except ConnectionResetError:
            more = b""
        if not more:
            return head, body
        got += more
