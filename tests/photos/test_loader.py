import math
import multiprocessing
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo.errors import TrainingWarning, ZooError
from zoo.photos import loader as loader_module
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Seven photos, each of one color that tells its number."""
    root = tmp_path_factory.mktemp("numbered")
    for number in range(7):
        Image.new("RGB", (24, 20), (30 * number + 10, 100, 50)).save(root / f"{number}.png")
    return PhotoSet.from_folder(root)


def ramp(root, side):
    """One photo whose red grows to the right and whose green grows downward, 2 a pixel."""
    photo = np.zeros((side, side, 3), np.uint8)
    photo[..., 0] = 2 * np.arange(side)
    photo[..., 1] = 2 * np.arange(side)[:, None]
    Image.fromarray(photo).save(root / "ramp.png")
    return PhotoSet.from_folder(root)


def numbers_in(batch):
    return ((batch[:, 0, 0, 0].astype(int) - 10) // 30).tolist()


def forbid_decoding(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("a photo was decoded again")

    monkeypatch.setattr("zoo.photos.photoset.Photo.read", fail)


def assert_one_sentence(error, *parts):
    message = str(error.value)
    assert message.endswith(".")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_batches_are_one_tuples_of_uint8(photos):
    loader = PhotoLoader(photos, 16, 4, steps=5)
    assert isinstance(loader, keras.utils.PyDataset)
    assert loader.workers == 1
    assert len(loader) == 5
    batches = list(loader)
    assert len(batches) == 5
    for (batch,) in batches:
        assert list(batch) == ["rgb"]
        assert batch["rgb"].shape == (4, 16, 16, 3)
        assert batch["rgb"].dtype == np.uint8

    with pytest.raises(IndexError):
        loader[5]
    with pytest.raises(IndexError):
        loader.batch(-1)


def test_batches_are_a_pure_function_of_seed_and_number(photos):
    loader = PhotoLoader(photos, 16, 4, steps=8, seed=3)
    expected = [loader.batch(step) for step in range(8)]
    for step in (5, 0, 7, 0, 3):  # any order, any number of times
        np.testing.assert_array_equal(loader.batch(step), expected[step])
    again = PhotoLoader(photos, 16, 4, steps=2, seed=3)
    again.offset = 6
    np.testing.assert_array_equal(again[1][0]["rgb"], expected[7])
    other = PhotoLoader(photos, 16, 4, steps=8, seed=4)
    assert not np.array_equal(other.batch(0), expected[0])
    with ThreadPoolExecutor(4) as pool:
        for step, batch in enumerate(pool.map(loader.batch, range(8))):
            np.testing.assert_array_equal(batch, expected[step])


@pytest.mark.parametrize("batch_size", [1, 4, 13])
def test_the_stream_does_not_depend_on_the_batch_size(photos, batch_size):
    whole = PhotoLoader(photos, 16, 26, steps=1, seed=5).batch(0)
    parts = PhotoLoader(photos, 16, batch_size, steps=26 // batch_size, seed=5)
    stream = np.concatenate([batch["rgb"] for (batch,) in parts])
    np.testing.assert_array_equal(stream, whole[: len(stream)])


@given(st.integers(0, 2**40), st.integers(1, 20), st.integers(0, 10**6))
def test_every_epoch_holds_every_photo_once(numbered, seed, batch_size, epoch):
    loader = PhotoLoader(numbered, 4, batch_size, steps=1, seed=seed)
    first = epoch * len(numbered)
    steps = range(first // batch_size, math.ceil((first + len(numbered)) / batch_size))
    stream = numbers_in(np.concatenate([loader.batch(step) for step in steps]))
    skip = first - steps[0] * batch_size
    assert sorted(stream[skip : skip + len(numbered)]) == list(range(len(numbered)))


def test_epochs_have_different_orders(numbered):
    loader = PhotoLoader(numbered, 4, len(numbered), steps=10)
    orders = {tuple(numbers_in(loader.batch(epoch))) for epoch in range(10)}
    assert len(orders) >= 9


@pytest.mark.parametrize("kept", [104, 120])
def test_crops_and_flips_have_the_range_that_is_promised(tmp_path, kept):
    """From 96 px, of which nothing is enlarged, to all that is kept: at most 1.25 times as much."""
    loader = PhotoLoader(ramp(tmp_path, kept), 96, 400, steps=1)
    batch = loader.batch(0).astype(float)
    red, green = batch[:, 48, :, 0], batch[:, :, 48, 1]
    mirrored = red[:, -1] < red[:, 0]
    assert 150 < mirrored.sum() < 250  # binomial: five standard deviations are 50
    red[mirrored] = red[mirrored, ::-1]
    # Pixel centers are half a pixel from the crop's edges; the ramp rises by 2 a pixel. The few
    # pixels at the borders are left out, where interpolation flattens the ramp.
    side = (red[:, -9] - red[:, 8]) / 79 / 2 * 96
    left = red[:, 8] / 2 - 8.5 * side / 96 + 0.5
    top = green[:, 8] / 2 - 8.5 * side / 96 + 0.5
    height = (green[:, -9] - green[:, 8]) / 79 / 2 * 96
    np.testing.assert_allclose(height, side, atol=1.5)
    assert 95 < side.min() < 97
    assert kept - 1.5 < side.max() < kept + 1
    assert abs(side.mean() - (96 + kept) / 2) < 2
    room = kept - side
    assert left.min() > -1
    assert top.min() > -1
    assert (left - room).max() < 1
    assert (top - room).max() < 1
    wide = room > (kept - 96) / 2
    for position in (left, top):
        assert abs((position / room)[wide].mean() - 0.5) < 0.1
        assert (position / room)[wide].std() > 0.2
    assert abs(np.corrcoef(left[wide], top[wide])[0, 1]) < 0.4


def test_a_photo_that_is_just_large_enough_is_seen_pixel_by_pixel(photo_folder):
    """Its crops are itself, mirrored or not, as sharp as it is."""
    photos = PhotoSet.from_folder(photo_folder)  # of 40 x 32 px
    loader = PhotoLoader(photos, 32, 60, steps=1)
    samples = loader.samples(0)
    assert 0 < samples.mirrored.sum() < 60
    for rgb, position, mirrored in zip(
        samples.rgb, samples.positions, samples.mirrored, strict=True
    ):
        square = photos[int(position)].read()[:, 4:36]
        np.testing.assert_array_equal(rgb, square[:, ::-1] if mirrored else square)


def test_without_augmentation_every_square_comes_once_in_order(numbered):
    loader = PhotoLoader(numbered, 8, 3, augment=False)
    assert len(loader) == 3
    batches = [batch["rgb"] for (batch,) in loader]
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert numbers_in(np.concatenate(batches)) == list(range(7))
    with pytest.raises(IndexError):
        loader.batch(3)


def test_the_central_square_is_what_is_kept(tmp_path):
    photo = np.zeros((60, 100, 3), np.uint8)
    photo[:, :20] = photo[:, 80:] = [255, 0, 0]  # outside the central 60 x 60
    photo[:, 20:80] = [0, 90, 200]
    photo[:30, 20:80] = [0, 200, 90]
    Image.fromarray(photo).save(tmp_path / "photo.png")
    batch = PhotoLoader(PhotoSet.from_folder(tmp_path), 20, 1, augment=False).batch(0)
    # The outermost pixels see a little of what is beside the square, as antialiasing should.
    assert batch[0, :, 1:-1, 0].max() == 0
    assert batch[0, :, :, 0].max() < 30
    assert np.abs(batch[0, :8, 1:-1].astype(int) - [0, 200, 90]).max() < 3
    assert np.abs(batch[0, -8:, 1:-1].astype(int) - [0, 90, 200]).max() < 3


def test_photos_that_are_too_small_are_left_out_counted_and_said(photo_folder, tmp_path):
    """Enlarged photos would teach blur. The others keep their numbers in the set."""
    for name in ("sea/0", "tree/1"):
        Image.new("RGB", (60, 31), "red").save(photo_folder / f"{name}.png")
    photos = PhotoSet.from_folder(photo_folder)
    left_out = r"2 of 6 photos have a short side below 32 px and are left out at this size\."
    with pytest.warns(TrainingWarning, match=left_out):
        loader = PhotoLoader(photos, 32, 3, augment=False)
    assert loader.too_small == 2
    assert [photo.name for photo in loader.photos] == [
        "sea/1.png",
        "sea/2.png",
        "tree/0.png",
        "tree/2.png",
    ]
    assert len(loader) == 2
    assert [loader.samples(step).positions.tolist() for step in range(2)] == [[1, 2, 3], [5]]
    with pytest.warns(TrainingWarning):
        stream = PhotoLoader(photos, 32, 40, steps=1)
    samples = stream.samples(0)
    assert set(samples.positions) == {1, 2, 3, 5}
    assert (samples.rgb[..., 1:].max(axis=(1, 2, 3)) > 0).all()  # none of the red ones
    assert PhotoLoader(photos, 31, 6, steps=1).too_small == 0
    with pytest.raises(ZooError) as error:
        PhotoLoader(photos, 64, 3, augment=False)
    assert_one_sentence(error, "None of the 6 photos", "at least 64 px", "smaller size")


def test_transparent_photos_are_on_white(tmp_path):
    Image.new("RGBA", (33, 32), (10, 200, 30, 0)).save(tmp_path / "photo.png")
    photos = PhotoSet.from_folder(tmp_path)
    assert (PhotoLoader(photos, 32, 1, augment=False)[0][0]["rgb"] == 255).all()


def test_photos_are_decoded_once_for_all_loaders(photos, tmp_path, monkeypatch):
    first = PhotoLoader(photos, 16, 6, steps=2, cache_dir=tmp_path / "cache")
    expected = [batch["rgb"] for (batch,) in first]
    forbid_decoding(monkeypatch)
    for _ in range(2):
        for (batch,), before in zip(first, expected, strict=True):
            np.testing.assert_array_equal(batch["rgb"], before)
    warm = PhotoLoader(photos, 16, 6, steps=2, cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(warm[1][0]["rgb"], expected[1])
    PhotoLoader(photos, 16, 6, augment=False, cache_dir=tmp_path / "cache")
    with pytest.raises(AssertionError, match="decoded again"):  # another size is another file
        PhotoLoader(photos, 17, 6, steps=2, cache_dir=tmp_path / "cache")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".squares"]


def test_the_cache_goes_by_contents_and_may_be_deleted(photos, photo_folder, tmp_path):
    cache = tmp_path / "cache"
    expected = PhotoLoader(photos, 16, 6, steps=1, cache_dir=cache)[0][0]["rgb"]
    moved = photo_folder.rename(tmp_path / "moved")
    again = PhotoLoader(PhotoSet.from_folder(moved), 16, 6, steps=1, cache_dir=cache)
    assert len(list(cache.iterdir())) == 1
    shutil.rmtree(cache)
    np.testing.assert_array_equal(again[0][0]["rgb"], expected)  # a mapped file outlives its name
    again = PhotoLoader(PhotoSet.from_folder(moved), 16, 6, steps=1, cache_dir=cache)
    np.testing.assert_array_equal(again[0][0]["rgb"], expected)
    PhotoLoader(PhotoSet.from_folder(moved)[:3], 16, 6, steps=1, cache_dir=cache)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "longer", "sides"])
def test_a_damaged_cache_is_built_again(photos, tmp_path, damage):
    expected = PhotoLoader(photos, 16, 6, steps=1, cache_dir=tmp_path / "cache")[0][0]["rgb"]
    (path,) = (tmp_path / "cache").iterdir()
    whole = path.read_bytes()
    path.write_bytes(
        {
            "truncated": whole[:-1],
            "empty": b"",
            "text": b"text",
            "longer": whole + b" ",
            # As many pixels as the file has do not make a square that is larger than any kept.
            "sides": np.array([200, 0, 0, 0, 0, 0], "<u4").tobytes() + whole[24:],
        }[damage]
    )
    loader = PhotoLoader(photos, 16, 6, steps=1, cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(loader[0][0]["rgb"], expected)
    assert path.read_bytes() == whole


def test_where_the_cache_is(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "named"))
    PhotoLoader(photos, 16, 6, steps=1)
    assert len(list((tmp_path / "named" / "photos").iterdir())) == 1
    monkeypatch.delenv("ZOO_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    PhotoLoader(photos, 16, 6, steps=1)
    assert len(list((tmp_path / "colorization-zoo" / "photos").iterdir())) == 1


def build_in_a_process(folder, cache):
    PhotoLoader(PhotoSet.from_folder(folder), 16, 6, steps=1, cache_dir=cache)


def test_two_processes_may_build_at_once(photos, photo_folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    # Forked, so that the slowness is inherited.
    read = loader_module.Photo.read
    with monkeypatch.context() as slow:
        slow.setattr("zoo.photos.photoset.Photo.read", lambda p: time.sleep(0.1) or read(p))
        context = multiprocessing.get_context("fork")
        processes = [
            context.Process(target=build_in_a_process, args=(photo_folder, cache)) for _ in range(2)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(list(cache.iterdir())) == 1
    forbid_decoding(monkeypatch)
    PhotoLoader(photos, 16, 6, steps=1, cache_dir=cache)


def test_a_full_disk(photos, tmp_path, monkeypatch):
    opened = Path.open

    def full(path, mode="r", **options):
        return opened(Path("/dev/full") if mode == "wb" else path, mode, **options)

    with monkeypatch.context() as disk:
        disk.setattr(Path, "open", full)
        with pytest.raises(ZooError) as error:
            PhotoLoader(photos, 16, 6, steps=1, cache_dir=tmp_path / "cache")
    assert_one_sentence(error, "No space left", "ZOO_CACHE")
    assert not list((tmp_path / "cache").iterdir())


def test_a_folder_that_cannot_be_made(photos, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ZooError) as error:
        PhotoLoader(photos, 16, 6, steps=1, cache_dir=tmp_path / "file" / "cache")
    assert_one_sentence(error, "Not a directory", "ZOO_CACHE")


def test_photos_that_are_gone_or_changed(photos, tmp_path):
    shutil.copy(photos[2].path, photos[3].path)
    with pytest.raises(ZooError) as error:
        PhotoLoader(photos, 16, 6, steps=1, cache_dir=tmp_path / "cache")
    assert_one_sentence(error, str(photos[3].path), "changed", "PhotoSet again")
    photos[1].path.unlink()
    with pytest.raises(ZooError) as error:
        PhotoLoader(photos, 16, 6, steps=1, cache_dir=tmp_path / "cache")
    assert_one_sentence(error, str(photos[1].path), "no such file")
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({}, "steps"),
        ({"steps": 0}, "steps"),
        ({"steps": 3, "augment": False}, "steps"),
        ({"steps": 3, "size": 0}, "size"),
        ({"steps": 3, "batch_size": 0}, "batch_size"),
        ({"steps": 3, "seed": -1}, "seed"),
    ],
)
def test_numbers_that_make_no_sense(photos, options, part):
    with pytest.raises(ZooError) as error:
        PhotoLoader(photos, **({"size": 16, "batch_size": 4} | options))
    assert_one_sentence(error, part)


def test_no_photos(photos):
    with pytest.raises(ZooError, match="no photos"):
        PhotoLoader(photos[:0], 16, 4, steps=1)


def test_progress_is_shown_only_when_asked_for(photos, tmp_path, capfd):
    PhotoLoader(photos, 16, 4, steps=1, cache_dir=tmp_path / "a")
    assert capfd.readouterr() == ("", "")
    PhotoLoader(photos, 16, 4, steps=1, cache_dir=tmp_path / "b", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "6/6" in err


def test_keras_sees_each_batch_of_each_round(numbered):
    def total(batch):
        return keras.ops.sum(keras.ops.cast(batch, "int32"), axis=(1, 2, 3))

    photos = keras.Input((4, 4, 3), dtype="uint8", name="rgb")
    model = keras.Model({"rgb": photos}, keras.layers.Lambda(total)(photos))
    loader = PhotoLoader(numbered, 4, 3, steps=4, seed=1)
    for offset in (0, 4):  # a round that starts where the last one ended
        loader.offset = offset
        expected = [loader.batch(offset + i).sum(axis=(1, 2, 3), dtype=int) for i in range(4)]
        np.testing.assert_array_equal(model.predict(loader, verbose=0), np.concatenate(expected))


def test_a_thinned_out_set_is_spread_evenly(numbered, tmp_path):
    loader = PhotoLoader(numbered, 16, 2, augment=False, cache_dir=tmp_path)
    for count in (3, 100):
        loader.thin_out(count)
        found = [number for (batch,) in loader for number in numbers_in(batch["rgb"])]
        assert found == [0, 2, 4]
        assert [photo.path.name for photo in loader.photos] == ["0.png", "2.png", "4.png"]


@pytest.mark.parametrize(("multiple", "left"), [(2, 4), (3, 3), (4, 4), (5, 5)])
def test_a_thinned_out_set_can_be_shared_as_before(numbered, tmp_path, multiple, left):
    given = {"augment": False, "multiple": multiple, "cache_dir": tmp_path}
    loader = PhotoLoader(numbered, 16, 2, **given)
    loader.thin_out(5)
    assert len(loader.photos) == left
