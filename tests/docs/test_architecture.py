"""The lists of calls on the page about the architecture, followed in real runs."""

import re
import sys
import threading
import types
from collections.abc import Callable

from doc_pages import DOCS
from fastapi.testclient import TestClient
from PIL import Image
from served import Server
from tiny_runs import CONDITIONS, make_photos, run_here

from benchmarks import run_all
from benchmarks.harness import runs
from zoo import Budget, create_model, sample_photos
from zoo.serve.app import create_app
from zoo.serve.service import Service
from zoo.serve.settings import Settings

PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")


def listed(heading: str) -> list[str]:
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\d+\. `([\w.]+)`", section, flags=re.MULTILINE)


def called(action: Callable[[], object]) -> list[str]:
    """Functions of the project in the order of their first calls."""
    found: dict[str, None] = {}

    def note(frame: types.FrameType, event: str, argument: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.split(".")[0] in ("zoo", "benchmarks"):
            found.setdefault(f"{module}.{frame.f_code.co_qualname}")

    sys.setprofile(note)
    threading.setprofile(note)  # of threads that the action starts
    try:
        action()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return list(found)


def assert_followed(heading: str, action: Callable[[], object]) -> None:
    names, found = listed(heading), called(action)
    assert len(names) > 5
    missing = [name for name in names if name not in found]
    assert not missing, f"never called: {missing}"
    places = [found.index(name) for name in names]
    assert places == sorted(places), [found[place] for place in sorted(places)]


def test_a_photo_through_colorize(tmp_path):
    model = create_model("zhang:tiny")
    photo = tmp_path / "photo.png"
    Image.new("RGB", (40, 30), "gray").save(photo)
    assert_followed("A photo through `colorize`", lambda: model.colorize(photo))


def test_a_photo_set_through_fit(tmp_path):
    model = create_model("zhang:tiny")
    train, val = sample_photos("train"), sample_photos("val")
    settings = {"budget": Budget(photos_seen=32), "precision": "float32", "run_dir": tmp_path}
    assert_followed("A photo set through `fit`", lambda: model.fit(train, val, **settings))


def test_a_cell_through_the_benchmark(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "run_local", run_here)
    arguments = [*CONDITIONS, "--models", "mse_regression:tiny", "--out", str(tmp_path / "out")]
    for option, seed in (("--photos", 1), ("--test-photos", 2)):
        make_photos(tmp_path / option, [f"{number}.png" for number in range(4)], seed)
        arguments += [option, str(tmp_path / option)]
    assert_followed("A cell through the benchmark", lambda: run_all.main(arguments))


def test_a_photo_through_the_server(tmp_path):
    headers = {"X-Requested-With": "zoo"}

    def ask() -> None:
        service = Service(Settings(tmp_path, ("gray",)))
        app = create_app(service)
        with TestClient(app, base_url="http://localhost", headers=headers) as client:
            server = Server(client, service)
            job = server.wait(server.ask(server.upload(), model="gray"))
            assert client.get(f"/api/v1/jobs/{job['id']}/result").status_code == 200

    assert_followed("A photo through the server", ask)
