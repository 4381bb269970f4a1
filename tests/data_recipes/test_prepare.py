"""Preparing: going on after interruptions, leaving out what is unreadable, staying inside."""

import errno
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from data_recipes import prepare as module
from data_recipes.prepare import prepare
from data_recipes.recipe import Download, Made, Place, Recipe, by_pattern, choose_nothing
from zoo import PhotoSet
from zoo.errors import ZooError
from zoo.files import read_json

ANY_JPG = r"(?:.*/)?(?P<label>[^/]+)/(?P<name>[^/]+\.jpg)"


def make_zip(entries, kind=0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (kind | 0o644) << 16
            archive.writestr(info, content)
    return file.getvalue()


def make_tar(entries, kind=tarfile.REGTYPE, link="") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def recipe(server):
    def make(content=b"", file="set.zip", **values):
        fields = {
            "name": "small",
            "title": "a small set",
            "page": "https://example.org/small",
            "license": "free",
            "size": "12 photos",
            "citation": "nobody",
            "downloads": (Download(server.add(file, content), file),),
            "choose": by_pattern(ANY_JPG),
        }
        return Recipe(**fields | values)

    return make


@pytest.fixture
def twelve(photo):
    return {
        f"{('sea', 'tree')[number % 2]}/{number:02d}.jpg": photo(number) for number in range(12)
    }


def paths_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_contents_stay_as_published(recipe, twelve, tmp_path):
    prepare(recipe(make_zip(twelve)), tmp_path / "out")
    for name, content in twelve.items():
        assert (tmp_path / "out/photos" / name).read_bytes() == content


def test_split_by_content_is_that_of_the_project(recipe, photo, tmp_path):
    many = {f"sea/{number}.jpg": photo(number) for number in range(60)}
    outcome = prepare(recipe(make_zip(many)), tmp_path / "out")
    parts = PhotoSet.from_folder(tmp_path / "out/photos").split(val=0.05, test=0.1)
    assert outcome.photos == {split: len(part) for split, part in parts.items() if len(part)}
    for split, part in parts.items():
        listed = PhotoSet.from_manifest(tmp_path / "out/manifest.csv", split)
        assert {photo.sha256 for photo in listed} == {photo.sha256 for photo in part}


def test_source_says_where_it_comes_from(recipe, twelve, tmp_path, server):
    prepare(recipe(make_zip(twelve)), tmp_path / "out")
    source = read_json(tmp_path / "out/source.json")
    assert source["recipe"] == "small"
    assert source["page"] == "https://example.org/small"
    assert sum(source["photos"].values()) == 12
    (download,) = source["downloads"]
    assert download["url"] == f"{server.base}/set.zip"
    assert "hash of the first download is recorded" in download["checksum_source"]
    assert str(tmp_path) not in (tmp_path / "out/source.json").read_text()
    assert paths_in(tmp_path / "out") == {
        "downloads",
        "downloads/set.zip",
        "downloads/set.zip.json",
        "manifest.csv",
        "photos",
        "photos/sea",
        "photos/tree",
        "source.json",
        *(f"photos/{name}" for name in twelve),
    }


@pytest.mark.parametrize("file", ["set.zip", "set.tgz"])
def test_goes_on_after_ctrl_c(recipe, twelve, tmp_path, server, monkeypatch, file):
    content = make_zip(twelve) if file == "set.zip" else make_tar(twelve)
    small, out = recipe(content, file), tmp_path / "out"
    written = []
    before = Path.write_bytes

    def write(self, content):
        if len(written) == 5:
            before(self, content[:100])
            raise KeyboardInterrupt
        written.append(self)
        return before(self, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write)
        with pytest.raises(KeyboardInterrupt):
            prepare(small, out)
    assert not (out / "source.json").exists()
    assert not (out / "manifest.csv").exists()
    first = sorted(twelve)
    done = {path: path.stat().st_mtime_ns for path in (out / "photos").rglob("[0-9]*.jpg")}
    assert len(done) == 5

    assert sum(prepare(small, out).photos.values()) == 12
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert [path for path, _ in server.requests] == [f"/{file}"]
    listed = PhotoSet.from_manifest(out / "manifest.csv")
    assert [photo.name for photo in listed] == [f"photos/{name}" for name in first]
    assert not list(out.rglob(".*"))


def test_a_photo_that_a_crash_emptied_is_made_again(recipe, twelve, tmp_path):
    small, out = recipe(make_zip(twelve)), tmp_path / "out"
    prepare(small, out)
    (out / "source.json").rename(out / ".preparing.json")
    (out / "photos/sea/00.jpg").write_bytes(b"")
    prepare(small, out)
    assert (out / "photos/sea/00.jpg").read_bytes() == twelve["sea/00.jpg"]


def test_unreadable_photos_are_named_and_left_out(recipe, twelve, tmp_path):
    twelve |= {"sea/00.jpg": b"no photo", "tree/01.jpg": twelve["tree/01.jpg"][:200]}
    outcome = prepare(recipe(make_zip(twelve)), tmp_path / "out")
    assert sum(outcome.photos.values()) == 10
    named = {file.name for file in outcome.skipped}
    assert named == {"photos/sea/00.jpg", "photos/tree/01.jpg"}
    manifest = (tmp_path / "out/manifest.csv").read_text()
    assert not any(name in manifest for name in named)
    source = read_json(tmp_path / "out/source.json")
    assert {file["file"] for file in source["skipped"]} == named
    assert prepare(recipe(), tmp_path / "out").skipped == outcome.skipped


def test_none_is_readable(recipe, tmp_path):
    with pytest.raises(ZooError, match=r"None of the 1 files is a readable photo"):
        prepare(recipe(make_zip({"a/1.jpg": b"x"})), tmp_path / "out")
    assert not (tmp_path / "out/source.json").exists()


def test_another_layout(recipe, photo, tmp_path):
    with pytest.raises(
        ZooError, match=r"None of the photos of small was found; check that .*downloads"
    ):
        prepare(recipe(make_zip({"a/1.bmp": photo(1, ".bmp")})), tmp_path / "out")


# ---------------------------------------------------------------------- malice


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("set.zip", make_zip({"a/../../../stolen/1.jpg": b"x"})),
        ("set.tgz", make_tar({"a/../../../stolen/1.jpg": b"x"})),
        ("set.zip", make_zip({"/tmp/stolen/1.jpg": b"x"})),
        ("set.tgz", make_tar({"/tmp/stolen/1.jpg": b"x"})),
        ("set.zip", make_zip({"a/1.jpg": b"/etc/passwd"}, stat.S_IFLNK)),
        ("set.tgz", make_tar({"a/1.jpg": b""}, tarfile.SYMTYPE, "/etc/passwd")),
        ("set.tgz", make_tar({"a/1.jpg": b""}, tarfile.LNKTYPE, "../../secret")),
        ("set.tgz", make_tar({"a/1.jpg": b""}, tarfile.CHRTYPE)),
        ("set.tgz", make_tar({"a/1.jpg": b""}, tarfile.FIFOTYPE)),
        ("set.zip", make_zip({f"a/{number}.jpg": bytes(2**20) for number in range(70)})),
        ("set.tgz", make_tar({f"a/{number}.jpg": bytes(2**20) for number in range(70)})),
    ],
    # An archive holds the time of its making: no name for a test that every process must share.
    ids=lambda value: value if isinstance(value, str) else "archive",
)
def test_malicious_archive(recipe, tmp_path, file, content):
    out = tmp_path / "deep" / "out"
    with pytest.raises(ZooError, match="no archive of photos does that"):
        prepare(recipe(content, file), out)
    assert paths_in(tmp_path) - paths_in(out.parent) <= {
        "deep",
        *(f"deep/{name}" for name in paths_in(out.parent)),
    }
    assert not Path("/tmp/stolen").exists()
    for path in out.rglob("*"):
        assert path.is_dir() or stat.S_ISREG(path.lstat().st_mode)
        assert b"root:" not in (path.read_bytes() if path.is_file() else b"")
    assert not (out / "manifest.csv").exists()


def test_a_link_directory_first_and_a_file_below_it(recipe, photo, tmp_path):
    """The classic: `a` is a link to elsewhere, then comes a/1.jpg."""
    file = io.BytesIO()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.SYMTYPE, str(elsewhere)
        archive.addfile(link)
        info = tarfile.TarInfo("a/1.jpg")
        info.size = len(photo(1))
        archive.addfile(info, io.BytesIO(photo(1)))
    prepare(recipe(file.getvalue(), "set.tgz"), tmp_path / "out")
    assert not list(elsewhere.iterdir())
    assert not (tmp_path / "out/photos/a").is_symlink()


def test_a_link_in_the_target_is_not_followed_out(recipe, twelve, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    small, out = recipe(make_zip(twelve)), tmp_path / "out"
    (out / "photos").mkdir(parents=True)
    (out / ".preparing.json").write_text('{"recipe": "small"}')
    (out / "photos/sea").symlink_to(elsewhere)
    with pytest.raises(ZooError, match="photos/sea is a link out of"):
        prepare(small, out)
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("path", ["../1.png", "/tmp/1.png", "a/../../1.png", "a\0.png"])
def test_a_recipe_cannot_write_outside(recipe, tmp_path, path):
    bad = recipe(
        downloads=(), choose=choose_nothing, make=lambda sources: iter([Made(Place(path), None)])
    )
    with pytest.raises(ZooError, match="would leave"):
        prepare(bad, tmp_path / "out")


# ---------------------------------------------------------------------- mistakes


def test_two_sets_never_mix(recipe, twelve, tmp_path):
    content, out = make_zip(twelve), tmp_path / "out"
    (out / "photos").mkdir(parents=True)
    with pytest.raises(ZooError, match="holds photos of something else"):
        prepare(recipe(content), out)
    (out / "photos").rmdir()
    with pytest.raises(ZooError, match="was found"):
        prepare(recipe(make_zip({})), out)
    with pytest.raises(ZooError, match="holds small, not other"):
        prepare(recipe(content, name="other"), out)
    prepare(recipe(content, "fresh.zip"), out)
    with pytest.raises(ZooError, match="holds small, not other"):
        prepare(recipe(content, name="other"), out)


def test_folder_that_is_given(recipe, photo, tmp_path):
    given = tmp_path / "given"
    wants = recipe(downloads=(), given="photos of the sea")
    with pytest.raises(
        ZooError, match="small needs --from FOLDER with photos of the sea; get it from"
    ):
        prepare(wants, tmp_path / "out")
    with pytest.raises(ZooError, match="There is no folder"):
        prepare(wants, tmp_path / "out", given)
    (given / "a").mkdir(parents=True)
    with pytest.raises(ZooError, match=r"None of the photos .* holds photos of the sea\.$"):
        prepare(wants, tmp_path / "out", given)
    for out in (given, given / "out", tmp_path):
        with pytest.raises(ZooError, match="lie in one another"):
            prepare(wants, out, given)
    with pytest.raises(ZooError, match="small takes no --from"):
        prepare(recipe(downloads=(), choose=choose_nothing, make=iter), tmp_path / "out", given)


def test_given_photos_are_linked_or_copied(recipe, twelve, tmp_path, monkeypatch):
    given = tmp_path / "given"
    for name, content in twelve.items():
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_bytes(content)
    (given / "sea/dangling.jpg").symlink_to("nowhere")
    wants = recipe(downloads=(), given="photos")
    outcome = prepare(wants, tmp_path / "linked", given)
    assert (tmp_path / "linked/photos/sea/00.jpg").samefile(given / "sea/00.jpg")
    assert [file.name for file in outcome.skipped] == ["photos/sea/dangling.jpg"]

    def refuse(*arguments):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    prepare(wants, tmp_path / "copied", given)
    copy = tmp_path / "copied/photos/sea/00.jpg"
    assert copy.read_bytes() == twelve["sea/00.jpg"]
    assert not copy.samefile(given / "sea/00.jpg")


def test_full_disk(recipe, twelve, tmp_path, monkeypatch):
    before = Path.write_bytes

    def full(self, content):
        if ".partial" in self.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return before(self, content)

    small = recipe(make_zip(twelve))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(ZooError, match=r"photos/sea/00\.jpg: No space left on device; make"):
            prepare(small, tmp_path / "out")
    assert sum(prepare(small, tmp_path / "out").photos.values()) == 12


def test_manifest_is_written_whole_or_not_at_all(recipe, twelve, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    small = recipe(make_zip(twelve))
    with monkeypatch.context() as patch:
        patch.setattr(module.csv, "writer", fail)
        with pytest.raises(ZooError, match="No space left"):
            prepare(small, tmp_path / "out")
    assert not (tmp_path / "out/manifest.csv").exists()
    assert prepare(small, tmp_path / "out").fresh
