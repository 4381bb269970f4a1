"""A server with small models, which is asked without a network; and a browser."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from served import WEAK, Clock, Server

import zoo
from zoo.serve.accounts import passwords
from zoo.serve.app import create_app
from zoo.serve.service import Service
from zoo.serve.settings import Limits, Settings

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """A model that predicts distributions, in a folder of the name `tiny`."""
    return zoo.create_model("zhang:tiny", seed=3).save(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def settings(tiny, tmp_path) -> Settings:
    return Settings(tmp_path / "data", (str(tiny), "gray", "levin"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(settings, clock) -> Iterator[Callable[..., Server]]:
    """Starts servers on one folder; each one ends before the next starts."""
    with ExitStack() as running:

        def started(**changes) -> Server:
            running.close()
            return running.enter_context(served(replace(settings, **changes), clock))

        yield started


@contextmanager
def served(settings: Settings, clock: Callable[[], float] = time.time) -> Iterator[Server]:
    """A server while it runs."""
    service = Service(settings, clock)
    headers = {"X-Requested-With": "zoo"}
    with TestClient(create_app(service), base_url="http://localhost", headers=headers) as client:
        yield Server(client, service)


@pytest.fixture
def quick_hashes(monkeypatch) -> None:
    """Lets passwords be hashed in no time."""
    monkeypatch.setattr(passwords, "PasswordHasher", WEAK)


@pytest.fixture(scope="module")
def people(tiny, tmp_path_factory) -> Iterator[tuple[Server, Server, Server]]:
    """One server for a module, asked by two people and by somebody without an account."""
    folder, models = tmp_path_factory.mktemp("data"), (str(tiny), "gray")
    settings = Settings(folder, models, accounts=True, limits=Limits(tokens=1000))
    with pytest.MonkeyPatch.context() as patch, ExitStack() as running:
        patch.setattr(passwords, "PasswordHasher", WEAK)
        server = running.enter_context(served(settings))
        yield server.sign_up("Anna"), server.sign_up("Ben"), server


@pytest.fixture
def open_server(start, quick_hashes) -> Server:
    """A server with accounts, asked by somebody who has none."""
    return start(accounts=True)


@pytest.fixture
def server(start) -> Server:
    return start()


@pytest.fixture(scope="module")
def driver():
    """What drives a browser; both it and a browser have to be there."""
    if PROGRAM is None:
        pytest.skip("needs Chromium")
    return pytest.importorskip("playwright.sync_api", reason="needs Playwright")


@pytest.fixture(scope="module")
def chromium(driver):
    with driver.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        yield browser
        browser.close()
