"""Photos for a server, and how tests ask one."""

import io
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

from zoo.serve.service import Service


def make_photo(size=(40, 30), kind="PNG", seed=0, **options: Any) -> bytes:
    """A colorful photo's file."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    made = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(made, kind, **options)
    return made.getvalue()


def opened(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


@dataclass
class Server:
    """A running server and how to ask it."""

    client: TestClient
    service: Service

    def upload(self, data: bytes | None = None, name: str = "photo.png") -> dict:
        files = {"photo": (name, make_photo() if data is None else data)}
        answer = self.client.post("/api/v1/photos", files=files)
        assert answer.status_code == 201, answer.text
        return answer.json()

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


def refused(answer: Any, status: int, *words: str) -> str:
    """The one sentence of a refusal."""
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    sentence = answer.json()["error"]
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    for word in words:
        assert word in sentence
    return sentence
