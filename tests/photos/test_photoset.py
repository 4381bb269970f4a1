import csv
import dataclasses
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from skimage import data

from zoo.errors import ZooError
from zoo.photos.decoding import read_rgb
from zoo.photos.photoset import Photo, PhotoSet, Skipped

NAMES = ["sea/0.png", "sea/1.png", "sea/2.png", "tree/0.png", "tree/1.png", "tree/2.png"]


def in_memory(number):
    """A photo that exists by its hash alone."""
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    return Photo(Path(f"{number}.png"), f"{number}.png", sha256, None, False)


def names(photos):
    return [photo.name for photo in photos]


def write_manifest(folder, rows):
    path = folder / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def assert_one_sentence(error, *parts):
    message = str(error.value)
    assert message.endswith(".")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_folder_is_read_in_order_with_labels_and_hashes(photo_folder):
    shutil.copy(photo_folder / "sea" / "1.png", photo_folder / "own.PNG")
    (photo_folder / "tree" / "old").mkdir()
    shutil.move(photo_folder / "tree" / "2.png", photo_folder / "tree" / "old" / "2.png")
    photos = PhotoSet.from_folder(photo_folder)
    assert names(photos) == ["own.PNG", *NAMES[:5], "tree/old/2.png"]
    assert [photo.label for photo in photos] == [None, *["sea"] * 3, "tree", "tree", "old"]
    assert photos.labels == ("old", "sea", "tree")
    for photo in photos:
        assert photo.path == photo_folder / photo.name
        assert photo.sha256 == hashlib.sha256(photo.path.read_bytes()).hexdigest()
        assert not photo.is_gray
    assert photos.skipped == ()


def test_hidden_and_other_files_are_ignored(photo_folder):
    for name in (".hidden.png", ".thumbnails/0.png", "notes.txt", "sea/Thumbs.db", "clip.gif"):
        (photo_folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(photo_folder / "sea" / "0.png", photo_folder / name)
    photos = PhotoSet.from_folder(photo_folder)
    assert names(photos) == NAMES
    assert photos.skipped == ()


def test_unreadable_files_are_skipped_by_name_with_the_reason(photo_folder):
    image = Image.open(photo_folder / "sea" / "0.png").resize((160, 128))
    image.save(photo_folder / "sea" / "a.jpg")
    whole = (photo_folder / "sea" / "a.jpg").read_bytes()
    (photo_folder / "sea" / "a.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    (photo_folder / "text.png").write_text("no image")
    (photo_folder / "broken_link.png").symlink_to(photo_folder / "nowhere.png")
    photos = PhotoSet.from_folder(photo_folder)
    assert names(photos) == NAMES
    assert [file.name for file in photos.skipped] == ["broken_link.png", "sea/a.jpg", "text.png"]
    missing, truncated, text = (file.reason for file in photos.skipped)
    assert missing == "no such file"
    assert truncated.startswith("damaged or incomplete")
    assert text.startswith("not an image")
    assert "text.png (not an image" in photos.summary()


def test_linked_folders_are_followed_but_not_in_circles(photo_folder, tmp_path):
    (photo_folder / "sea" / "loop").symlink_to(photo_folder)
    (photo_folder / "self").symlink_to(photo_folder / "self")
    assert names(PhotoSet.from_folder(photo_folder)) == NAMES
    (photo_folder / "sea" / "loop").unlink()
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "water").symlink_to(photo_folder / "sea")
    photos = PhotoSet.from_folder(linked)
    assert names(photos) == ["water/0.png", "water/1.png", "water/2.png"]
    assert photos.labels == ("water",)


@pytest.mark.parametrize(
    ("pixels", "is_gray"),
    [
        # Of 64 x 100 pixels: 63 are less than 1 %, 64 are not.
        (0, True),
        (63, True),
        (64, False),
        (6400, False),
    ],
)
def test_gray_photos(tmp_path, pixels, is_gray):
    photo = np.full((64, 100, 3), 120, np.uint8)
    photo[..., 0] += 10  # a spread of 10 still counts as gray
    photo.reshape(-1, 3)[:pixels, 0] += 1
    Image.fromarray(photo).save(tmp_path / "photo.png")
    assert PhotoSet.from_folder(tmp_path)[0].is_gray == is_gray


#: Ways to tone a gray photo: dark, medium and light color.
TONES = {
    "sepia": ("#2b1a0d", None, "#fff0cd"),
    "cyanotype": ("#002147", None, "#e6f0f5"),
    "selenium": ("#1c1420", "#8a7f80", "#fbf7f0"),
    "yellowed": ("#4d3a1f", "#a5906b", "#f0e0b0"),
}


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("photo", ["chelsea", "coffee", "astronaut"])
def test_toned_photos_are_told_from_color(tmp_path, photo, tone):
    """Photos in color, and toned: a ramp, and a photo as a JPEG as people scan it."""
    dark, middle, light = TONES[tone]
    color = Image.fromarray(getattr(data, photo)())
    ramp = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (64, 1)))
    color.save(tmp_path / "color.png")
    for name, gray in (("ramp", ramp), ("scan", color.convert("L"))):
        toned = ImageOps.colorize(gray, dark, light, middle)
        toned.save(tmp_path / f"{name}.jpg", quality=75)
    photos = {one.name: one for one in PhotoSet.from_folder(tmp_path)}
    assert not photos["color.png"].is_toned
    for name in ("ramp.jpg", "scan.jpg"):
        assert photos[name].is_toned
        assert not photos[name].is_gray


def test_a_photo_of_few_pixels_is_not_called_toned(tmp_path):
    Image.new("RGB", (5, 3), "red").save(tmp_path / "dot.png")
    assert not PhotoSet.from_folder(tmp_path)[0].is_toned


def test_color_only(photo_folder):
    gray = Image.open(photo_folder / "sea" / "1.png").convert("L")
    gray.save(photo_folder / "sea" / "1.png")
    ImageOps.colorize(gray, "black", "wheat").save(photo_folder / "sea" / "2.png")
    photos = PhotoSet.from_folder(photo_folder)
    assert photos.summary() == "6 photos in 2 classes; 1 gray photo; 1 toned photo"
    assert names(photos.color_only()) == ["sea/0.png", *NAMES[3:]]
    with pytest.raises(ZooError) as error:
        photos[1:2].color_only()
    assert_one_sentence(error, "color")


def test_summaries():
    photos = tuple(in_memory(number) for number in range(1200))
    assert PhotoSet(photos[:1]).summary() == "1 photo"
    skipped = tuple(Skipped(f"{letter}.png", "not an image") for letter in "abcde")
    labeled = tuple(dataclasses.replace(photo, label="sea") for photo in photos)
    assert PhotoSet(labeled, skipped).summary() == (
        "1,200 photos in 1 class; 5 files skipped: a.png (not an image), "
        "b.png (not an image), c.png (not an image), and 2 more"
    )
    assert repr(PhotoSet(photos)) == "PhotoSet(1,200 photos)"


def test_reading_a_photo(photo_folder):
    photo = PhotoSet.from_folder(photo_folder)[0]
    expected = np.asarray(Image.open(photo.path))
    np.testing.assert_array_equal(photo.read(), expected)
    assert photo.read(short_side=16).shape == (16, 20, 3)
    assert photo.read(short_side=99).shape == (32, 40, 3)
    photo.path.unlink()
    with pytest.raises(ZooError, match="no such file"):
        photo.read()


def test_it_is_an_immutable_sequence(photo_folder):
    photos = PhotoSet.from_folder(photo_folder)
    assert isinstance(photos, Sequence)
    assert len(photos) == 6
    assert photos[-1] == list(photos)[5]
    assert photos[np.int64(2)].name == "sea/2.png"
    part = photos[1:6:2]
    assert isinstance(part, PhotoSet)
    assert names(part) == ["sea/1.png", "tree/0.png", "tree/2.png"]
    assert photos[2] in photos
    assert names(reversed(photos)) == NAMES[::-1]
    with pytest.raises(IndexError):
        photos[6]
    with pytest.raises(dataclasses.FrozenInstanceError):
        photos.photos = ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        photos[0].label = "sea"


def test_the_fingerprint_is_of_the_contents_in_order(photo_folder, tmp_path):
    photos = PhotoSet.from_folder(photo_folder)
    contents = b"".join(hashlib.sha256(p.path.read_bytes()).digest() for p in photos)
    assert photos.fingerprint == hashlib.sha256(contents).hexdigest()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for number, photo in enumerate(photos):
        shutil.copy(photo.path, moved / f"renamed{number}.png")
    assert PhotoSet.from_folder(moved).fingerprint == photos.fingerprint
    assert photos[::-1].fingerprint != photos.fingerprint
    assert photos[:5].fingerprint != photos.fingerprint
    shutil.copy(photos[0].path, photos[1].path)
    assert PhotoSet.from_folder(photo_folder).fingerprint != photos.fingerprint


def test_folders_without_photos(tmp_path, photo_folder):
    with pytest.raises(ZooError) as error:
        PhotoSet.from_folder(tmp_path / "missing")
    assert_one_sentence(error, "missing", "does not exist")
    with pytest.raises(ZooError) as error:
        PhotoSet.from_folder(photo_folder / "sea" / "0.png")
    assert_one_sentence(error, "0.png", "is a file")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ZooError) as error:
        PhotoSet.from_folder(empty)
    assert_one_sentence(error, str(empty), ".jpg")
    (empty / "a.png").write_text("x")
    (empty / "b.png").write_text("x")
    with pytest.raises(ZooError) as error:
        PhotoSet.from_folder(empty)
    assert_one_sentence(error, "2 files skipped", "a.png: not an image")


def test_a_folder_that_may_not_be_listed(photo_folder, monkeypatch):
    scandir = os.scandir

    def forbid(path):
        if str(path).endswith("tree"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", forbid)
    with pytest.raises(ZooError) as error:
        PhotoSet.from_folder(photo_folder)
    assert_one_sentence(error, "tree", "Permission denied")


def test_progress_is_shown_only_when_asked_for(photo_folder, capfd):
    PhotoSet.from_folder(photo_folder)
    assert capfd.readouterr() == ("", "")
    PhotoSet.from_folder(photo_folder, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "6/6" in err


@pytest.mark.parametrize("columns", [("file", "class"), ("path", "label")])
def test_manifest(photo_folder, columns):
    rows = [
        {columns[0]: name, "split": "test" if "0" in name else "train", columns[1]: name[:1]}
        for name in reversed(NAMES)
    ]
    rows[0][columns[1]] = ""
    manifest = write_manifest(photo_folder, rows)
    everything = PhotoSet.from_manifest(manifest)
    assert names(everything) == NAMES[::-1]
    assert [photo.label for photo in everything] == [None, "t", "t", "s", "s", "s"]
    test = PhotoSet.from_manifest(manifest, split="test", progress=True)
    assert names(test) == ["tree/0.png", "sea/0.png"]
    assert test[0].path == photo_folder / "tree" / "0.png"


def test_manifest_with_unreadable_files(photo_folder):
    (photo_folder / "text.png").write_text("x")
    rows = [{"file": "text.png"}, {"file": "gone.png"}, {"file": "./sea/0.png"}]
    photos = PhotoSet.from_manifest(write_manifest(photo_folder, rows))
    assert names(photos) == ["sea/0.png"]
    assert [file.name for file in photos.skipped] == ["text.png", "gone.png"]
    with pytest.raises(ZooError) as error:
        PhotoSet.from_manifest(write_manifest(photo_folder, rows[:2]))
    assert_one_sentence(error, "2 files skipped", "text.png")


def test_manifest_from_a_spreadsheet(photo_folder):
    manifest = photo_folder / "manifest.csv"
    manifest.write_bytes(b'\xef\xbb\xbffile,note\r\nsea/0.png,"two\r\nlines"\r\nsea/1.png\r\n')
    assert names(PhotoSet.from_manifest(manifest)) == ["sea/0.png", "sea/1.png"]


@pytest.mark.parametrize("way", ["../secret.png", "sea/../../secret.png", "absolute", "link.png"])
def test_manifest_paths_stay_in_the_folder(photo_folder, way):
    secret = photo_folder.parent / "secret.png"
    shutil.copy(photo_folder / "sea" / "0.png", secret)
    (photo_folder / "link.png").symlink_to(secret)
    listed = str(secret) if way == "absolute" else way
    manifest = write_manifest(photo_folder, [{"file": "sea/0.png"}, {"file": listed}])
    with pytest.raises(ZooError) as error:
        PhotoSet.from_manifest(manifest)
    assert_one_sentence(error, listed, "out of its folder")


def test_bad_manifests(photo_folder):
    manifest = photo_folder / "manifest.csv"
    with pytest.raises(ZooError) as error:
        PhotoSet.from_manifest(manifest)
    assert_one_sentence(error, "manifest.csv", "No such file")
    for content, part in {
        b"": "lists no photos",
        b"file,split\n": "lists no photos",
        b"name,size\na.png,3\n": "name, size",
        b"file,split\n,test\n": "without a file name",
        b"file\n\xff\xfe\n": "UTF-8",
    }.items():
        manifest.write_bytes(content)
        with pytest.raises(ZooError) as error:
            PhotoSet.from_manifest(manifest)
        assert_one_sentence(error, "manifest.csv", part)


def test_unknown_split(photo_folder):
    rows = [{"file": "sea/0.png", "split": "train"}, {"file": "sea/1.png", "split": "test"}]
    with pytest.raises(ZooError) as error:
        PhotoSet.from_manifest(write_manifest(photo_folder, rows), split="tests")
    assert_one_sentence(error, "'tests'", "did you mean 'test'", "test, train")
    with pytest.raises(ZooError) as error:
        PhotoSet.from_manifest(write_manifest(photo_folder, [{"file": "a.png"}]), split="test")
    assert_one_sentence(error, "no column 'split'")


def test_split_has_about_the_shares_asked_for():
    photos = PhotoSet(tuple(in_memory(number) for number in range(20_000)))
    parts = photos.split(val=0.05, test=0.1)
    assert list(parts) == ["train", "val", "test"]
    # Binomial: five standard deviations are 154 and 212.
    assert abs(len(parts["val"]) - 1000) < 154
    assert abs(len(parts["test"]) - 2000) < 212
    assert sorted(names(photos)) == sorted(name for part in parts.values() for name in names(part))


def test_split_goes_by_the_first_64_bits():
    def at(position):
        sha256 = f"{position:016x}" + "f" * 48
        return Photo(Path("a"), "a", sha256, None, False)

    quarter = 2**62
    photos = [at(0), at(quarter - 1), at(quarter), at(3 * quarter - 1), at(3 * quarter)]
    parts = PhotoSet(tuple(photos)).split(val=0.25, test=0.5)
    assert parts["val"].photos == tuple(photos[:2])
    assert parts["test"].photos == tuple(photos[2:4])
    assert parts["train"].photos == tuple(photos[4:])


def test_split_keeps_groups_together():
    photos = [dataclasses.replace(in_memory(n), group=f"shot {n // 50}") for n in range(5000)]
    parts = PhotoSet(tuple(photos)).split(val=0.3, test=0.2)
    groups = [{photo.group for photo in part} for part in parts.values()]
    assert sum(len(part) for part in groups) == len(set.union(*groups)) == 100
    # Binomial: three standard deviations are 15, 14 and 12.
    assert all(abs(len(part) - n) < 15 for part, n in zip(groups, (50, 30, 20), strict=True))


@given(
    st.lists(st.integers(0, 10**6), unique=True, min_size=2, max_size=40), st.randoms(), st.data()
)
def test_split_survives_renaming_reordering_and_adding(numbers, random, data):
    before = [in_memory(number) for number in numbers[: data.draw(st.integers(1, len(numbers)))]]
    after = [dataclasses.replace(in_memory(n), name=f"new{n}") for n in numbers]
    random.shuffle(after)

    def places(photos):
        parts = PhotoSet(tuple(photos)).split(val=0.3, test=0.2)
        return {photo.sha256: name for name, part in parts.items() for photo in part}

    assert places(before).items() <= places(after).items()


@pytest.mark.parametrize(
    "shares",
    [
        {"val": 0},
        {"val": -0.1},
        {"val": 1.0},
        {"val": 1.5},
        {"val": float("nan")},
        {"val": 0.5, "test": 0.5},
        {"val": 0.9, "test": 0.2},
        {"train": 0.5},
    ],
)
def test_bad_shares(shares):
    with pytest.raises(ZooError) as error:
        PhotoSet((in_memory(0),)).split(**shares)
    assert_one_sentence(error)


@pytest.mark.parametrize(
    ("folder", "count"), [("eval256", 165), ("retina", 68), ("historic", 48), ("scenes128", 7_515)]
)
def test_large_sets(folder, count):
    if "ZOO_PHOTOS" not in os.environ:
        pytest.skip("ZOO_PHOTOS does not name the folder of larger photo sets")
    photos = PhotoSet.from_folder(Path(os.environ["ZOO_PHOTOS"], folder))
    assert len(photos) == count
    assert photos.skipped == ()
    np.testing.assert_array_equal(photos[0].read(), read_rgb(photos[0].path))


def test_joined_sets_have_each_content_once_and_each_name_once(tmp_path):
    for folder, names in {"one": ["a.png", "b.png"], "two": ["a.png", "c.png"]}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            number = 200 if name == "c.png" else ord(name[0]) + len(folder) * (folder == "two")
            Image.new("RGB", (8, 8), (number, 10, 200)).save(tmp_path / folder / name)
    shutil.copyfile(tmp_path / "one" / "b.png", tmp_path / "two" / "copy.png")
    (tmp_path / "two" / "broken.png").write_bytes(b"no photo")
    one, two = (PhotoSet.from_folder(tmp_path / name) for name in ("one", "two"))
    joined = PhotoSet.joined([one, two])
    assert [photo.name for photo in joined] == ["a.png", "b.png", "2/a.png", "c.png"]
    assert [photo.path.parent.name for photo in joined] == ["one", "one", "two", "two"]
    assert [file.name for file in joined.skipped] == ["broken.png"]
    assert PhotoSet.joined([one]).fingerprint == one.fingerprint
