"""The benchmark of a server under load, for a second; the server is in this process."""

import json
import threading
from collections import Counter

import pytest
import uvicorn

from benchmarks.serving.clients import Seen
from benchmarks.speed import serve
from zoo.errors import ZooError
from zoo.serve.app import create_app
from zoo.serve.http.addresses import address_of, bind
from zoo.serve.service import Service
from zoo.serve.settings import Limits, Settings


class ServerHere:
    """What `ServerProcess` is, in a thread."""

    limits = Limits(waiting=1)

    def __init__(self, data, model, workers) -> None:
        self._listening = bind("127.0.0.1", 0)
        self.address = address_of(self._listening)
        service = Service(Settings(data, (model,), workers=workers, limits=self.limits))
        self._server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None))
        self._running = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listening]}
        )

    def __enter__(self):
        self._running.start()
        return self

    def __exit__(self, *error) -> None:
        self._server.should_exit = True
        self._running.join(20)
        self._listening.close()

    def memory(self) -> float:
        return 100.0

    def processor_time(self) -> float:
        return 1.0

    def log(self) -> str:
        return ""


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(serve, "ServerProcess", ServerHere)
    monkeypatch.setattr(serve, "_SIZE", (30, 40))
    monkeypatch.setattr(serve, "ends", lambda *_: "Nothing is lost.")


def test_every_row_names_what_it_is_compared_with(here, tmp_path, capsys):
    """Of clients that are too many for the queue, some of which are told to come again."""
    figures = tmp_path / "serve.json"
    given = ["--clients", "6", "--seconds", "0.5", "--model", "gray", "--json", str(figures)]
    assert serve.main(given) == 0
    said = capsys.readouterr()
    rows = json.loads(figures.read_text())["rows"]
    assert [(row["unit"], row["ours"]["name"], row["alternative"]["name"]) for row in rows] == [
        ("photos/s", "served", "colorize in 2 threads"),
        ("s", "served", "colorize in 2 threads"),
        ("s", "median", "a turn of all clients by colorize alone"),
        ("s", "95th percentile", "a turn of all clients by colorize alone"),
        ("s", "95th percentile", "median"),
        ("MB", "after the load", "before"),
    ]
    assert rows[0]["ours"]["median"] > 0
    assert rows[3]["ours"]["median"] >= rows[2]["ours"]["median"] > 0
    count, refused = said.out.splitlines()[0].split(" photos in color; ")
    assert int(count) >= 6
    assert refused.endswith("times 429.")
    assert refused != "0 times 429."
    assert "Nothing is lost." in said.out
    assert "Under load" in said.err


def test_an_answer_that_is_neither_success_nor_429_ends_the_benchmark(here, monkeypatch, capsys):
    monkeypatch.setattr(ServerHere, "limits", Limits(pixels=100))
    assert serve.main(["--clients", "1", "--seconds", "0.1", "--model", "gray"]) == 2
    assert "photos were lost; other answers: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seen", "log"),
    [
        (Seen([1.0], lost=1), ""),
        (Seen([1.0], others=Counter(["500: Broken."])), ""),
        (Seen([1.0]), "Traceback"),
        (Seen(), ""),
    ],
)
def test_what_is_not_sound_is_told(seen, log):
    with pytest.raises(ZooError, match=r"lost|complained"):
        serve._require_sound(seen, log)
    serve._require_sound(Seen([1.0], refused=3), "")
