"""Photos are divided in one place: by their contents, by manifests, and without gray ones."""

import numpy as np
import pytest
from films import make_film, moving
from PIL import Image

from zoo.errors import ZooError
from zoo.photos.division import divide, read_photos, refuse_overlap


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """60 colored photos and a gray one."""
    folder = tmp_path_factory.mktemp("many")
    numbers = np.random.default_rng(0)
    for index in range(60):
        color = numbers.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(color).save(folder / f"{index:02d}.png")
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(folder / "gray.png")
    return folder


def manifest(folder, **rows):
    """A manifest of the folder's photos that names a split for some."""
    lines = [f"{number}.png,{split}" for split, numbers in rows.items() for number in numbers]
    path = folder / "manifest.csv"
    path.write_text("\n".join(["file,split", *lines]))
    return path


def test_shares_are_set_aside_without_gray_photos(many):
    told = []
    parts = divide([many], test_share=0.1, tell=told.append)
    names = [photo.name for part in vars(parts).values() for photo in part]
    assert sorted(names) == [f"{index:02d}.png" for index in range(60)]
    assert len(parts.train) > 45
    assert told == ["Photos: 61 photos; 1 gray photo; gray and toned ones are left out."]
    again = divide([many], test_share=0.1, tell=told.append)
    assert again == parts
    assert divide([many], tell=told.append).test is None


def test_rows_of_manifests_come_first(many):
    path = manifest(many, train=range(10, 30), val=[30, 31], test=[32])
    parts = divide([path], test_share=0.1, tell=str)
    assert [len(part) for part in vars(parts).values()] == [20, 2, 1]
    chosen = divide([path], [many], tell=str)
    assert len(chosen.validation) == 61
    assert len(chosen.train) == 20
    path.unlink()


def test_a_handful_has_no_validation_part(photo_folder):
    parts = divide([photo_folder / "sea"], tell=str)
    assert (len(parts.train), parts.validation, parts.test) == (3, None, None)


def test_films_count_beside_folders(many, tmp_path):
    """A folder with a film's name is a folder still."""
    film = make_film(tmp_path / "film.mkv", moving(5), rate=10)
    folder = (tmp_path / "folder.mp4").resolve()
    folder.symlink_to(many)
    photos = read_photos([film, folder], "train")
    assert [photo.label for photo in photos[:6]] == ["film"] * 5 + [None]
    assert len(photos) == 5 + 61
    chosen = divide([many], [film], tell=str).validation
    assert [photo.name for photo in chosen] == [f"film.mkv/{number:07d}.png" for number in range(5)]


def test_shared_photos_are_refused(many, photo_folder):
    photos = read_photos([photo_folder], "train")
    refuse_overlap(photos, read_photos([many], "test"), "nothing to say")
    sea = read_photos([photo_folder / "sea"], "test")
    with pytest.raises(ZooError, match=r"3 of the photos .*\(the first: 0\.png\); remove them"):
        refuse_overlap(photos, sea, "remove them")
