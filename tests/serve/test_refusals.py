"""What is not taken: each time a status and one sentence, and nothing is left behind."""

import io
import json
import struct
import zlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from served import make_photo, refused

import zoo
from zoo.serve.http.addresses import is_local
from zoo.serve.http.guard import Guard, is_own
from zoo.serve.ids import OWNER
from zoo.serve.intake import check_photo, safe_name
from zoo.serve.refusals import Refusal
from zoo.serve.settings import Limits, Settings

#: What browsers say of a file does not count.
ADDRESSES = ("/api/v1/photos", "/api/v1/colorize")


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header says this size, with next to nothing behind it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + data


def text_of_other_kind(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (20, 20)).save(made, kind)
    return made.getvalue()


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and "sqlite" not in path.name}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 415, "is empty"),
        (b"#!/bin/sh\nrm -rf /\n", 415, "no photo of a kind that is taken"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "no photo of a kind that is taken"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "no photo of a kind"),
        (text_of_other_kind("ICO"), 415, "no photo of a kind"),
        (make_photo((300, 200))[:2000], 415, "damaged or incomplete"),
        (make_photo((300, 200), "JPEG")[:2000], 415, "damaged or incomplete"),
        (png_of_size(9000, 9000), 413, "9000 x 9000 px"),
        (png_of_size(2**31 - 1, 2**31 - 1), 413, "px"),
        (png_of_size(100, 100), 415, "damaged or incomplete"),
        (png_of_size(0, 100), 415, "no photo of a kind"),
    ],
    ids=[
        "empty",
        "script",
        "svg",
        "drawing",
        "icon",
        "png",
        "jpeg",
        "large",
        "bomb",
        "hollow",
        "none",
    ],
)
def test_what_is_no_photo_is_refused(server, settings, address, data, status, words):
    before = everything(settings.data)
    answer = server.client.post(address, files={"photo": ("cat.png", data, "image/png")})
    refused(answer, status, words)
    assert everything(settings.data) == before
    assert server.client.get("/api/v1/photos").json() == {"photos": []}


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch):
    def decode(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr("zoo.serve.intake.read_preview", decode)
    with pytest.raises(Refusal, match="make it smaller"):
        check_photo(make_photo((40, 30)), Limits(pixels=1199))
    with pytest.raises(AssertionError, match="decoded"):
        check_photo(make_photo((40, 30)), Limits(pixels=1200))


def test_too_many_bytes_are_refused(start):
    server = start(limits=Limits(upload_bytes=2**20))
    much = {"photo": ("cat.png", make_photo() + bytes(2**20))}
    refused(server.client.post("/api/v1/photos", files=much), 413, "more than 1 MiB")
    body = b"{" + b" " * 2**20
    address = f"/api/v1/photos/{server.upload()['id']}/jobs"
    refused(server.client.post(address, content=body), 413, "more than 1 MiB")


@pytest.mark.parametrize("address", ["photos", "photos/x/jobs"])
def test_bytes_are_counted_while_they_come_whatever_was_announced(start, address):
    """A body without a length is refused as soon as it is too long, not at its end."""
    server, sent = start(limits=Limits(film_bytes=2**18, json_bytes=2**18)), []

    def body():
        yield b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
        for number in range(200):
            sent.append(number)
            yield bytes(2**16)

    kind = "multipart/form-data; boundary=x" if address == "photos" else "application/json"
    headers = {"Content-Type": kind}
    answer = server.client.post(f"/api/v1/{address}", content=body(), headers=headers)
    refused(answer, 413, "MiB")


def test_names_that_are_sent_never_become_paths(server, settings, tmp_path):
    before = set(tmp_path.iterdir())
    for sent in ("../../x.png", "..\\..\\x.png", "/etc/x.png", "a\n\0x.png", "..", ""):
        data = make_photo()
        body = (
            b'--x\r\nContent-Disposition: form-data; name="photo"; filename="'
            + sent.replace("\n", "").replace("\0", "").encode()
            + b'"\r\n\r\n'
            + data
            + b"\r\n--x--\r\n"
        )
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = server.client.post("/api/v1/photos", content=body, headers=headers)
        if sent:
            name = answer.json()["name"]
            assert name in ("x.png", "ax.png", "photo")
            photo = server.service.photo(OWNER, answer.json()["id"])
            kept = server.service.store.file_of(photo)
            assert kept.parent == settings.data / "photos"
            assert kept.stem == answer.json()["id"]
    assert set(tmp_path.iterdir()) == before
    assert {path.name for path in settings.data.iterdir()} >= {"photos", "results", "scratch"}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../x", "x"),
        ("C:\\photos\\sea.jpg", "sea.jpg"),
        ("a\r\nSet-Cookie: b.png", "aSet-Cookie: b.png"),
        ("..", "photo"),
        (None, "photo"),
        ("a" * 500 + ".png", "a" * 116 + ".png"),
    ],
)
def test_names_are_for_people(sent, shown):
    assert safe_name(sent) == shown


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"model": "nobody"}, "There is no model 'nobody'"),
        ({"options": '{"heat": 1}'}, "There is no option of tiny 'heat'"),
        ({"options": '{"temperature": "warm"}'}, "temperature"),
        ({"options": '{"render_factor": 1e99}'}, "render_factor"),
        ({"options": '{"render_factor": NaN}'}, "render_factor"),
        ({"options": "[1]"}, "must be a JSON object"),
        ({"options": "{"}, "no valid JSON"),
        ({"hints": "[" * 100_000}, "no valid JSON"),
        ({"hints": '{"version": 2}'}, "version must be 1"),
        (
            {"hints": '{"version": 1, "points": [{"x": 99, "y": 1, "color": "gray"}]}'},
            "outside of the photo",
        ),
        ({"transfer": "match"}, "no reference"),
    ],
)
def test_what_cannot_be_done_at_once_is_refused(server, said, words):
    answer = server.client.post("/api/v1/colorize", files={"photo": make_photo()}, data=said)
    refused(answer, 422, words)
    assert not list(server.service.store.scratch.iterdir())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model": "nobody"}, "There is no model"),
        ({"options": {"heat": 1}}, "There is no option"),
        ({"options": {"render_factor": [1]}}, "render_factor"),
        ({"hints": {"version": 1, "spots": []}}, "unknown field 'spots'"),
        ({"hints": {"version": 1, "size": [9, 9]}}, "for a photo of 9 x 9 px"),
        ({"transfer": "style", "reference": "x"}, "There is no way to transfer colors 'style'"),
        ({"side": 3}, "side"),
        ({"modle": "gray"}, "modle"),
        ([], "the body"),
    ],
)
def test_jobs_that_cannot_be_done_are_refused(server, body, words):
    address = f"/api/v1/photos/{server.upload()['id']}/jobs"
    refused(server.client.post(address, json=body), 422, words)
    assert server.service.store.unfinished() == []


def test_wrong_json_is_refused(server):
    address = f"/api/v1/photos/{server.upload()['id']}/jobs"
    headers = {"Content-Type": "application/json"}
    refused(server.client.post(address, content=b"{", headers=headers), 422, "JSON")
    deep = b'{"hints": ' + b"[" * 100_000
    answer = server.client.post(address, content=deep, headers=headers)
    assert answer.status_code in (400, 422)
    assert list(answer.json()) == ["error"]


def test_what_is_not_there_is_not_found(server):
    photo = server.upload()
    client = server.client
    refused(client.post(f"/api/v1/photos/{photo['id']}/jobs", json={"reference": "x"}), 404)
    for address in ("photos/x/image", "photos/x/hints?job=y", "jobs/x", "jobs/x/events"):
        refused(client.get(f"/api/v1/{address}"), 404)
    for address in ("photos/x", "jobs/x", "photos/..%2f..%2fx"):
        refused(client.delete(f"/api/v1/{address}"), 404)
    refused(client.get("/api/v1/nothing"), 404)
    refused(client.put("/api/v1/photos"), 405)


@pytest.mark.parametrize("value", [None, "XMLHttpRequest"])
def test_writes_need_the_header(server, value):
    photo = server.upload()
    headers = {} if value is None else {"X-Requested-With": value}
    client = TestClient(server.client.app, base_url="http://localhost", headers=headers)
    assert client.get("/api/v1/photos").status_code == 200
    for method, address in (
        ("POST", "photos"),
        ("POST", "colorize"),
        ("POST", f"photos/{photo['id']}/jobs"),
        ("DELETE", f"photos/{photo['id']}"),
    ):
        refused(client.request(method, f"/api/v1/{address}"), 403, "X-Requested-With: zoo")
    assert client.get("/api/v1/photos").json()["photos"] == [photo]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "192.168.1.9", ""])
def test_foreign_names_are_refused(server, host):
    for address in ("/", "/api/v1/photos"):
        refused(server.client.get(address, headers={"Host": host}), 400, "that name")


def test_own_names():
    guard = Guard(None, Settings(Path(), host="zoo.example"))
    for host in ("localhost:8000", "127.0.0.1", "[::1]:80", "ZOO.example:8000"):
        assert is_own(host, guard._names)
    everywhere = Guard(None, Settings(Path(), host="0.0.0.0"))
    assert is_own("192.168.1.9:8000", everywhere._names, everywhere._any_address)
    assert not is_own("evil.example", everywhere._names, everywhere._any_address)
    assert is_local("127.0.0.1")
    assert not is_local("0.0.0.0")


@pytest.mark.parametrize("address", ["/", "/api/v1/health", "/api/v1/nothing", "/static/x.js"])
@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_every_answer_is_safe_to_show(server, address, host):
    headers = server.client.get(address, headers={"Host": host}).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_a_mistake_of_the_server_is_told_without_its_inside(server, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(server.service, "photo", broken)
    client = TestClient(
        server.client.app, base_url="http://localhost", raise_server_exceptions=False
    )
    answer = client.get("/api/v1/photos/x/image")
    assert refused(answer, 500) == "Something went wrong in the server; its log says what."
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_full_disk_is_told_without_paths(server, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    answer = server.client.post("/api/v1/photos", files={"photo": make_photo()})
    sentence = refused(answer, 507, "no space left")
    assert str(server.service.settings.data) not in sentence


def test_a_full_server_takes_no_more_photos(start):
    server = start(limits=Limits(photos=1))
    photo = server.upload()
    answer = server.client.post("/api/v1/photos", files={"photo": make_photo()})
    refused(answer, 507, "delete some")
    server.client.delete(f"/api/v1/photos/{photo['id']}")
    server.upload()


def test_the_interface_is_described(server):
    described = server.client.get("/api/v1/openapi.json").json()
    assert described["info"]["version"] == zoo.__version__
    assert "/api/v1/photos/{identifier}/jobs" in json.loads(json.dumps(described))["paths"]
    assert server.client.get("/docs").status_code == 404
