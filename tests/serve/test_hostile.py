"""Uploads and requests that are made to do harm, each over HTTP to a server of its own thread.

Whatever comes, it is refused in one sentence, within seconds and little memory; the log shows no
traceback, no file is left, and the next good photo is colored. What is a photo after all, whatever
else it is, leaves the server as pixels alone.
"""

import io
import json
import logging
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import hostile
import httpx
import pytest
import uvicorn
from PIL import Image
from served import make_photo, read_answer

from benchmarks.harness.memory import peak_memory
from zoo.serve.http import connections
from zoo.serve.http.addresses import address_of, bind
from zoo.serve.running import configuration
from zoo.serve.service import Service
from zoo.serve.settings import Limits, Settings

#: What an answer may take, in seconds on a slow core; and what all may add to the peak of memory.
SECONDS, MEGABYTES = 10.0, 600.0

FILES = {
    "bombs": hostile.bombs,
    "text_bombs": hostile.text_bombs,
    "truncated": hostile.truncated,
    "flipped": hostile.flipped,
    "no_photos": hostile.no_photos,
    "broken_directories": hostile.broken_directories,
    "odd_photos": hostile.odd_photos,
    "polyglots": hostile.polyglots,
}
#: Of these none is a photo; of others some are, in spite of everything.
REFUSED = ("bombs", "truncated", "no_photos")
#: And these all are.
TAKEN = ("odd_photos", "polyglots")


@dataclass
class Hostile:
    """A server, somebody who asks it, and what it has written to its log."""

    service: Service
    address: str
    client: httpx.Client
    log: list[logging.LogRecord]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def upload(self, data: bytes, name: str = "photo.png") -> httpx.Response:
        return self.asked("POST", "/photos", files={"photo": (name, data)})

    def asked(self, method: str, path: str, **sent) -> httpx.Response:
        started = time.monotonic()
        answer = self.client.request(method, path, **sent)
        assert time.monotonic() - started < SECONDS
        return answer

    def raw(self, *pieces: bytes, pause: float = 0) -> tuple[bytes, bytes]:
        """Head and body of what is answered to bytes."""
        started = time.monotonic()
        with closing(socket.create_connection(("127.0.0.1", self.port), SECONDS)) as sending:
            for piece in pieces:
                sending.sendall(piece)
                if select.select([sending], [], [], pause)[0]:
                    break
            answer = read_answer(sending)
        assert time.monotonic() - started < SECONDS
        return answer


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Hostile]:
    """A server that waits for nobody longer than half a second."""
    limits = Limits(upload_bytes=2**22, piece_seconds=0.5, body_seconds=1.5)
    service = Service(
        Settings(tmp_path_factory.mktemp("hostile") / "data", ("gray",), limits=limits)
    )
    records = _Records()
    with pytest.MonkeyPatch.context() as patch, bind("127.0.0.1", 0) as listening:
        patch.setattr(connections, "HEAD_SECONDS", 0.5)
        patch.setattr(connections, "DROPPING_SECONDS", 0.5)
        logging.getLogger().addHandler(records)
        server = uvicorn.Server(configuration(service))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = address_of(listening)
        client = httpx.Client(
            base_url=f"{address}/api/v1",
            headers={"X-Requested-With": "zoo"},
            timeout=60,
            limits=httpx.Limits(keepalive_expiry=1),
        )
        with client:
            yield Hostile(service, address, client, records.records)
        server.should_exit = True
        thread.join(20)
        logging.getLogger().removeHandler(records)


@pytest.fixture
def server(running) -> Iterator[Hostile]:
    """The same, as each test finds and leaves it."""
    running.log.clear()
    yield running
    assert not [record.getMessage() for record in running.log if record.exc_info]
    store = running.service.store
    for photo in running.client.get("/photos").json()["photos"]:
        running.client.delete(f"/photos/{photo['id']}")
    left = [path for path in store.scratch.parent.rglob("*") if path.is_file()]
    assert {path.name.partition(".")[0] for path in left} <= {"zoo", "lock"}
    colored = running.client.post("/colorize", files={"photo": make_photo()})
    assert colored.status_code == 200
    assert Image.open(io.BytesIO(colored.content)).size == (40, 30)


def clear(answer: httpx.Response) -> str:
    """The one sentence of a refusal."""
    assert 400 <= answer.status_code < 500, answer.text
    assert list(answer.json()) == ["error"]
    sentence = answer.json()["error"]
    assert sentence.endswith(".")
    assert "Traceback" not in sentence
    assert len(sentence) < 1000
    return sentence


@pytest.mark.parametrize("family", FILES)
def test_files(server, family):
    before = peak_memory()
    for name, data in FILES[family]():
        answer = server.upload(data)
        if answer.status_code == 201 and family not in REFUSED:
            continue
        assert family not in TAKEN, (name, answer.text)
        assert answer.status_code in (413, 415), (name, answer.text)
        clear(answer)
    assert peak_memory() - before < MEGABYTES


@pytest.mark.parametrize("family", TAKEN)
def test_what_is_colored_is_pixels_alone(server, family):
    for name, data in FILES[family]():
        answer = server.asked("POST", "/colorize", files={"photo": data})
        assert answer.status_code == 200, (name, answer.text)
        for part in (b"script", b"php", b"PK\x03\x04", b"Exif"):
            assert part not in answer.content, name
        with Image.open(io.BytesIO(answer.content)) as image:
            image.load()
            assert getattr(image, "n_frames", 1) == 1
            assert not image.getexif().get(0x010E)
        kept = server.upload(data).json()["id"]
        shown = server.client.get(f"/photos/{kept}/image", params={"side": 16})
        assert b"script" not in shown.content, name
        server.client.delete(f"/photos/{kept}")


@pytest.mark.parametrize("address", ["/photos", "/colorize"])
def test_wrong_names_and_types(server, address):
    for name, kind in (("x.html", "text/html"), ("x.svg", "image/svg+xml"), ("x.exe", "a/b")):
        answer = server.asked("POST", address, files={"photo": (name, make_photo(), kind)})
        assert answer.status_code in (200, 201)
        if address == "/colorize":
            assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_names(server):
    for name in hostile.NAMES:
        head = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="'
        body = head + name.encode() + b'"\r\n\r\n' + make_photo() + b"\r\n--b--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = server.asked("POST", "/photos", content=body, headers=headers)
        if answer.status_code != 201:
            clear(answer)
            continue
        shown = answer.json()["name"]
        assert shown.isprintable()
        assert not set(shown) & set("/\\")
        assert shown not in ("", ".", "..")
        assert len(shown) <= 120
        job = server.asked("POST", f"/photos/{answer.json()['id']}/jobs", json={}).json()
        while server.asked("GET", f"/jobs/{job['id']}").json()["state"] != "done":
            time.sleep(0.01)
        kept = server.asked("GET", f"/jobs/{job['id']}/result", params={"download": 1})
        assert kept.status_code == 200
        assert kept.headers["content-disposition"].startswith("attachment; filename")
        assert "set-cookie" not in kept.headers


def test_ids(server):
    for one in hostile.IDS:
        paths = (
            f"/photos/{one}/image",
            f"/jobs/{one}",
            f"/jobs/{one}/events",
            f"/jobs/{one}/result",
        )
        for path in (*paths, f"/photos/{one}/hints?job={one}", f"/archive?jobs={one}"):
            clear(server.asked("GET", path))
        for path in (f"/photos/{one}", f"/jobs/{one}"):
            clear(server.asked("DELETE", path))
        clear(server.asked("POST", f"/photos/{one}/jobs", json={}))


def test_jobs(server):
    photo = server.upload(make_photo()).json()["id"]
    for body in hostile.JOBS:
        content = body.encode("utf-8", "surrogatepass")
        headers = {"Content-Type": "application/json"}
        answer = server.asked("POST", f"/photos/{photo}/jobs", content=content, headers=headers)
        assert answer.status_code in (400, 404, 413, 422), (body[:99], answer.text)
        clear(answer)
    assert server.service.store.unfinished() == []


def test_fields(server):
    for body in hostile.JOBS[1:]:
        if not body.isascii() or "\0" in body:
            continue
        for field in ("options", "hints", "model", "transfer"):
            said = {field: body}
            answer = server.asked("POST", "/colorize", files={"photo": make_photo()}, data=said)
            if answer.status_code == 200:
                assert body == "null", (field, body[:99])
            else:
                clear(answer)


def test_suggestions(server):
    photo = server.upload(make_photo()).json()["id"]
    for said in (
        {"x": 1e999, "y": 1},
        {"x": -1, "y": 1},
        {"x": 1, "y": 10**400},
        {"x": [1], "y": 1},
        {"x": 1, "y": 1, "count": 10**9},
        {"x": 1, "y": 1, "count": -1},
    ):
        body = json.dumps(said)
        headers = {"Content-Type": "application/json"}
        path = f"/photos/{photo}/suggestions"
        clear(server.asked("POST", path, content=body, headers=headers))


def forms() -> dict[str, tuple[str, bytes]]:
    """Forms that are none, or too much of one: the type that is said, and the body."""
    kind = "multipart/form-data; boundary=b"
    head = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\n'
    part = b'--b\r\nContent-Disposition: form-data; name="x%d"\r\n\r\n1\r\n'
    file = b'--b\r\nContent-Disposition: form-data; name="x"; filename="x%d"\r\n\r\n1\r\n'
    whole = head + make_photo() + b"\r\n"
    return {
        "no border": ("multipart/form-data", whole),
        "empty border": ("multipart/form-data; boundary=", whole),
        "another border": ("multipart/form-data; boundary=c", whole),
        "long border": (f"multipart/form-data; boundary={'b' * 5000}", whole),
        "no end": (kind, whole),
        "no end of a head": (kind, b"--b\r\nContent-Disposition: form-data; name="),
        "no name": (kind, b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--\r\n"),
        "no disposition": (kind, b"--b\r\nX: y\r\n\r\n1\r\n--b--\r\n"),
        "no photo": (kind, part % 1 + b"--b--\r\n"),
        "a photo as text": (
            kind,
            b'--b\r\nContent-Disposition: form-data; name="photo"\r\n\r\n1\r\n--b--',
        ),
        "empty": (kind, b""),
        "border alone": (kind, b"--b--\r\n"),
        "thousands of fields": (
            kind,
            b"".join(part % n for n in range(5000)) + whole + b"--b--\r\n",
        ),
        "thousands of files": (
            kind,
            b"".join(file % n for n in range(5000)) + whole + b"--b--\r\n",
        ),
        "long head of a part": (kind, b"--b\r\nX: " + b"y" * 2**20 + b"\r\n\r\n1\r\n--b--\r\n"),
        "many heads of a part": (kind, b"--b\r\n" + b"X: y\r\n" * 20_000 + b"\r\n1\r\n--b--\r\n"),
        "lines of zeros": (kind, head + bytes(2**20)),
        "json": ("application/json", b'{"photo": "x"}'),
        "urlencoded": ("application/x-www-form-urlencoded", b"photo=x"),
        "many urlencoded": ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 50_000)),
        "xml": ("application/xml", b"<x/>"),
        "an unknown charset": (f"{kind}; charset=x-hostile", b"--b--\r\n"),
        "too long": (kind, head + bytes(6 * 2**20)),
    }


@pytest.mark.parametrize("address", ["/photos", "/colorize"])
def test_forms(server, address):
    for name, (kind, body) in forms().items():
        answer = server.asked("POST", address, content=body, headers={"Content-Type": kind})
        if name in ("thousands of files", "thousands of fields") and answer.status_code == 201:
            continue  # fields that nobody asked for are dropped as they come
        assert answer.status_code in (400, 413, 415, 422), (name, answer.text)
        clear(answer)


HOST = b"Host: localhost\r\nConnection: close\r\nX-Requested-With: zoo\r\n"
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"
PART = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\n'
POST = b"POST /api/v1/photos HTTP/1.1\r\n" + HOST + FORM
#: Requests that are no good HTTP, or mean something else than they say, and what may be answered.
RAW: dict[str, tuple[bytes, tuple[int, ...]]] = {
    "no http": (b"hello\r\n\r\n", (400,)),
    "tls": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(99), (400,)),
    "another version": (b"GET / HTTP/x.y\r\n" + HOST + b"\r\n", (400,)),
    "another protocol": (b"SSH-2.0-OpenSSH_9.9\r\n", (400, 408)),
    "no host": (b"GET /api/v1/photos HTTP/1.1\r\n\r\n", (400,)),
    "two hosts": (b"GET /api/v1/photos HTTP/1.1\r\nHost: localhost\r\nHost: a.b\r\n\r\n", (400,)),
    "a host with a name before": (b"GET / HTTP/1.1\r\nHost: x@localhost\r\n\r\n", (400,)),
    "a host with a path": (b"GET / HTTP/1.1\r\nHost: a.b/localhost\r\n\r\n", (400,)),
    "a host with a dot": (b"GET / HTTP/1.1\r\nHost: localhost.a.b\r\n\r\n", (400,)),
    "a host with brackets": (b"GET / HTTP/1.1\r\nHost: [::1].a.b\r\n\r\n", (400,)),
    "a long host": (b"GET / HTTP/1.1\r\nHost: " + b"a" * 9999 + b"\r\n\r\n", (400,)),
    "a whole address": (b"GET http://a.b/api/v1/photos HTTP/1.1\r\nHost: a.b\r\n\r\n", (400,)),
    "a long path": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (400, 431)),
    "a long header": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 200_000 + b"\r\n\r\n", (400,)),
    "many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 50_000 + b"\r\n", (400, 431)),
    "a header without a name": (b"GET / HTTP/1.1\r\n" + HOST + b": y\r\n\r\n", (400,)),
    "a folded header": (b"GET / HTTP/1.1\r\n" + HOST + b"X:\0y\r\n\r\n", (400,)),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", (400,)),
    "no length": (POST + b"Content-Length: x\r\n\r\n", (400,)),
    "a length below 0": (POST + b"Content-Length: -1\r\n\r\n", (400,)),
    "a huge length": (POST + b"Content-Length: 99999999999999999999999\r\n\r\n", (400, 413)),
    "a long length": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", (400, 413)),
    "too long a length": (POST + b"Content-Length: 9999\r\n\r\n" + PART, (408,)),
    "too short a length": (POST + b"Content-Length: 20\r\n\r\n" + PART * 9, (400,)),
    "length and chunks": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        (400, 422),
    ),
    "an unknown encoding": (POST + b"Transfer-Encoding: gzip\r\n\r\n", (400, 501)),
    "two encodings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (400, 501)),
    "a chunk of no length": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", (400,)),
    "a chunk below 0": (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx", (400,)),
    "a huge chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 99 + b"\r\n", (400,)),
    "a chunk without its end": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n",
        (400,),
    ),
    "chunks without end": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(PART), PART),
        (408,),
    ),
    "a long extension": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"x" * 200_000 + b"\r\nab\r\n",
        (400,),
    ),
    "a wrong method": (b"BREW /api/v1/photos HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
    "put": (b"PUT /api/v1/photos HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n", (405,)),
    "trace": (b"TRACE /api/v1/photos HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
    "connect": (b"CONNECT a.b:80 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404, 405)),
    "options": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404, 405)),
    "a path upwards": (b"GET /static/../../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", (404,)),
    "an encoded one": (b"GET /static/%2e%2e/%2e%2e/store.py HTTP/1.1\r\n" + HOST + b"\r\n", (404,)),
    "one with zeros": (b"GET /static/main.js%00.html HTTP/1.1\r\n" + HOST + b"\r\n", (404,)),
    "one of 300 letters": (
        b"GET /static/" + b"a" * 300 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        (404,),
    ),
    "a websocket": (
        b"GET /api/v1/photos HTTP/1.1\r\nHost: a.b\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n",
        (400,),
    ),
    "http 2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
    "half a head": (b"GET / HTTP/1.1\r\nHost: loc", (408,)),
    "nothing": (b"", (408,)),
    "a body that nobody reads": (
        b"GET /api/v1/nothing HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nabc",
        (404,),
    ),
}


@pytest.mark.parametrize("name", RAW)
def test_bytes(server, name):
    sent, statuses = RAW[name]
    head, body = server.raw(sent)
    assert head, "no answer"
    assert int(head.split()[1]) in statuses, (head, body)
    assert list(json.loads(body)) == ["error"]


def test_those_who_dawdle(server):
    """A head, or a body, a byte at a time: there is an end to it, although there is always news."""
    slow = [POST, b"Content-Length: 999\r\n\r\n", PART, *[b"x"] * 40]
    head, _ = server.raw(*slow, pause=0.1)
    assert head.startswith(b"HTTP/1.1 408 ")
    head, _ = server.raw(*[b"%c" % one for one in b"GET / HTTP/1.1"], pause=0.1)
    assert head.startswith(b"HTTP/1.1 408 ")


def test_a_body_without_end(server):
    """After the refusal what still comes is dropped for a while, and then the connection."""
    piece = b"10000\r\n" + bytes(2**16) + b"\r\n"
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    started = time.monotonic()
    with closing(socket.create_connection(("127.0.0.1", server.port), SECONDS)) as sending:
        with pytest.raises(OSError, match=r"reset|[Pp]ipe"):  # noqa: PT012 - any of them
            sending.sendall(head)
            for _ in range(100_000):
                sending.sendall(piece)
        assert time.monotonic() - started < SECONDS


def test_there_are_two_hundred_and_more():
    files = sum(len(list(family())) for family in FILES.values())
    said = len(hostile.NAMES) + len(hostile.IDS) + len(hostile.JOBS)
    assert files + said + len(forms()) + len(RAW) >= 200
    assert files >= 150
