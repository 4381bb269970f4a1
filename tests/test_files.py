"""Atomic writing: whole files or none, and sentences instead of tracebacks."""

import errno
import os
import stat

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.files import (
    atomic_folder,
    atomic_path,
    cache_folder,
    read_json,
    sha256_of_file,
    write_json,
)


def test_a_finished_write_replaces_the_old_file(tmp_path):
    path = tmp_path / "new" / "folder" / "a.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("failure", [RuntimeError("half"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file(tmp_path, failure):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_text("ne")
            raise failure

    with pytest.raises(type(failure)):
        write_half()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_one_sentence(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_on_a_full_disk():
        with atomic_path(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ZooError, match="No space left on device; choose a folder"):
        write_on_a_full_disk()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="Cannot write"):
        write_json(tmp_path / "file" / "below.json", {})


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ZooError, match="Permission denied"):
        write_json(tmp_path / "a.json", {})
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("failure", [RuntimeError("half"), OSError(errno.ENOSPC, "half")])
def test_an_interrupted_folder_is_none(tmp_path, failure):
    path = tmp_path / "folder"
    path.mkdir()

    def write_half():
        with atomic_folder(path) as temporary:
            (temporary / "a.txt").write_text("ne")
            raise failure

    with pytest.raises(ZooError if isinstance(failure, OSError) else RuntimeError, match="half"):
        write_half()
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    assert not list(path.iterdir())


def test_a_finished_folder_takes_an_empty_one_s_place(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    with atomic_folder(path) as temporary:
        (temporary / "a.txt").write_text("new")
        assert not list(path.iterdir())
    assert (path / "a.txt").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o777 & ~umask


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_reading_what_is_not_there_or_not_json(tmp_path):
    with pytest.raises(ZooError, match="No such file"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ZooError, match="not valid JSON"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ZooError, match="not valid JSON"):
        read_json(tmp_path / "a.json")


def test_sha256_of_the_standard_s_example(tmp_path):
    """FIPS 180-4: the digest of "abc"."""
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of_file(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_the_cache_is_where_the_user_says(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("ZOO_CACHE")
    assert cache_folder().name == "colorization-zoo"


def test_arrays_are_written_whole(tmp_path):
    with atomic_path(tmp_path / "a.npz") as temporary:
        np.savez(temporary, a=np.arange(3))
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    np.testing.assert_array_equal(np.load(tmp_path / "a.npz")["a"], [0, 1, 2])
