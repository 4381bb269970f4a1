"""Feature vectors of photos, computed once and kept on disk.

One SQLite file per embedding, named by its hash; a row holds a photo's sha256 and the vectors of
the photo and of its mirror image. So a vector never belongs to another photo or another classifier.
Every few photos are one transaction: after a kill, what was finished is there. A damaged file is
made anew; deleting one only costs the time to fill it again.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from zoo.color.spaces import Tensor
from zoo.errors import ZooError
from zoo.files import cache_folder
from zoo.fullsize import FullSize
from zoo.inputs import DerivedInput
from zoo.networks.classifiers import Embedding
from zoo.networks.embeddings import ZeroEmbedding
from zoo.photos.loader import Rows, Samples
from zoo.photos.photoset import Photo, PhotoSet
from zoo.photos.threads import map_in_threads

#: Photos in a transaction.
_BATCH = 32
#: Part of the file's name: raise it when what is kept of a photo changes.
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class EmbeddingInput(DerivedInput):
    """A network's input that an embedding makes from the photo."""

    embedding: Embedding

    @classmethod
    def of(cls, embedding: Embedding) -> "EmbeddingInput":
        return cls(name="embedding", kind="vector", channels=embedding.width, embedding=embedding)

    @property
    def side(self) -> int:
        return self.embedding.size

    def derive(self, squares: Tensor, *, traced: bool = False) -> Tensor:
        return self.embedding.of_squares(squares, traced=traced)

    def rows(self, photos: PhotoSet, *, progress: bool) -> Rows:
        """The vectors of `photos`, from the cache, which is filled with them first."""
        if isinstance(self.embedding, ZeroEmbedding):
            return lambda samples: self.embedding.vectors(samples.positions)
        cache = EmbeddingCache(self.embedding)
        cache.fill(photos, progress=progress)
        return cache.rows(photos)


class EmbeddingCache:
    """The stored vectors of one embedding, in `embeddings` in the zoo's cache folder by default.

    Raises:
        ZooError: if the embedding cannot be read.
    """

    def __init__(self, embedding: Embedding, folder: Path | None = None) -> None:
        self.embedding = embedding
        folder = cache_folder() / "embeddings" if folder is None else folder
        self.path = folder / f"{embedding.sha256[:32]}-v{_VERSION}.sqlite"
        self._bytes = 2 * 4 * embedding.width

    def fill(self, photos: PhotoSet, *, progress: bool = False) -> None:
        """Compute the vectors of all photos that have none yet, in constant memory.

        Raises:
            ZooError: if a photo cannot be read or has changed, or the file cannot be written.
        """
        with self._open() as connection:
            missing = [photo for photo in photos if self._stored(connection, photo.sha256) is None]
            lightness = map_in_threads(self._lightness, missing, "Embedding photos", progress)
            with closing(lightness):
                for first in range(0, len(missing), _BATCH):
                    keys = [photo.sha256 for photo in missing[first : first + _BATCH]]
                    rows = zip(keys, self._both_flips(list(islice(lightness, _BATCH))), strict=True)
                    with connection:
                        connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def rows(self, photos: PhotoSet) -> Rows:
        """Give the vectors of `photos`, which `fill` has computed, to a loader of these photos."""
        return partial(self._look_up, self._connect(), [photo.sha256 for photo in photos])

    def _look_up(
        self, connection: sqlite3.Connection, keys: Sequence[str], samples: Samples
    ) -> np.ndarray:
        rows = np.empty((len(samples.positions), self.embedding.width), "float32")
        photos = zip(samples.positions, samples.mirrored, strict=True)
        for row, (position, mirror) in enumerate(photos):
            stored = self._stored(connection, keys[position])
            if stored is None:
                raise ZooError(
                    f"{self.path} has lost vectors while it was in use; repeat the command."
                )
            rows[row] = np.frombuffer(stored, "<f4").reshape(2, -1)[int(mirror)]
        return rows

    def _stored(self, connection: sqlite3.Connection, key: str) -> bytes | None:
        row = connection.execute("SELECT flips FROM vectors WHERE photo = ?", (key,)).fetchone()
        return row[0] if row is not None and len(row[0]) == self._bytes else None

    def _lightness(self, photo: Photo) -> np.ndarray:
        """(size, size, 1): the classifier's view, before it is turned into gray."""
        size = (self.embedding.size, self.embedding.size)
        rgb = photo.read_for_cache()[None]
        return FullSize(rgb).working_lightness(size)[0]

    def _both_flips(self, lightness: list[np.ndarray]) -> Iterator[bytes]:
        squares = np.stack(lightness)
        flips = [self.embedding.of_squares(each) for each in (squares, squares[:, :, ::-1])]
        for pair in np.stack(flips, axis=1):
            yield pair.astype("<f4").tobytes()

    def _connect(self) -> sqlite3.Connection:
        # A loader reads in the thread that Keras gives it. Another program may be filling.
        return sqlite3.connect(self.path, timeout=60, check_same_thread=False)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The file, made anew if it is missing or damaged."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._sound_connection()) as connection:
                yield connection
        except (OSError, sqlite3.Error) as error:
            raise ZooError(
                f"Cannot write the cache of embeddings {self.path} ({error}); free some space, or "
                "set the environment variable ZOO_CACHE to a folder that you may write to."
            ) from error

    def _sound_connection(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            (state,) = connection.execute("PRAGMA quick_check").fetchone()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # locked, or no place to write: not damaged
            state = str(error)
        if state != "ok":
            connection.close()
            self.path.unlink()
            connection = self._connect()
        columns = "photo TEXT PRIMARY KEY, flips BLOB NOT NULL"
        with connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS vectors ({columns})")
        return connection
