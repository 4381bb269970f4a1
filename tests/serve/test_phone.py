"""The client for Android in the documentation, by the bytes that it sent.

`okhttp-3.13.1.http` is what OkHttp 3.13.1 wrote to its socket, run by that client with a small JPEG
photo, the model `gray` and a token of zeros.
"""

import io
import socket
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from doc_pages import DOCS, blocks
from PIL import Image
from served import read_answer

from zoo.serve.http.addresses import bind
from zoo.serve.running import configuration
from zoo.serve.service import Service

SENT = (Path(__file__).parent / "okhttp-3.13.1.http").read_bytes()
NO_TOKEN = b"zoo_" + b"0" * 43


@contextmanager
def serving(settings):
    """A service that listens, and its port."""
    service = Service(settings)
    server = uvicorn.Server(configuration(service))
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        yield service, port
        server.should_exit = True
        running.join(20)


def answer_to(port: int, sent: bytes) -> tuple[bytes, bytes]:
    """Head and body of what is answered to these bytes."""
    with closing(socket.create_connection(("127.0.0.1", port), 20)) as sending:
        sending.sendall(sent)
        return read_answer(sending)


def test_the_bytes_color_a_photo(settings):
    with serving(settings) as (_, port):
        head, body = answer_to(port, SENT)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: image/jpeg" in head.lower()
    with Image.open(io.BytesIO(body)) as image:
        assert (image.format, image.size) == ("JPEG", (40, 30))


def test_the_token_lets_in(settings, quick_hashes):
    with serving(replace(settings, accounts=True)) as (service, port):
        head, _ = answer_to(port, SENT)
        assert head.startswith(b"HTTP/1.1 401 ")
        password = "a long secret of hers"
        anna = service.accounts.sign_up("Anna", "anna@example.org", password, password, "::1")
        token = service.accounts.make_token(anna, "a phone")[1].encode()
        assert len(token) == len(NO_TOKEN)
        head, _ = answer_to(port, SENT.replace(NO_TOKEN, token))
        assert head.startswith(b"HTTP/1.1 200 ")


def test_the_client_says_what_the_bytes_say():
    (code,) = [block.code for block in blocks(DOCS / "serve.md") if block.language == "java"]
    head, _, body = SENT.partition(b"\r\n\r\n")
    for said in ("/api/v1/colorize", "X-Requested-With", "zoo", "Authorization", "Bearer "):
        assert said in code
        assert said in head.decode()
    for said in ('name="photo"', "image/jpeg", 'name="model"'):
        assert said in body.decode("latin-1")
        assert said.removeprefix("name=") in code
