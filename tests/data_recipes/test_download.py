"""Fetching from a server that breaks off, moves files, and changes them."""

import errno
import gzip
import hashlib
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from data_recipes import download as module
from data_recipes.download import obtain
from data_recipes.recipe import Download
from zoo.errors import ZooError
from zoo.files import read_json

CONTENT = bytes(range(256)) * 2000
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
PAGE = "https://example.org/official"


@pytest.fixture
def get(tmp_path, server, monkeypatch):
    monkeypatch.setattr(module, "_PIECE", 10_000)

    def call(url=None, checksum=None, given=None):
        file = Download(url or f"{server.base}/a.zip", "a.zip", checksum)
        return obtain(file, tmp_path, given, PAGE, progress=False)

    return call


def ranges(server) -> list[str | None]:
    return [wanted for _, wanted in server.requests]


@pytest.mark.parametrize("checksum", [None, SHA256, "md5:" + hashlib.md5(CONTENT).hexdigest()])
def test_fetches_verifies_and_records(tmp_path, server, get, checksum):
    server.add("a.zip", CONTENT)
    path, record = get(checksum=checksum)
    assert path == tmp_path / "a.zip"
    assert path.read_bytes() == CONTENT
    assert f"sha256:{record['sha256']}" == SHA256
    assert record == read_json(tmp_path / "a.zip.json")
    assert record["checksum"] == checksum
    assert record["obtained"] == "downloaded"
    assert {file.name for file in tmp_path.iterdir()} == {"a.zip", "a.zip.json"}


def test_is_not_fetched_nor_read_again(server, get, monkeypatch):
    server.add("a.zip", CONTENT)
    first = get(checksum=SHA256)
    monkeypatch.setattr(module, "_digest", lambda *arguments: pytest.fail("was read again"))
    assert get(checksum=SHA256) == first
    assert len(server.requests) == 1


def test_goes_on_after_a_broken_transfer(server, get):
    server.add("a.zip", CONTENT, breaks=[100_000, 50_000])
    path, _ = get(checksum=SHA256)
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=100000-", "bytes=150000-"]


def test_goes_on_in_the_next_run(tmp_path, server, get):
    server.add("a.zip", CONTENT, breaks=[60_000] * 5)
    with pytest.raises(ZooError, match=f"a.zip failed .* repeat the command to go on.* {PAGE}"):
        get()
    assert (tmp_path / "a.zip.part").stat().st_size == 300_000
    assert get()[0].read_bytes() == CONTENT
    assert ranges(server)[5:] == ["bytes=300000-"]


def test_starts_over_if_the_file_has_changed(server, get):
    server.add("a.zip", b"old" * 100_000, breaks=[100_000])
    server.files["/a.zip"].breaks.extend([10] * 4)
    with pytest.raises(ZooError, match="failed"):
        get()
    server.add("a.zip", CONTENT, tag='"two"')
    assert get()[0].read_bytes() == CONTENT


def test_without_tag_and_checksum_never_glues(server, get):
    """Nobody could tell whether the second part is of the same file."""
    server.add("a.zip", CONTENT, tag=None, breaks=[100_000])
    assert get()[0].read_bytes() == CONTENT
    assert ranges(server) == [None, None]


def test_wrong_checksum(tmp_path, server, get):
    server.add("a.zip", b"something else")
    with pytest.raises(ZooError, match=f"answers with another file .*{SHA256}.* get a.zip from"):
        get(checksum=SHA256)
    assert len(server.requests) == 1
    assert not list(tmp_path.iterdir())
    server.add("a.zip", CONTENT)
    assert get(checksum=SHA256)[0].read_bytes() == CONTENT


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_dead_link_is_one_sentence(tmp_path, server, get, status):
    server.add("a.zip", b"", status=status)
    with pytest.raises(ZooError) as raised:
        get()
    sentence = str(raised.value)
    assert f"does not lead to the file any more (status {status})" in sentence
    assert f"get a.zip from {PAGE} and put it into {tmp_path}" in sentence
    assert sentence.count("\n") == 0
    assert len(server.requests) == 1


def test_a_web_page_in_its_place_is_a_dead_link(server, get):
    server.add("a.zip", b"<html>moved", kind="text/html; charset=utf-8")
    with pytest.raises(ZooError, match="a web page is there instead"):
        get()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_error_is_tried_again(server, get, status):
    server.add("a.zip", b"", status=status)
    with pytest.raises(ZooError, match=f"failed .*{status}.*repeat the command"):
        get()
    assert len(server.requests) == 5


def test_no_server(get):
    with pytest.raises(ZooError, match=r"^Fetching http://127.0.0.1:9/a.zip failed \(\S+ .*\.$"):
        get(url="http://127.0.0.1:9/a.zip")


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_tgz_stays_compressed(server, get, encoding):
    content = gzip.compress(CONTENT)
    server.add("a.zip", content, encoding=encoding)
    checksum = "sha256:" + hashlib.sha256(content).hexdigest()
    assert get(checksum=checksum)[0].read_bytes() == content


def test_by_hand(tmp_path):
    file = Download(None, "a.zip", SHA256)
    with pytest.raises(ZooError, match=f"by hand: get a.zip from {PAGE} and put it into"):
        obtain(file, tmp_path, None, PAGE, progress=False)
    (tmp_path / "a.zip").write_bytes(b"half of it")
    with pytest.raises(ZooError, match=r"a\.zip is not the published file: its sha256 is"):
        obtain(file, tmp_path, None, PAGE, progress=False)
    assert (tmp_path / "a.zip").read_bytes() == b"half of it"
    (tmp_path / "a.zip").write_bytes(CONTENT)
    path, record = obtain(file, tmp_path, None, PAGE, progress=False)
    assert path == tmp_path / "a.zip"
    assert record["obtained"] == "by hand"


def test_takes_what_the_user_has(tmp_path, server, get):
    given = tmp_path / "mine"
    given.mkdir()
    (given / "a.zip").write_bytes(CONTENT)
    assert get(checksum=SHA256, given=given)[0] == given / "a.zip"
    assert not server.requests
    assert [file.name for file in given.iterdir()] == ["a.zip"]


def test_first_download_is_remembered(tmp_path, server, get):
    server.add("a.zip", CONTENT)
    get()
    path = tmp_path / "a.zip"
    path.write_bytes(b"x" + CONTENT[1:])
    with pytest.raises(ZooError, match="another file than the one that was downloaded first"):
        get()
    path.write_bytes(CONTENT)
    os.utime(path, (1, 1))
    assert get()[0] == path


def test_full_disk(tmp_path, server, get, monkeypatch):
    server.add("a.zip", CONTENT)
    before = Path.open

    def full(self, *arguments, **options):
        if self.name.endswith(".part"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return before(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ZooError, match=r"Cannot write .*a\.zip: No space left on device; make"):
        get()
    assert len(server.requests) == 1


def test_ctrl_c_keeps_what_has_arrived(tmp_path, server, get, monkeypatch):
    server.add("a.zip", CONTENT)

    def interrupt(size):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_bar", lambda *arguments: nullcontext(interrupt))
        with pytest.raises(KeyboardInterrupt):
            get(checksum=SHA256)
    assert (tmp_path / "a.zip.part").stat().st_size == 10_000
    assert get(checksum=SHA256)[0].read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=10000-"]


def test_ctrl_c_while_the_checksum_is_computed(tmp_path, server, get, monkeypatch):
    server.add("a.zip", CONTENT)

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pooch.core.hash_matches", interrupt)
        with pytest.raises(KeyboardInterrupt):
            get(checksum=SHA256)
    assert get(checksum=SHA256)[0].read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={len(CONTENT)}-"]
    assert {file.name for file in tmp_path.iterdir()} == {"a.zip", "a.zip.json"}


def test_a_part_that_is_longer_than_the_file(tmp_path, server, get):
    server.add("a.zip", CONTENT)
    (tmp_path / "a.zip.part").write_bytes(CONTENT * 2)
    (tmp_path / "a.zip.part.tag").write_text('"one"')
    assert get()[0].read_bytes() == CONTENT
    assert ranges(server) == [f"bytes={2 * len(CONTENT)}-", None]


def test_a_disk_without_links(tmp_path, server, get, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    server.add("a.zip", CONTENT)
    assert get(checksum=SHA256)[0].read_bytes() == CONTENT
    assert {file.name for file in tmp_path.iterdir()} == {"a.zip", "a.zip.json"}


def test_without_pooch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ZooError, match=r"needs the package pooch: pip install"):
        obtain(Download("http://127.0.0.1:9/x", "x"), tmp_path, None, PAGE, progress=False)
