"""What the documentation says of the server is so."""

import re
import threading

import pytest
import uvicorn
from doc_pages import DOCS, blocks, table_rows
from served import make_photo, opened

import zoo
from zoo.serve.accounts.forms import PASSWORD_LENGTHS
from zoo.serve.app import create_app
from zoo.serve.http.addresses import address_of, bind
from zoo.serve.http.connections import HEAD_SECONDS
from zoo.serve.service import Service
from zoo.serve.settings import Limits, Settings

PAGE = DOCS / "serve.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture
def address(settings):
    """The address of a server that listens."""
    service = Service(settings)
    server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None))
    with bind("127.0.0.1", 0) as listening:
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        yield address_of(listening)
        server.should_exit = True
        running.join(20)


def test_the_example_in_python_colors_a_photo(address, tmp_path, monkeypatch):
    (code,) = [block.code for block in blocks(PAGE) if block.language == "python"]
    assert "http://127.0.0.1:8000" in code
    code = code.replace("http://127.0.0.1:8000", address).replace('"zhang"', '"tiny"')
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(make_photo((60, 40), "JPEG"))
    exec(compile(code, "serve.md", "exec"), {})
    assert opened((tmp_path / "colored.jpg").read_bytes()).shape == (40, 60, 3)


def test_every_address_is_in_the_table(open_server):
    paths = open_server.client.get("/api/v1/openapi.json").json()["paths"]
    known = {
        f"{method.upper()} {re.sub(r'{.*?}', 'ID', path)}"
        for path, methods in paths.items()
        for method in methods
    }
    cells = [row[0] for row in table_rows(TEXT)]
    told = {cell.strip("`").split("?")[0] for cell in cells if "/api/v1" in cell}
    assert told == known


def test_the_numbers_are_those_of_the_code():
    limits, settings = Limits(), Settings(DOCS)
    rows = {row[0]: row[1] for row in table_rows(TEXT) if len(row) > 1}
    assert rows["files of one request"] == f"{limits.upload_bytes / 2**20:g} MiB together"
    assert rows["a film"] == f"{limits.film_bytes / 2**30:g} GiB"
    assert rows["pixels of a film's frame"] == f"{limits.frame_pixels / 1e6:.1f} million (2²³)"
    assert rows["frames of a film"].startswith(f"{limits.frames:,}:")
    assert rows["colored versions kept of one film"] == str(limits.versions)
    assert rows["films kept"] == f"{limits.films}, of each person"
    assert rows["other requests"] == f"{limits.json_bytes / 2**20:g} MiB"
    assert rows["pixels of a photo"] == f"{limits.pixels / 1e6:.0f} million (2²⁶)"
    assert rows["jobs in the queue"].startswith(f"{limits.waiting},")
    assert rows["photos kept"] == f"{limits.photos}, of each person"
    assert rows["previews kept of one photo or film"].startswith(f"{limits.previews};")
    assert rows["results in one archive"] == str(limits.archived)
    room = f"{limits.requests}, then 429 with `Retry-After`; uploads under way "
    assert rows["requests at a time"] == f"{room}{limits.arriving_bytes / 2**30:g} GiB together"
    assert rows["time of a request"] == (
        f"{HEAD_SECONDS:g} s until its head is there, {limits.piece_seconds:g} s for each further "
        f"piece, in all {limits.body_seconds / 60:g} minutes and a second for each 64 KiB, then 408"
    )
    assert rows["tokens of an account"] == str(limits.tokens)
    assert rows["a session"] == f"{limits.session_days} days"
    minutes = f"in {limits.tries_seconds / 60:g} minutes"
    tries = "log-ins, and sign-ups, "
    assert rows[f"{tries}for one e-mail address"] == f"{limits.tries_of_email} {minutes}"
    assert rows[f"{tries}from one address of the network"] == f"{limits.tries_of_address} {minutes}"
    assert f"have {PASSWORD_LENGTHS[0]} characters at least" in TEXT
    assert f"after {limits.tries_of_email} log-ins for an e-mail address, or " in TEXT
    assert f"or {limits.tries_of_address} from one address" in TEXT
    assert rows["`--keep-days`"] == str(settings.keep_days)
    assert rows["`--workers`"] == str(settings.workers)
    assert rows["`--host`"] == f"`{settings.host}`"
    assert "`gray` and `levin`" in rows["`--model`"]
    assert {"gray", "levin"} <= set(zoo.list_models())
