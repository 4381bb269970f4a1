"""A server with small models, which is asked without a network."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from served import Server

import zoo
from zoo.serve.app import create_app
from zoo.serve.service import Service
from zoo.serve.settings import Settings


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """A model that predicts distributions, in a folder of the name `tiny`."""
    return zoo.create_model("zhang:tiny", seed=3).save(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def settings(tiny, tmp_path) -> Settings:
    return Settings(tmp_path / "data", (str(tiny), "gray", "levin"))


@pytest.fixture
def start(settings) -> Iterator[Callable[..., Server]]:
    """Starts servers on one folder; each one ends before the next starts."""
    with ExitStack() as running:

        def started(**changes) -> Server:
            running.close()
            service = Service(replace(settings, **changes))
            client = TestClient(
                create_app(service),
                base_url="http://localhost",
                headers={"X-Requested-With": "zoo"},
            )
            return Server(running.enter_context(client), service)

        yield started


@pytest.fixture
def server(start) -> Server:
    return start()
