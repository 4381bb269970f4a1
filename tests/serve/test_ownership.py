"""Whose photos they are: what belongs to one person is unknown to all others.

Every address of the interface is tried; one that is added needs an example below.
"""

import io
import json
import re
import zipfile
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from films import film_bytes, moving
from served import Server, make_photo, refused

from zoo.serve.api import routes
from zoo.serve.refusals import Refusal
from zoo.serve.settings import Limits

UNKNOWN = "0" * 32
HINTS = {"version": 1, "palette": ["#2a4a80"]}
#: What everybody may ask, account or not.
OPEN = {
    ("GET", "/api/v1/health"),
    ("GET", "/api/v1/account"),
    ("POST", "/api/v1/account"),
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
}
#: The body of each request with an id that has one.
BODIES = {
    "/api/v1/photos/{identifier}/jobs": {"model": "gray"},
    "/api/v1/photos/{identifier}/suggestions": {"model": "tiny", "x": 3, "y": 4},
}


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the interface describes it."""

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names_something(self) -> bool:
        """Whether it has the id of anything: in its path, or as a query."""
        return any(place == "path" or "job" in name for place, name in self.parameters)

    def call(self, server: Server, ids: dict[str, str]) -> Any:
        """Ask for the things with these ids, by the collection that they are of."""
        ids = ids | {"photos": ids["films"]} if self.path.endswith("/film") else ids
        path = re.sub(r"(\w+)/\{\w+\}", lambda part: f"{part[1]}/{ids[part[1]]}", self.path)
        query = {name: ids["jobs"] for place, name in self.parameters if "job" in name}
        return server.client.request(self.method, path, params=query, json=BODIES.get(self.path))


def operations() -> list[Operation]:
    app = FastAPI()
    app.include_router(routes(SimpleNamespace(accounts=object())))
    return [
        Operation(
            method.upper(),
            path,
            tuple((one["in"], one["name"]) for one in said.get("parameters", ())),
        )
        for path, methods in app.openapi()["paths"].items()
        for method, said in methods.items()
    ]


ALL = operations()
WITH_ID = [one for one in ALL if one.names_something]


def things_of(person: Server) -> dict[str, str]:
    """A photo, a film, a job that is done and a token, each by its collection."""
    photo = person.upload(name="sea.png")
    job = person.wait(person.ask(photo, model="gray", hints=HINTS))
    token = person.client.post("/api/v1/tokens", json={"name": "a program"}).json()
    there = person.client.get("/api/v1/photos").json()["photos"]
    films = [one for one in there if one["kind"] == "film"]  # few are kept
    film = films[0] if films else person.upload(film_bytes(moving(2)), "waves.mkv")
    ids = {"photos": photo, "films": film, "jobs": job, "tokens": token}
    return {name: thing["id"] for name, thing in ids.items()}


def told(person: Server, things: dict[str, str]) -> list[str]:
    """Whatever somebody is told of their things."""
    addresses = (
        "photos",
        "tokens",
        f"photos/{things['photos']}/image",
        f"jobs/{things['jobs']}",
        f"jobs/{things['jobs']}/result",
    )
    answers = [person.client.get(f"/api/v1/{one}") for one in addresses]
    assert [one.status_code for one in answers] == [200] * len(answers)
    return [one.content for one in answers]


def test_there_are_addresses_with_ids():
    assert len(WITH_ID) >= 11
    assert {"photos", "jobs", "tokens", "archive"} <= {
        part for one in WITH_ID for part in one.path.split("/")
    }


@pytest.mark.parametrize("operation", WITH_ID, ids=str)
def test_what_is_of_others_is_refused_as_what_is_not_there(people, operation):
    anna, ben, _ = people
    things = things_of(anna)
    before = told(anna, things)
    foreign = operation.call(ben, things)
    unknown = operation.call(ben, dict.fromkeys(things, UNKNOWN))
    refused(foreign, 404)
    assert foreign.content == unknown.content
    assert told(anna, things) == before
    assert operation.call(anna, things).status_code < 300  # so it is the person that was refused


@pytest.mark.parametrize("operation", ALL, ids=str)
def test_nobody_gets_anything_without_an_account(people, operation):
    anna, _, nobody = people
    things = things_of(anna)
    answer = operation.call(nobody, things)
    if (operation.method, operation.path) in OPEN:
        assert answer.status_code != 401 or operation.path == "/api/v1/session"
    else:
        refused(answer, 401, "Log in first")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert told(anna, things)
    for known in (*things.values(), "anna"):
        assert known not in answer.text.lower()


@pytest.mark.parametrize(
    "operation", [one for one in ALL if one.method == "GET" and not one.names_something], ids=str
)
def test_what_is_listed_is_one_s_own(people, operation):
    anna, ben, _ = people
    things = things_of(anna)
    answer = operation.call(ben, things)
    assert answer.status_code == 200
    for known in (*things.values(), "anna", "sea.png"):
        assert known not in answer.text.lower()


def test_a_photo_of_others_is_no_reference(people):
    anna, ben, _ = people
    theirs, mine = things_of(anna), ben.upload()
    address = f"/api/v1/photos/{mine['id']}/jobs"
    foreign = ben.client.post(address, json={"reference": theirs["photos"]})
    unknown = ben.client.post(address, json={"reference": UNKNOWN})
    assert refused(foreign, 404) == refused(unknown, 404)
    assert ben.service.store.unfinished() == []


def test_an_archive_holds_nothing_of_others(people):
    anna, ben, _ = people
    theirs, mine = things_of(anna), things_of(ben)
    query = {"jobs": f"{mine['jobs']},{theirs['jobs']}"}
    refused(ben.client.get("/api/v1/archive", params=query), 404)
    own = ben.client.get("/api/v1/archive", params={"jobs": mine["jobs"]}).content
    with zipfile.ZipFile(io.BytesIO(own)) as packed:
        assert packed.namelist() == ["sea.png", "sea-hints.json"]


def test_hints_of_others_are_not_found_by_a_photo_of_one_s_own(people):
    anna, ben, _ = people
    theirs, mine = things_of(anna), things_of(ben)
    address = f"/api/v1/photos/{mine['photos']}/hints"
    assert ben.client.get(address, params={"job": mine["jobs"]}).json() == HINTS
    foreign = ben.client.get(address, params={"job": theirs["jobs"]})
    assert foreign.content == ben.client.get(address, params={"job": UNKNOWN}).content


def test_each_has_room_for_as_many_photos(start, quick_hashes):
    server = start(accounts=True, limits=Limits(photos=1))
    for name in ("Anna", "Ben"):
        person = server.sign_up(name)
        person.upload()
        answer = person.client.post("/api/v1/photos", files={"photo": make_photo()})
        refused(answer, 507, "delete some first")


def test_photos_of_the_one_person_and_of_accounts_do_not_meet(start, quick_hashes):
    server = start()
    mine = server.upload()
    server = start(accounts=True)
    anna = server.sign_up("Anna")
    theirs = anna.upload()
    assert anna.client.get("/api/v1/photos").json()["photos"] == [theirs]
    refused(anna.client.get(f"/api/v1/photos/{mine['id']}/image"), 404)
    server = start()
    assert server.client.get("/api/v1/photos").json()["photos"] == [mine]
    refused(server.client.get(f"/api/v1/photos/{theirs['id']}/image"), 404)


def test_a_photo_that_comes_after_its_account_has_gone_is_not_kept(open_server, settings):
    with pytest.raises(Refusal, match="has been deleted"):
        open_server.keep("gone", make_photo())
    assert not list((settings.data / "photos").iterdir())


def test_without_accounts_nothing_is_said_of_them(server):
    paths = server.client.get("/api/v1/openapi.json").json()["paths"]
    assert [path for path in paths if "account" in path] == ["/api/v1/account"]
    assert not [path for path in paths if "session" in path or "token" in path]
    answer = server.client.get("/api/v1/account")
    assert answer.json() == {"accounts": False, "account": None}
    assert "set-cookie" not in answer.headers
    assert "vary" not in answer.headers
    refused(server.client.post("/api/v1/account", json={}), 405)
    refused(server.client.post("/api/v1/session", json={}), 404)
    assert json.loads(server.client.get("/api/v1/photos").text) == {"photos": []}
