"""Whose photos they are: what belongs to one person is unknown to all others."""

import io
import time

import pytest
from served import make_photo, refused

from zoo.serve.bodies import JobRequest
from zoo.serve.refusals import Refusal
from zoo.serve.settings import Limits


@pytest.fixture
def theirs(server):
    """A photo of somebody else, and a job that is done."""
    photo = server.service.add_photo("anna", io.BytesIO(make_photo()), "sea.png")
    hints = {"version": 1, "palette": ["#2a4a80"]}
    job = server.service.add_job(photo, JobRequest(model="gray", hints=hints))
    while server.service.job("anna", job.id).state != "done":
        time.sleep(0.01)
    return photo, job


def test_whoever_owns_a_photo_has_all_that_is_made_of_it(server, theirs):
    photo, job = theirs
    assert server.service.photos("anna") == [photo]
    assert server.service.photo("anna", photo.id) == photo
    assert server.service.body_of_job("anna", job.id).state == "done"
    assert server.service.result("anna", job.id)[1] == photo


def test_what_is_of_others_is_refused_as_what_is_not_there(server, theirs):
    photo, job = theirs
    service = server.service
    assert service.photos("local") == []
    for found in (service.photo, service.job, service.body_of_job, service.result):
        identifier = photo.id if found == service.photo else job.id
        with pytest.raises(Refusal) as foreign:
            found("local", identifier)
        with pytest.raises(Refusal) as unknown:
            found("local", "0" * 32)
        assert vars(foreign.value) == vars(unknown.value)
        assert foreign.value.status_code == 404


def test_a_photo_of_others_is_no_reference(server, theirs):
    photo, _ = theirs
    mine = server.upload()
    address = f"/api/v1/photos/{mine['id']}/jobs"
    foreign = server.client.post(address, json={"reference": photo.id})
    unknown = server.client.post(address, json={"reference": "0" * 32})
    assert refused(foreign, 404) == refused(unknown, 404)
    assert server.service.store.unfinished() == []


def test_each_has_room_for_as_many_photos(start):
    server = start(limits=Limits(photos=1))
    for person in ("anna", "ben"):
        server.service.add_photo(person, io.BytesIO(make_photo()), None)
        with pytest.raises(Refusal, match="delete some first"):
            server.service.add_photo(person, io.BytesIO(make_photo()), None)
