"""A web server on this machine, and small photos to put into archives."""

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image


@dataclass
class Served:
    """A file on the server: `breaks` holds after how many bytes each transfer is cut off."""

    content: bytes
    status: int = 200
    kind: str = "application/octet-stream"
    tag: str | None = '"one"'
    encoding: str | None = None
    breaks: list[int] = field(default_factory=list)


@dataclass
class Server:
    """What the server has, and the requests that it got: (path, Range header)."""

    base: str
    files: dict[str, Served] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def add(self, name: str, content: bytes, **values) -> str:
        self.files[f"/{name}"] = Served(content, **values)
        return f"{self.base}/{name}"


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers["Range"]
            state.requests.append((self.path, wanted))
            file = state.files.get(self.path)
            if file is None or file.status != 200:
                self.send_error(404 if file is None else file.status)
                return
            start = self.start_of(file, wanted)
            if start >= len(file.content) > 0:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(file.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = file.content[start:]
            self.send_response(206 if start else 200)
            if start:
                last = len(file.content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(file.content)}")
            if file.tag:
                self.send_header("ETag", file.tag)
            if file.encoding:
                self.send_header("Content-Encoding", file.encoding)
            self.send_header("Content-Type", file.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: file.breaks.pop(0)] if file.breaks else body)

        def start_of(self, file, wanted):
            same = self.headers["If-Range"] in (None, file.tag)
            return int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and same else 0

        def log_message(self, *arguments):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.base = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def straight_to_the_server(monkeypatch):
    """No proxy lies in between, and pooch does not wait before it tries again."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)


@pytest.fixture
def photo():
    """photo(seed, suffix) is the bytes of a small photo in color, each seed another one."""

    def make(seed: int = 0, suffix: str = ".jpg") -> bytes:
        coarse = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
        file = io.BytesIO()
        image = Image.fromarray(coarse).resize((24, 18), Image.Resampling.BICUBIC)
        image.save(file, Image.registered_extensions()[suffix.lower()])
        return file.getvalue()

    return make
