"""Jobs from the queue to their end, across restarts, and what is deleted with them."""

import json
import threading
import time
from dataclasses import replace

import pytest
from served import make_photo, refused

from zoo.inference import folders
from zoo.serve import queues, service
from zoo.serve.coloring import color
from zoo.serve.ids import OWNER
from zoo.serve.settings import Limits
from zoo.serve.store import Photo, Store, StoredJob


class Held:
    """Coloring that waits for the test; counts how many photos are being colored."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Semaphore(0)
        self.running, self.most, self._lock = 0, 0, threading.Lock()

    def __call__(self, *arguments) -> None:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.begun.release()
        assert self.go.wait(20)
        color(*arguments)
        with self._lock:
            self.running -= 1


@pytest.fixture
def held(monkeypatch):
    coloring = Held()
    monkeypatch.setattr(queues, "color", coloring)
    yield coloring
    coloring.go.set()


def events_of(text: str) -> list[dict]:
    parts = [part for part in text.split("\n\n") if part]
    assert all(part.startswith("event: job\ndata: ") for part in parts)
    return [json.loads(part.split("data: ", 1)[1]) for part in parts]


def test_two_are_colored_at_once_and_the_others_know_their_place(server, held):
    photo = server.upload()
    jobs = [server.ask(photo, model="gray") for _ in range(4)]
    for _ in range(2):
        assert held.begun.acquire(timeout=10)
    stand = [server.client.get(f"/api/v1/jobs/{job['id']}").json() for job in jobs]
    assert [job["state"] for job in stand] == ["running", "running", "queued", "queued"]
    assert [job["position"] for job in stand] == [None, None, 1, 2]
    held.go.set()
    assert [server.wait(job)["state"] for job in jobs] == ["done"] * 4
    assert held.most == 2


def test_a_full_queue_says_when_to_come_again(start, held):
    server = start(limits=Limits(waiting=1))
    photo = server.upload()
    for _ in range(2):
        server.ask(photo, model="gray")
        assert held.begun.acquire(timeout=10)
    waiting = server.ask(photo, model="gray")
    address = f"/api/v1/photos/{photo['id']}/jobs"
    answers = [
        server.client.post(address, json={"model": "gray"}),
        server.client.post("/api/v1/colorize", files={"photo": make_photo()}),
    ]
    for answer in answers:
        refused(answer, 429, "try again in")
        assert int(answer.headers["retry-after"]) >= 1
    assert len(server.service.store.unfinished()) == 3
    assert not list(server.service.store.scratch.iterdir())
    held.go.set()
    assert server.wait(waiting)["state"] == "done"


def test_events_tell_each_change_until_the_end(start, held):
    server = start(workers=1)
    photo = server.upload()
    first, second = (server.ask(photo, model="gray") for _ in range(2))
    assert held.begun.acquire(timeout=10)
    threading.Timer(0.3, held.go.set).start()
    answer = server.client.get(f"/api/v1/jobs/{second['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events_of(answer.text)
    assert (told[0]["state"], told[0]["position"]) == ("queued", 1)
    states = [job["state"] for job in told]
    assert list(dict.fromkeys(states)) == ["queued", "running", "done"]
    assert told[-1] == server.client.get(f"/api/v1/jobs/{second['id']}").json()
    ended = events_of(server.client.get(f"/api/v1/jobs/{first['id']}/events").text)
    assert [job["state"] for job in ended] == ["done"]


def test_events_of_a_job_that_is_deleted_end(start, held):
    server = start(workers=1)
    photo = server.upload()
    server.ask(photo, model="gray")
    job = server.ask(photo, model="gray")
    asked = server.service.job(OWNER, job["id"])
    delete = threading.Timer(0.3, server.service.delete_job, (asked,))
    delete.start()
    told = events_of(server.client.get(f"/api/v1/jobs/{job['id']}/events").text)
    assert [one["state"] for one in told] == ["queued"]


def test_a_job_that_fails_says_so_and_ends_no_other(server, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret")

    photo = server.upload()
    with monkeypatch.context() as patch:
        patch.setattr(queues, "color", broken)
        job = server.wait(server.ask(photo, model="gray"))
    assert job["state"] == "failed"
    assert job["error"] == "Something went wrong in the server; its log says what."
    assert server.wait(server.ask(photo, model="gray"))["state"] == "done"


def interrupted(settings, attempts: int) -> StoredJob:
    """A folder as a server leaves it that is killed while it colors."""
    store = Store(settings.data)
    photo = Photo("sea.png", "PNG", 40, 30)
    store.file_of(photo).write_bytes(make_photo())
    store.add_photo(photo)
    job = StoredJob(photo.id, "gray", {})
    store.add_job(job)
    for _ in range(attempts):
        store.start_job(job.id)
    store.result_of(job, photo).write_bytes(b"half")
    store.close()
    return job


@pytest.mark.parametrize("attempts", [0, 1])
def test_what_was_queued_or_running_is_run_again(settings, start, attempts):
    job = interrupted(settings, attempts)
    server = start()
    assert server.wait({"id": job.id})["state"] == "done"
    result = server.client.get(f"/api/v1/jobs/{job.id}/result").content
    assert result == server.colored({"id": job.photo}, model="gray")
    assert server.service.job(OWNER, job.id).attempts == attempts + 1


def test_what_was_running_twice_when_the_server_ended_is_given_up(settings, start):
    job = interrupted(settings, attempts=2)
    server = start()
    ended = server.wait({"id": job.id})
    assert ended["state"] == "failed"
    assert ended["error"].startswith("The server ended twice while it colored this")
    assert not list((settings.data / "results").iterdir())


def test_what_waits_when_the_server_stops_is_colored_after_the_next_start(start, held):
    server = start(workers=1)
    photo = server.upload()
    jobs = [server.ask(photo, model="gray") for _ in range(2)]
    assert held.begun.acquire(timeout=10)
    threading.Timer(0.2, held.go.set).start()
    server = start()
    assert [server.wait(job)["state"] for job in jobs] == ["done", "done"]
    assert server.client.get("/api/v1/photos").json()["photos"] == [photo]


def test_a_model_that_is_no_longer_offered_is_told(settings, start):
    job = interrupted(settings, 0)
    server = start(models=("levin",))
    assert "There is no model 'gray'" in server.wait({"id": job.id})["error"]


def test_deleting_a_photo_deletes_all_that_is_of_it(server, settings):
    photo, other = server.upload(), server.upload(make_photo(seed=1))
    job = server.wait(server.ask(photo, model="gray"))
    server.wait(server.ask(other, model="gray"))
    assert len(list((settings.data / "results").iterdir())) == 2
    answer = server.client.delete(f"/api/v1/photos/{photo['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(server.client.get(f"/api/v1/jobs/{job['id']}"), 404)
    refused(server.client.get(f"/api/v1/photos/{photo['id']}/image"), 404)
    for part in ("photos", "results"):
        assert len(list((settings.data / part).iterdir())) == 1
    assert server.client.get("/api/v1/photos").json() == {"photos": [other]}


def test_deleting_while_it_is_colored_leaves_nothing(start, held, settings):
    server = start(workers=1)
    photo = server.upload()
    job = server.ask(photo, model="gray")
    assert held.begun.acquire(timeout=10)
    assert server.client.delete(f"/api/v1/jobs/{job['id']}").status_code == 204
    last = server.ask(photo, model="gray")
    held.go.set()
    server.wait(last)
    assert [path.stem for path in (settings.data / "results").iterdir()] == [last["id"]]


def test_deleting_a_photo_takes_its_jobs_out_of_the_queue(start, held, settings):
    server = start(workers=1)
    photo, other = server.upload(), server.upload()
    server.ask(photo, model="gray")
    assert held.begun.acquire(timeout=10)
    server.ask(photo, model="gray")
    last = server.ask(other, model="gray")
    assert last["position"] == 2
    assert server.client.delete(f"/api/v1/photos/{photo['id']}").status_code == 204
    assert server.client.get(f"/api/v1/jobs/{last['id']}").json()["position"] == 1
    held.go.set()
    server.wait(last)
    assert [path.stem for path in (settings.data / "photos").iterdir()] == [other["id"]]
    assert [path.stem for path in (settings.data / "results").iterdir()] == [last["id"]]


def test_deleting_a_job_deletes_its_result_alone(server, settings):
    photo = server.upload()
    job = server.wait(server.ask(photo, model="gray"))
    assert server.client.delete(f"/api/v1/jobs/{job['id']}").status_code == 204
    assert not list((settings.data / "results").iterdir())
    assert server.client.get("/api/v1/photos").json() == {"photos": [photo]}


def test_a_reference_that_is_deleted_meanwhile_is_told(start, held):
    server = start(workers=1)
    photo, reference = server.upload(), server.upload(make_photo(seed=1))
    server.ask(photo, model="gray")
    assert held.begun.acquire(timeout=10)
    job = server.ask(photo, model="gray", reference=reference["id"])
    server.client.delete(f"/api/v1/photos/{reference['id']}")
    held.go.set()
    assert server.wait(job)["error"] == "The reference has been deleted; give another one."


def test_photos_are_deleted_after_some_days(server, settings, monkeypatch):
    photo = server.upload()
    server.wait(server.ask(photo, model="gray"))
    week = 7 * 24 * 60 * 60
    now = time.time()
    monkeypatch.setattr(service.time, "time", lambda: now + week - 60)
    server.service.forget_old()
    assert server.client.get("/api/v1/photos").json()["photos"] == [photo]
    monkeypatch.setattr(service.time, "time", lambda: now + week + 60)
    server.service.forget_old()
    assert server.client.get("/api/v1/photos").json()["photos"] == []
    for part in ("photos", "results"):
        assert not list((settings.data / part).iterdir())


def test_old_photos_are_deleted_at_the_start(settings, start):
    server = start()
    old = server.upload()
    stored = replace(server.service.photo(OWNER, old["id"]), id="0" * 32, created=1.0)
    server.service.store.add_photo(stored)
    server = start()
    assert server.client.get("/api/v1/photos").json()["photos"] == [old]
    expires = server.service.body_of(stored).expires
    assert expires == "1970-01-08T00:00:01Z"


def test_old_previews_give_way(start, settings):
    server = start(limits=Limits(previews=2))
    photo = server.upload()
    whole = server.wait(server.ask(photo, model="gray"))
    previews = [server.wait(server.ask(photo, model="gray", side=16)) for _ in range(4)]
    kept = {path.stem for path in (settings.data / "results").iterdir()}
    assert kept == {whole["id"], previews[-2]["id"], previews[-1]["id"]}
    refused(server.client.get(f"/api/v1/jobs/{previews[0]['id']}"), 404)


def test_previews_by_several_models_share_one_decoding(server, monkeypatch):
    decoded, read = [], folders.read_photo
    monkeypatch.setattr(folders, "read_photo", lambda data: decoded.append(data) or read(data))
    photo = server.upload()
    for _ in range(2):
        for model in ("gray", "levin"):
            assert server.wait(server.ask(photo, model=model, side=16))["state"] == "done"
    assert len(decoded) == 1


def test_nothing_is_written_outside_of_the_folder(server, settings, tmp_path):
    before = set(tmp_path.rglob("*")) - set(settings.data.rglob("*"))
    photo = server.upload(name="../../../x.png")
    server.colored(photo, model="gray")
    server.client.post("/api/v1/colorize", files={"photo": ("../y.png", make_photo())})
    assert set(tmp_path.rglob("*")) - set(settings.data.rglob("*")) == before
