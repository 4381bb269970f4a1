"""Photos, films and jobs: rows in SQLite, files beside them.

Files are named by random ids alone, so that no name that somebody sends becomes a path.
"""

import fcntl
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from zoo.errors import ZooError
from zoo.files import require_writable
from zoo.inference.films.plan import FilmSettings
from zoo.serve.accounts.store import ACCOUNTS
from zoo.serve.database import empty_log, open_database, reading
from zoo.serve.film_formats import FILM_FORMATS
from zoo.serve.ids import OWNER, new_id
from zoo.serve.migrations import migrate
from zoo.serve.refusals import Refusal

State = Literal["queued", "running", "done", "failed"]

#: The suffix of each format's files.
SUFFIXES = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "WEBP": ".webp",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "GIF": ".gif",
}

_METADATA = MetaData()
PHOTOS = Table(
    "photos",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("name", String, nullable=False),
    Column("format", String, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("frames", Integer),
    Column("seconds", Float),
)
JOBS = Table(
    "jobs",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("photo", String, ForeignKey("photos.id", ondelete="CASCADE"), nullable=False),
    Column("model", String, nullable=False),
    Column("options", JSON, nullable=False),
    Column("hints", JSON(none_as_null=True)),
    Column("reference", String),
    Column("transfer", String),
    Column("side", Integer),
    Column("state", String, nullable=False),
    Column("error", String),
    Column("attempts", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("film", JSON(none_as_null=True)),
    Column("notes", JSON(none_as_null=True)),
)
_UNFINISHED = JOBS.c.state.in_(("queued", "running"))
#: Within one tick of the clock rows follow each other as they were written.
_ORDER = text("created, rowid")
_NEWEST_FIRST = text("created DESC, rowid DESC")


@dataclass(frozen=True)
class Photo:
    """An uploaded photo or film.

    Attributes:
        name: as its owner calls it; of no meaning for files.
        format: of its file, one of `SUFFIXES` or of `FILM_FORMATS`.
        width: in px, upright.
        height: likewise.
        owner: the id of the person who uploaded it, and to whom all that is made of it belongs.
        created: in seconds since 1970.
        frames: of a film, how many it seems to have; None for a photo.
        seconds: of a film, how long it seems to be; likewise.
    """

    name: str
    format: str
    width: int
    height: int
    id: str = field(default_factory=new_id)
    owner: str = OWNER
    created: float = field(default_factory=time.time)
    frames: int | None = None
    seconds: float | None = None

    @property
    def is_film(self) -> bool:
        return self.format in FILM_FORMATS


@dataclass(frozen=True)
class StoredJob:
    """A coloring that somebody has asked for.

    Attributes:
        photo: the id of the photo.
        model: its name.
        options: those that were given.
        hints: as JSON, or None.
        reference: the id of the photo whose colors are taken, or None.
        transfer: how they are taken.
        side: the long side of a preview, in px; None for the full size.
        state: where it stands.
        error: one sentence, if it failed.
        attempts: how often it has been started.
        created: in seconds since 1970.
        film: where a film is to be colored the `FilmSettings` that were chosen; None for pictures.
        notes: what its owner should know of the result, a sentence each.
    """

    photo: str
    model: str
    options: dict[str, float]
    hints: dict[str, Any] | None = None
    reference: str | None = None
    transfer: str | None = None
    side: int | None = None
    id: str = field(default_factory=new_id)
    state: State = "queued"
    error: str | None = None
    attempts: int = 0
    created: float = field(default_factory=time.time)
    film: dict[str, Any] | None = None
    notes: list[str] | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed")


class Store:
    """Everything that a server keeps, in one folder, of which it is the only user.

    Args:
        folder: is made if it is missing.

    Attributes:
        engine: of its database.

    Raises:
        ZooError: if it cannot be written, another server uses it, or a newer version wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for part in (folder, self._photos, self._results, self.scratch):
            require_writable(part)
        # Photos are private: other users of the machine have no business here.
        folder.chmod(0o700)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise ZooError(
                f"Another server uses {folder}; stop it, or give another folder with --data."
            ) from error
        self.engine = open_database(folder / "zoo.sqlite")
        self._reads = reading(self.engine)
        try:
            migrate(self.engine)
        except BaseException:
            self.close()
            raise
        self._sweep()

    @property
    def _photos(self) -> Path:
        return self._folder / "photos"

    @property
    def _results(self) -> Path:
        return self._folder / "results"

    @property
    def scratch(self) -> Path:
        """The folder of files that live as long as a request."""
        return self._folder / "scratch"

    def close(self) -> None:
        """Let go of the folder."""
        self.engine.dispose()
        self._lock.close()

    # ------------------------------------------------------------------ files

    def file_of(self, photo: Photo) -> Path:
        """The file of a photo or film as it was uploaded."""
        if photo.is_film:
            return self._photos / f"{photo.id}{FILM_FORMATS[photo.format].suffix}"
        return self._photos / f"{photo.id}{SUFFIXES[photo.format]}"

    def picture_of(self, photo: Photo) -> Path:
        """The file of what is shown of it: of a film its first frame."""
        return self._photos / f"{photo.id}.png" if photo.is_film else self.file_of(photo)

    def result_of(self, job: StoredJob, photo: Photo) -> Path:
        """The file of a job's result: a preview as JPEG, else in the photo's own format.

        A film is in its own container, if that can hold the codec.
        """
        if job.film is not None:
            named = Path(f"{job.id}{self.file_of(photo).suffix}")
            return self._results / FilmSettings(**job.film).name_of(named)
        suffix = ".jpg" if job.side is not None else result_suffix(photo.format)
        return self._results / f"{job.id}{suffix}"

    def forget_photo(self, photo: Photo) -> None:
        """Delete the files of a photo or film."""
        for file in {self.file_of(photo), self.picture_of(photo)}:
            file.unlink(missing_ok=True)

    def forget_result(self, job: StoredJob) -> None:
        """Delete a job's result, and what is finished of a film that is not done."""
        for file in self._results.glob(f"*{job.id}.*"):
            shutil.rmtree(file, ignore_errors=True) if file.is_dir() else file.unlink(True)

    def _sweep(self) -> None:
        """Delete files that no row knows: what was left of a process that was killed.

        What is finished of a film stays, as long as its job goes on with it.
        """
        with self._reads.begin() as connection:
            known = set(connection.scalars(select(PHOTOS.c.id)))
            known |= set(connection.scalars(select(JOBS.c.id).where(JOBS.c.state == "done")))
            going_on = select(JOBS.c.id).where(JOBS.c.film.is_not(None), _UNFINISHED)
            kept = {f".{one}" for one in connection.scalars(going_on)}
        for file in (*self._photos.iterdir(), *self._results.iterdir()):
            if file.is_dir() and Path(file.stem).stem not in kept:
                shutil.rmtree(file)
            elif file.is_file() and file.stem not in known:
                file.unlink()
        for left in self.scratch.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    # ------------------------------------------------------------------ photos

    def add_photo(self, photo: Photo) -> bool:
        """Record a photo whose file is there; False if its owner's account has been deleted."""
        account = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == photo.owner)
        with self.engine.begin() as connection:
            if photo.owner != OWNER and connection.execute(account).first() is None:
                return False
            connection.execute(insert(PHOTOS).values(**vars(photo)))
        return True

    def photo(self, identifier: str) -> Photo | None:
        """A photo by its id."""
        with self._reads.begin() as connection:
            row = connection.execute(select(PHOTOS).where(PHOTOS.c.id == identifier)).first()
        return None if row is None else Photo(**row._mapping)

    def photos(self, owner: str) -> list[Photo]:
        """All photos of a person, the newest first."""
        query = select(PHOTOS).where(PHOTOS.c.owner == owner).order_by(_NEWEST_FIRST)
        with self._reads.begin() as connection:
            rows = connection.execute(query).all()
        return [Photo(**row._mapping) for row in rows]

    def count_photos(self, owner: str, *, films: bool) -> int:
        """How many photos a person has; or how many films."""
        kind = PHOTOS.c.frames.is_not(None) if films else PHOTOS.c.frames.is_(None)
        query = select(func.count()).where(PHOTOS.c.owner == owner, kind)
        with self._reads.begin() as connection:
            return connection.execute(query).scalar_one()

    def photos_before(self, moment: float) -> list[Photo]:
        """Those uploaded before a time in seconds since 1970."""
        with self._reads.begin() as connection:
            rows = connection.execute(select(PHOTOS).where(PHOTOS.c.created < moment)).all()
        return [Photo(**row._mapping) for row in rows]

    def delete_photo(self, photo: Photo) -> list[StoredJob]:
        """Delete a photo, its jobs and all of their files; return those jobs."""
        with self.engine.begin() as connection:
            rows = connection.execute(select(JOBS).where(JOBS.c.photo == photo.id)).all()
            connection.execute(delete(PHOTOS).where(PHOTOS.c.id == photo.id))
        jobs = [StoredJob(**row._mapping) for row in rows]
        self._delete_files([photo], jobs)
        return jobs

    def delete_owner(self, owner: str) -> list[StoredJob]:
        """Delete an account with its photos, jobs and all of their files; return those jobs."""
        theirs = PHOTOS.c.owner == owner
        made = JOBS.c.photo.in_(select(PHOTOS.c.id).where(theirs))
        with self.engine.begin() as connection:
            rows = connection.execute(select(JOBS).where(made)).all()
            jobs = [StoredJob(**row._mapping) for row in rows]
            rows = connection.execute(select(PHOTOS).where(theirs)).all()
            connection.execute(delete(PHOTOS).where(theirs))
            connection.execute(delete(ACCOUNTS).where(ACCOUNTS.c.id == owner))
        empty_log(self.engine)
        self._delete_files([Photo(**row._mapping) for row in rows], jobs)
        return jobs

    def _delete_files(self, photos: list[Photo], jobs: list[StoredJob]) -> None:
        for job in jobs:
            self.forget_result(job)
        for photo in photos:
            self.forget_photo(photo)

    # ------------------------------------------------------------------ jobs

    def add_job(self, job: StoredJob) -> None:
        """Record a job.

        Raises:
            Refusal: if its photo, or its owner's account, has been deleted meanwhile.
        """
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(JOBS).values(**vars(job)))
        except IntegrityError as error:
            raise Refusal(404, "There is no such photo; it may have been deleted.") from error

    def job(self, identifier: str) -> StoredJob | None:
        """A job by its id."""
        with self._reads.begin() as connection:
            row = connection.execute(select(JOBS).where(JOBS.c.id == identifier)).first()
        return None if row is None else StoredJob(**row._mapping)

    def unfinished(self) -> list[StoredJob]:
        """Jobs that wait or run, in their order."""
        with self._reads.begin() as connection:
            rows = connection.execute(select(JOBS).where(_UNFINISHED).order_by(_ORDER)).all()
        return [StoredJob(**row._mapping) for row in rows]

    def old_previews(self, photo: Photo, kept: int) -> list[StoredJob]:
        """Previews of a photo that have ended, without the newest ones."""
        ended = JOBS.c.side.is_not(None) & JOBS.c.state.in_(("done", "failed"))
        query = select(JOBS).where((JOBS.c.photo == photo.id) & ended)
        with self._reads.begin() as connection:
            rows = connection.execute(query.order_by(_NEWEST_FIRST).offset(kept)).all()
        return [StoredJob(**row._mapping) for row in rows]

    def count_versions(self, film: Photo) -> int:
        """How often a film has been colored, or is going to be; what failed does not count."""
        counted = (JOBS.c.photo == film.id) & JOBS.c.film.is_not(None) & (JOBS.c.state != "failed")
        with self.engine.begin() as connection:
            return connection.execute(select(func.count()).where(counted)).scalar_one()

    def start_job(self, identifier: str) -> StoredJob | None:
        """Record that a job runs; None if it has been deleted."""
        self._change(identifier, state="running", attempts=JOBS.c.attempts + 1)
        return self.job(identifier)

    def end_job(
        self, identifier: str, error: str | None = None, notes: list[str] | None = None
    ) -> bool:
        """Record how a job ended; False if it has been deleted meanwhile."""
        state = "failed" if error else "done"
        return self._change(identifier, state=state, error=error, notes=notes)

    def postpone_job(self, identifier: str) -> bool:
        """Record that a job waits again, as if it had not been started; False if it is deleted."""
        return self._change(identifier, state="queued", attempts=JOBS.c.attempts - 1)

    def delete_job(self, job: StoredJob) -> None:
        """Delete a job and its result."""
        with self.engine.begin() as connection:
            connection.execute(delete(JOBS).where(JOBS.c.id == job.id))
        self.forget_result(job)

    def _change(self, identifier: str, **values: Any) -> bool:
        with self.engine.begin() as connection:
            changed = connection.execute(update(JOBS).where(JOBS.c.id == identifier).values(values))
            return changed.rowcount > 0


def result_suffix(photo_format: str) -> str:
    """The suffix of a colored photo's file: GIF has too few colors, and becomes PNG."""
    return SUFFIXES["PNG" if photo_format == "GIF" else photo_format]
