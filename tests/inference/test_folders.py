"""Coloring folders: as one by one, but for the time."""

import errno
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from conftest import pixels
from icc_profiles import P3, rgb_profile
from PIL import Image

from zoo import conformance, create_model
from zoo.errors import ZooError
from zoo.inference import folders
from zoo.inference.folders import SmallCopies, run_jobs
from zoo.inference.jobs import Job, Outcome, plan_jobs
from zoo.networks.runner import FixedWeights
from zoo.photos.decoding import read_photo
from zoo.photos.vips import has_16_bits, read_deep, write_deep


@pytest.fixture
def photos(tmp_path):
    """Seven photos of three sizes, one with opacity, and two files that are none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, (height, width) in enumerate([(40, 56)] * 4 + [(56, 40)] * 2 + [(30, 30)]):
        rgb = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(rgb).save(folder / f"{number}.png")
    with Image.open(folder / "2.png") as image:
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        image.save(folder / "2.png")
    (folder / "0a.png").write_bytes((folder / "0.png").read_bytes()[:200])
    (folder / "5a.jpg").write_text("no photo")
    return folder


def test_mistakes_are_found_before_a_framework_is_loaded():
    code = "import sys, zoo.inference.jobs; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def model():
    return conformance.shaken(create_model("zhang:tiny"))


def test_a_folder_gets_the_colors_of_its_photos(photos, model, tmp_path):
    jobs = plan_jobs([photos], tmp_path / "out", confidence=True)
    (tmp_path / "out").mkdir()
    outcome = run_jobs(model, jobs, {"render_factor": 3, "temperature": 0.5})
    assert outcome.failures.keys() == {"0a.png", "5a.jpg"}
    options = {"render_factor": 3, "temperature": 0.5}
    for number in range(7):
        expected = model.colorize(photos / f"{number}.png", **options)
        with Image.open(tmp_path / "out" / f"{number}.png") as image:
            found = np.array(image)
        assert found.shape == expected.shape
        # Several photos at a time may be rounded otherwise.
        assert np.abs(found.astype(int) - expected).max() <= 1
        sure = model.confidence(photos / f"{number}.png", **options)
        stored = pixels(tmp_path / "out" / f"{number}_confidence.png")[..., 0]
        np.testing.assert_allclose(stored, 255 * sure, atol=1)
    assert len(list((tmp_path / "out").iterdir())) == 14


@pytest.mark.parametrize(
    ("most", "most_seen", "expected"),
    [
        (2**21, 2**18, [4, 2, 1]),
        (5000, 2**18, [2, 2, 2, 1]),
        (1, 2**18, [1] * 7),
        (2**21, 1, [1] * 7),
    ],
)
def test_neighbors_of_one_size_are_seen_together(
    photos, model, tmp_path, monkeypatch, most, most_seen, expected
):
    seen = []
    run = FixedWeights.__call__

    def noted(runner, network, inputs):
        seen.append(len(inputs["lightness"]))
        return run(runner, network, inputs)

    monkeypatch.setattr(FixedWeights, "__call__", noted)
    monkeypatch.setattr(folders, "_TOGETHER", most)
    monkeypatch.setattr(folders, "_SEEN_TOGETHER", most_seen)
    for broken in ("0a.png", "5a.jpg"):
        (photos / broken).unlink()
    (tmp_path / "out").mkdir()
    assert run_jobs(model, plan_jobs([photos], tmp_path / "out"), {"render_factor": 3}) == Outcome()
    assert seen == expected


def test_the_profile_is_kept_where_that_is_asked_for(model, tmp_path):
    profile, source = rgb_profile(*P3), tmp_path / "photo.png"
    rgb = np.random.default_rng(0).integers(60, 200, (40, 56, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(source, icc_profile=profile)
    for name, keep in (("srgb", False), ("own", True)):
        (tmp_path / name).mkdir()
        assert run_jobs(model, plan_jobs([source], tmp_path / name), {}, keep) == Outcome()
    plain, kept = (read_photo(tmp_path / name / "photo.png") for name in ("srgb", "own"))
    assert (plain.profile, kept.profile) == (None, profile)
    # The same colors, but for the levels of the other profile.
    assert np.abs(plain.rgb.astype(int) - kept.rgb).mean() < 1.5


@pytest.fixture
def deep(tmp_path):
    """Photos of 16 bits a channel, in gray and in color, and one of 8."""
    pytest.importorskip("pyvips", reason="the extra `vips` is not installed")
    folder = tmp_path / "deep"
    folder.mkdir()
    rgb = np.random.default_rng(0).integers(0, 65536, (40, 56, 3), dtype=np.uint16)
    write_deep(folder / "color.png", rgb)
    Image.fromarray(rgb[..., 0]).save(folder / "gray.tif")
    Image.fromarray((rgb // 257).astype(np.uint8)).save(folder / "plain.png")
    return folder


def test_16_bits_stay_16(deep, model, tmp_path):
    (tmp_path / "out").mkdir()
    assert run_jobs(model, plan_jobs([deep], tmp_path / "out"), {}) == Outcome()
    for name in ("color.png", "gray.tif"):
        found = read_deep((tmp_path / "out" / name).read_bytes(), name).rgb
        coarse = model.colorize(deep / name)
        assert len(np.unique(found)) > 3000
        assert np.abs(found / 257 - coarse).mean() < 0.6
    assert not has_16_bits((tmp_path / "out" / "plain.png").read_bytes())


def test_what_gets_8_bits_is_counted(deep, model, tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "has_vips", lambda: False)
    (tmp_path / "out").mkdir()
    assert run_jobs(model, plan_jobs([deep], tmp_path / "out"), {}) == Outcome(reduced=2)
    np.testing.assert_array_equal(
        pixels(tmp_path / "out" / "gray.tif"), model.colorize(deep / "gray.tif")
    )


def test_a_full_disk_ends_the_run_and_what_is_done_stays(photos, model, tmp_path, monkeypatch):
    written, save = [], Image.Image.save

    def full(image, *given, **options):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(save(image, *given, **options))

    monkeypatch.setattr(Image.Image, "save", full)
    (tmp_path / "out").mkdir()
    with pytest.raises(ZooError, match="No space left on device"):
        run_jobs(model, plan_jobs([photos], tmp_path / "out"), {"render_factor": 3})
    monkeypatch.undo()
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(made) == 3
    assert all(pixels(tmp_path / "out" / name).any() for name in made)


def test_small_versions_by_several_models_share_one_decoding(photos, model, tmp_path, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        folders, "read_photo", lambda data: decoded.append(data) or read_photo(data)
    )
    other = create_model("gray")
    jobs = [Job(photos / f"{number}.png", "a photo", tmp_path / "small.png") for number in (0, 4)]

    def made(copies):
        found = []
        for job in jobs:
            for side in (16, 20):
                for one in (model, other):
                    outcome = run_jobs(one, [replace(job, side=side)], {}, copies=copies)
                    assert not outcome.failures
                    found.append(pixels(job.target))
        return found

    apart = made(None)
    assert len(decoded) == 8
    for first, second in zip(apart, made(SmallCopies()), strict=True):
        np.testing.assert_array_equal(first, second)
    assert len(decoded) == 8 + 4
    assert max(max(picture.shape) for picture in apart) == 20


def test_few_small_copies_are_kept(photos, monkeypatch):
    monkeypatch.setattr(folders, "_MOST_COPIES", 2)
    copies = SmallCopies()
    first = [copies.of(photos / f"{number}.png", 16) for number in (0, 1)]
    assert copies.of(photos / "0.png", 16) is first[0]
    copies.of(photos / "2.png", 16)  # the one of 1.png came longest ago
    assert copies.of(photos / "0.png", 16) is first[0]
    assert copies.of(photos / "1.png", 16) is not first[1]


def test_a_copy_is_made_once_for_all_threads_and_no_photo_waits_for_another(photos, monkeypatch):
    begun, go_on, plain = threading.Event(), threading.Event(), folders._small

    def slow(source, side):
        made.append(source.name)
        if source.name == "0.png":
            begun.set()
            assert go_on.wait(60)
        return plain(source, side)

    made: list[str] = []
    monkeypatch.setattr(folders, "_small", slow)
    copies = SmallCopies()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(copies.of, photos / "0.png", 16)]
        assert begun.wait(60)
        waiting.append(pool.submit(copies.of, photos / "0.png", 16))
        copies.of(photos / "1.png", 16)  # while the other one is being made
        go_on.set()
        first, second = (one.result() for one in waiting)
    assert first is second
    assert made == ["0.png", "1.png"]


def test_a_photo_that_cannot_be_read_is_tried_again(photos):
    copies, path = SmallCopies(), photos / "0a.png"
    for _ in range(2):
        with pytest.raises(ZooError, match="truncated"):
            copies.of(path, 16)
    path.write_bytes((photos / "0.png").read_bytes())
    assert copies.of(path, 16).size == (40, 56)
