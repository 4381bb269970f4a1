"""Archives, honest and malicious."""

import gzip
import io
import stat
import tarfile
import zipfile

import pytest

from data_recipes.extract import Limits, is_archive, members
from zoo.errors import ZooError

SMALL = Limits(files=10, ratio=5, floor=50_000, member=40_000)


def make_tar(path, *entries, **header):
    """Entries are names with contents; `header` changes the headers of all of them."""
    mode = "w:gz" if path.suffix != ".tar" else "w"
    with tarfile.open(path, mode) as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size = 0 if "type" in header else len(content)
            for field, value in header.items():
                setattr(info, field, value)
            tar.addfile(info, io.BytesIO(content))
    return path


def make_zip(path, *entries, kind=0):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (kind | 0o644) << 16
            archive.writestr(info, content)
    return path


def contents(path, limits=SMALL):
    return {member.name: member.read() for member in members(path, limits)}


@pytest.fixture(params=["a.tar", "a.tar.gz", "a.tgz", "a.zip"])
def make(request, tmp_path):
    maker = make_zip if request.param.endswith(".zip") else make_tar
    return lambda *entries: maker(tmp_path / request.param, *entries)


def test_reads_what_is_there(make):
    long = "d/" + "x" * 150 + ".jpg"  # needs an extra header in tar
    path = make(("./a/1.jpg", b"one"), ("b.txt", b"two" * 900), (long, b""))
    assert is_archive(path.name)
    assert contents(path) == {"a/1.jpg": b"one", "b.txt": b"two" * 900, long: b""}
    shares = [member.share for member in members(path, SMALL)]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/x", "..\\x", "\\x", "C:\\x", "C:x", "a/.."]
)
def test_refuses_names_that_lead_out(make, name):
    path = make(("good.jpg", b"1"), (name, b"2"))
    with pytest.raises(ZooError, match="leads out of its folder"):
        contents(path)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_tar_links_and_devices_cannot_be_read(tmp_path, kind):
    path = make_tar(tmp_path / "a.tar", ("1.jpg", b""), type=kind, linkname="/etc/passwd")
    assert [member.name for member in members(path)] == ["1.jpg"]
    with pytest.raises(ZooError, match="a link or a device"):
        contents(path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO])
def test_zip_links_and_devices_cannot_be_read(tmp_path, kind):
    path = make_zip(tmp_path / "a.zip", ("1.jpg", b"/etc/passwd"), kind=kind)
    with pytest.raises(ZooError, match="a link or a device"):
        contents(path)


def test_refuses_too_many_files(make):
    path = make(*((f"{number}.jpg", b"") for number in range(11)))
    with pytest.raises(ZooError, match="more than 10 files"):
        contents(path)


def test_refuses_a_large_member(make):
    path = make(("1.jpg", bytes(40_001)))
    with pytest.raises(ZooError, match=r"1\.jpg of 40,001 bytes"):
        contents(path)


def test_refuses_what_grows_too_much(tmp_path):
    entries = [(f"{number}.jpg", bytes(30_000)) for number in range(8)]
    for path in (make_zip(tmp_path / "a.zip", *entries), make_tar(tmp_path / "a.tgz", *entries)):
        assert path.stat().st_size < 10_000
        assert len(contents(path, Limits(ratio=1000, floor=0))) == 8
        with pytest.raises(ZooError, match="unpack"):
            contents(path)
    # Uncompressed, the same files are what they seem to be.
    assert len(contents(make_tar(tmp_path / "a.tar", *entries))) == 8


def test_a_member_that_is_passed_over_counts_too(tmp_path):
    path = make_tar(tmp_path / "a.tgz", ("zeros", bytes(39_000)), ("more", bytes(39_000)))
    with pytest.raises(ZooError, match="unpacks to more than"):
        for _ in members(path, SMALL):
            pass


def test_zip_that_states_less_than_it_holds(tmp_path):
    path = make_zip(tmp_path / "a.zip", ("1.jpg", bytes(39_000)))
    stated = (39_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(stated, (10).to_bytes(4, "little")))
    with pytest.raises(ZooError, match="damaged"):
        contents(path)


def test_refuses_a_huge_header(tmp_path):
    """An extra header is read into memory whole, before anybody can look at it."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**30
    path = tmp_path / "a.tar"
    path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(2048))
    with pytest.raises(ZooError, match="header of 1,073,741,824 bytes"):
        contents(path, Limits(floor=2**40))


@pytest.mark.parametrize("cut", [0, 20, -400])
def test_damage_is_a_sentence(make, cut):
    path = make(("1.jpg", bytes(range(256)) * 20), ("2.jpg", bytes(range(256)) * 20))
    path.write_bytes(path.read_bytes()[:cut])
    if path.name == "a.tar" and cut == -400:
        return  # only padding is missing
    with pytest.raises(ZooError, match=r"a\.\w+(\.gz)? is damaged"):
        contents(path)


def test_a_web_page_is_no_archive(tmp_path):
    for name in ("a.zip", "a.tgz", "a.tar"):
        (tmp_path / name).write_text("<html>moved</html>" * 100)
        with pytest.raises(ZooError, match="no archive at all"):
            contents(tmp_path / name)


def test_plain_tar_that_is_called_tgz(tmp_path):
    path = make_tar(tmp_path / "a.tar", ("1.jpg", b"one")).rename(tmp_path / "a.tgz")
    assert gzip.compress(b"")[:2] != path.read_bytes()[:2]
    assert contents(path) == {"1.jpg": b"one"}
