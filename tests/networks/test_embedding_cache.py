import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.networks.classifiers import Embedding, Spec
from zoo.networks.embedding_cache import EmbeddingCache
from zoo.photos.loader import PhotoLoader, Samples
from zoo.photos.photoset import PhotoSet

ROOT = Path(__file__).parents[2]


class Corners(Embedding):
    """The four corners of an 8 x 8 square, and a count of the photos that it saw."""

    width, size = 4, 8

    def __init__(self, sha256="a" * 64):
        super().__init__(Spec("zeros"))
        self.hash, self.seen = sha256, 0

    @property
    def sha256(self):
        return self.hash

    def vectors(self, gray):
        self.seen += len(gray)
        return gray[:, [0, 0, -1, -1], [0, -1, 0, -1], 0]

    def vectors_in_graph(self, gray):
        raise NotImplementedError


@pytest.fixture
def photos(tmp_path):
    """Seventy random photos: more than two transactions."""
    root = tmp_path / "photos"
    root.mkdir()
    rng = np.random.default_rng(0)
    for number in range(70):
        coarse = rng.integers(0, 256, (3, 4, 3), dtype=np.uint8)
        photo = Image.fromarray(coarse).resize((24, 18), Image.Resampling.BICUBIC)
        photo.save(root / f"{number:02}.png")
    return PhotoSet.from_folder(root)


def rows(cache, photos, mirrored=False):
    return cache.rows(photos)(samples_of(range(len(photos)), mirrored))


def samples_of(positions, mirrored):
    positions = np.array(positions)
    return Samples(None, positions, np.full(len(positions), mirrored), positions, seed=0)


def test_vectors_are_those_of_the_photo_and_of_its_mirror_image(photos, tmp_path):
    cache = EmbeddingCache(Corners(), tmp_path / "cache")
    cache.fill(photos)
    for index in (0, 31, 32, 69):
        rgb = photos[index].read()[None]
        for mirrored, seen in ((False, rgb), (True, rgb[:, :, ::-1])):
            (row,) = cache.rows(photos)(samples_of([index], mirrored))
            np.testing.assert_allclose(
                row,
                Corners().of_squares(FullSize(seen).working_lightness((8, 8)))[0],
                atol=1e-5,
            )


def test_nothing_is_computed_twice(photos, tmp_path):
    embedding = Corners()
    EmbeddingCache(embedding, tmp_path / "cache").fill(photos[:40])
    assert embedding.seen == 80
    cache = EmbeddingCache(embedding, tmp_path / "cache")
    cache.fill(photos)
    cache.fill(photos)
    assert embedding.seen == 140
    assert rows(cache, photos).shape == (70, 4)


def test_what_was_finished_survives_a_kill(photos, tmp_path):
    """A process that is killed while it embeds the third batch of photos."""
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from test_embedding_cache import Corners\n"
        "from zoo.networks.embedding_cache import EmbeddingCache\n"
        "from zoo.photos.photoset import PhotoSet\n"
        "class Killed(Corners):\n"
        "    def vectors(self, gray):\n"
        "        if self.seen >= 128:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return super().vectors(gray)\n"
        "photos = PhotoSet.from_folder(sys.argv[1])\n"
        "EmbeddingCache(Killed(), Path(sys.argv[2])).fill(photos)\n"
    )
    folder = tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, "-c", code, photos[0].path.parent, folder],
        env={"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}", "PATH": ""},
        check=False,
        capture_output=True,
    )
    assert done.returncode == -9, done.stderr
    embedding = Corners()
    cache = EmbeddingCache(embedding, folder)
    cache.fill(photos)
    assert embedding.seen == 2 * (70 - 64)
    undisturbed = EmbeddingCache(Corners(), tmp_path / "other")
    undisturbed.fill(photos)
    np.testing.assert_array_equal(rows(cache, photos), rows(undisturbed, photos))


def test_another_classifier_has_another_file(photos, tmp_path):
    first = EmbeddingCache(Corners("a" * 64), tmp_path / "cache")
    second = EmbeddingCache(Corners("b" * 64), tmp_path / "cache")
    first.fill(photos[:3])
    second.fill(photos[:3])
    assert first.path != second.path
    assert second.embedding.seen == 6


def test_a_changed_photo_is_another_one(photos, tmp_path):
    cache = EmbeddingCache(Corners(), tmp_path / "cache")
    cache.fill(photos[:5])
    before = rows(cache, photos[:5])
    Image.new("RGB", (24, 18), (200, 10, 10)).save(photos[2].path)
    with pytest.raises(ZooError, match="changed after its set was made"):
        EmbeddingCache(Corners("b" * 64), tmp_path / "cache").fill(photos[:5])
    again = PhotoSet.from_folder(photos[0].path.parent)[:5]
    cache.fill(again)
    after = rows(cache, again)
    assert (after[2] != before[2]).any()
    np.testing.assert_array_equal(np.delete(after, 2, 0), np.delete(before, 2, 0))


def test_the_file_may_be_deleted(photos, tmp_path):
    cache = EmbeddingCache(Corners(), tmp_path / "cache")
    cache.fill(photos[:5])
    before = rows(cache, photos[:5])
    cache.path.unlink()
    cache.fill(photos[:5])
    np.testing.assert_array_equal(rows(cache, photos[:5]), before)


@pytest.mark.parametrize("keep", [0, 1, 100, 5000])
def test_a_damaged_file_is_made_anew(photos, tmp_path, keep):
    cache = EmbeddingCache(Corners(), tmp_path / "cache")
    cache.fill(photos)
    before = rows(cache, photos)
    content = cache.path.read_bytes()
    cache.path.write_bytes(content[:keep] + b"\xff" * (len(content) - keep))
    cache.fill(photos)
    np.testing.assert_array_equal(rows(cache, photos), before)


def test_vectors_of_a_wrong_length_are_computed_again(photos, tmp_path):
    import sqlite3

    cache = EmbeddingCache(Corners(), tmp_path / "cache")
    cache.fill(photos[:5])
    before = rows(cache, photos[:5])
    connection = sqlite3.connect(cache.path)
    with connection:
        connection.execute("UPDATE vectors SET flips = x'00' WHERE photo = ?", (photos[1].sha256,))
    connection.close()
    cache.fill(photos[:5])
    np.testing.assert_array_equal(rows(cache, photos[:5]), before)


def test_a_folder_that_cannot_be_written(photos, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ZooError, match="set the environment variable ZOO_CACHE"):
        EmbeddingCache(Corners(), tmp_path / "cache").fill(photos[:5])


def test_a_loader_gives_each_photo_its_own_vector(photos, tmp_path):
    """Found by the colors: the batch's photo or its mirror image is the nearest of all."""
    cache = EmbeddingCache(Corners(), tmp_path / "cache")
    cache.fill(photos)
    settings = {"steps": 3, "seed": 3, "cache_dir": tmp_path / "photos-cache"}
    loader = PhotoLoader(photos, 16, 8, rows={"vectors": cache.rows(photos)}, **settings)
    plain = PhotoLoader(photos, 16, 8, **settings)
    stored = np.stack([rows(cache, photos), rows(cache, photos, mirrored=True)], axis=1)
    squares = [np.asarray(_square(photo)) for photo in photos]
    for step in range(3):
        ((batch, vectors),) = (found.values() for found in loader[step])
        np.testing.assert_array_equal(batch, plain.batch(step))
        samples = loader.samples(step)
        positions, mirrored = samples.positions, samples.mirrored
        np.testing.assert_array_equal(vectors, stored[positions, mirrored.astype(int)])
        for photo, position, mirror in zip(batch, positions, mirrored, strict=True):
            flips = [square[:, ::-1] if mirror else square for square in squares]
            distances = [np.abs(photo.astype(int) - flip).mean() for flip in flips]
            assert np.argmin(distances) == position


def _square(photo):
    image = Image.open(photo.path)
    return image.crop((3, 0, 21, 18)).resize((16, 16), Image.Resampling.BICUBIC)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as Linux gives it")
def test_memory_does_not_grow_with_the_number_of_photos(tmp_path):
    """Peaks of one process after 70 and after 420 photos, whose vectors are long."""
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from PIL import Image\n"
        "from benchmarks.harness.memory import peak_memory\n"
        "from test_embedding_cache import Corners\n"
        "from zoo.networks.embedding_cache import EmbeddingCache\n"
        "from zoo.photos.photoset import PhotoSet\n"
        "class Wide(Corners):\n"
        "    width = 16000\n"
        "    def vectors(self, gray):\n"
        "        return np.repeat(super().vectors(gray), 4000, axis=1)\n"
        "root = Path(sys.argv[1])\n"
        "for number in range(420):\n"
        "    photo = Image.new('RGB', (8, 8), (number % 256, number // 256, 7))\n"
        "    photo.save(root / f'{number}.bmp')\n"
        "photos = PhotoSet.from_folder(root)\n"
        "cache = EmbeddingCache(Wide(), root)\n"
        "cache.fill(photos[:70])\n"
        "few = peak_memory()\n"
        "cache.fill(photos)\n"
        "print(few, peak_memory())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        env={"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}", "PATH": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    few, many = map(float, done.stdout.split())
    assert many - few < 15  # MB; the vectors of 350 photos are 45
