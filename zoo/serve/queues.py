"""The queues of photos and films, and how their jobs are colored and recorded."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError

from zoo.errors import ZooError
from zoo.hints.marks import Hints
from zoo.inference.films.plan import FilmSettings
from zoo.inference.folders import SmallCopies
from zoo.serve.changes import Changes
from zoo.serve.coloring import Wish, color
from zoo.serve.disk import CANNOT_WRITE, is_of_disk
from zoo.serve.films import FilmRun, Stopped, color_film
from zoo.serve.pool import Place, Pool
from zoo.serve.served_models import ServedModels
from zoo.serve.settings import Settings
from zoo.serve.store import Photo, Store, StoredJob

Written = TypeVar("Written")

_LOG = logging.getLogger("zoo.serve")
#: How long a full disk is left alone, in seconds.
_TRYING_AGAIN = 1.0
#: A job that was running so often when the process ended may be what ends it.
_MOST_ATTEMPTS = 2


class Queues:
    """Jobs that wait or are colored: photos in one queue, films in another.

    Args:
        settings: see `Settings`.
        models: those that are offered.
        store: where jobs are recorded, and results are kept.
        changes: is told what becomes of jobs.
    """

    def __init__(
        self, settings: Settings, models: ServedModels, store: Store, changes: Changes
    ) -> None:
        self._models, self._store, self._changes = models, store, changes
        waiting = settings.limits.waiting
        self._photos = Pool(settings.workers, waiting, changes.tell)
        # A film takes minutes to hours, for which photos do not wait.
        self._films = Pool(1, waiting, changes.tell, "films")
        self._film_runs: dict[str, FilmRun] = {}
        self._stopped = threading.Event()
        self._copies = SmallCopies()

    def resume(self) -> None:
        """Go on with what an earlier process has left."""
        for job in self._store.unfinished():
            if job.attempts >= _MOST_ATTEMPTS:
                kind = "photo" if job.film is None else "film"
                sentence = f"The server ended twice while it colored this; try a smaller {kind}."
                self._store.end_job(job.id, sentence)
                self._store.forget_result(job)
            else:
                self.add(job, again=True)

    def end(self) -> None:
        """Let all go who wait for something: it is not begun any more."""
        self._stopped.set()
        for run in list(self._film_runs.values()):
            run.stop()
        for pool in (self._photos, self._films):
            pool.end()

    def stop(self) -> None:
        """Finish photos that run; films go on after the next start, when what waits is colored."""
        self._films.stop()
        self._photos.stop()

    def require_room(self, job: StoredJob | None = None) -> None:
        """Refuse at once what there is no room for; None stands for a photo.

        Raises:
            Refusal: as `add`.
        """
        (self._photos if job is None else self._pool_of(job)).require_room()

    def add(self, job: StoredJob, again: bool = False) -> None:
        """Put a job that is recorded at the end of its queue.

        Raises:
            Refusal: if it is full, unless the job was in it already, `again`, or the server stops.
        """
        run = self._run if job.film is None else self._run_film
        self._pool_of(job).submit(job.id, lambda: run(job.id), again=again)

    def add_unrecorded(self, key: str, run: Callable[[], Any]) -> "Future[Any]":
        """Put the coloring of a photo of which nothing is kept at the end of the queue.

        Raises:
            Refusal: if it is full, or the server stops.
        """
        return self._photos.submit(key, run)

    def place(self, identifier: str) -> Place | None:
        """Where a job stands; None if it is in no queue."""
        return self._photos.place(identifier) or self._films.place(identifier)

    def place_of_photo(self, identifier: str) -> Place | None:
        """The same, where a film is in none."""
        return self._photos.place(identifier)

    def film_run(self, identifier: str) -> FilmRun | None:
        """How far the coloring of a film is; None if it does not run."""
        return self._film_runs.get(identifier)

    def cancel(self, job: StoredJob) -> None:
        """Take a job out of its queue; a film that is being colored stops soon."""
        self._pool_of(job).cancel(job.id)
        run = self._film_runs.get(job.id)
        if run is not None:
            run.stop()

    def _pool_of(self, job: StoredJob) -> Pool:
        return self._photos if job.film is None else self._films

    def _run(self, identifier: str) -> None:
        """Color a job's photo and record what has become of it; in a thread of the pool."""
        started = self._started(identifier)
        if started is None:
            return
        job, photo = started
        target = self._store.result_of(job, photo)
        with self._recorded(job):
            source, wish = self._store.picture_of(photo), self._wish(job)
            color(self._models, source, target, wish, self._copies)

    def _run_film(self, identifier: str) -> None:
        """The same for a film."""
        # Known before it is looked up: who deletes it from now on can stop it.
        run = self._film_runs[identifier] = FilmRun(self._changes.tell)
        try:
            started = self._started(identifier)
            if started is None:
                return
            if self._stopped.is_set():
                run.stop()
            job, photo = started
            with self._recorded(job) as notes:
                wish = self._wish(job)
                settings = FilmSettings(**(job.film or {}), reference=wish.reference)
                source, target = self._store.file_of(photo), self._store.result_of(job, photo)
                model = self._models.loaded(job.model)
                notes += color_film(model, source, target, settings, job.options, run)
        finally:
            del self._film_runs[identifier]
            self._changes.tell()

    def _started(self, identifier: str) -> tuple[StoredJob, Photo] | None:
        """A job that runs from now on, and its photo; None if they have been deleted."""
        job = self._written(lambda: self._store.start_job(identifier))
        photo = None if job is None else self._store.photo(job.photo)
        if job is None or photo is None:
            return None
        self._changes.tell()
        return job, photo

    @contextmanager
    def _recorded(self, job: StoredJob) -> Iterator[list[str]]:
        """Record what has become of a job in the block, with the notes that it adds to the list."""
        notes: list[str] = []
        error, stopped = None, False
        try:
            yield notes
        except Stopped:
            stopped = True
        except Exception as failure:  # noqa: BLE001 - one job must not end the others
            error = _sentence(failure)
        if stopped:
            is_known = self._written(lambda: self._store.postpone_job(job.id))
        else:
            is_known = self._written(lambda: self._store.end_job(job.id, error, notes or None))
        if error is not None or not is_known:  # deleted while it ran
            self._store.forget_result(job)
        self._changes.tell()

    def _written(self, write: Callable[[], Written]) -> Written:
        """Write into the database; while the disk is full, again and again.

        Without that a job would stay where it is until the next start. A server that stops leaves
        it for then.
        """
        while True:
            try:
                return write()
            except OperationalError as error:
                if not is_of_disk(error):
                    raise
                _LOG.error(str(error.orig))
                if self._stopped.wait(_TRYING_AGAIN):
                    raise

    def _wish(self, job: StoredJob) -> Wish:
        wish = Wish(job.model, job.options, transfer=job.transfer, side=job.side)
        if job.hints is not None:
            wish = replace(wish, hints=Hints.from_json(job.hints))
        if job.reference is not None:
            reference = self._store.photo(job.reference)
            if reference is None:
                raise ZooError("The reference has been deleted; give another one.")
            wish = replace(wish, reference=self._store.picture_of(reference))
        return wish


def _sentence(error: Exception) -> str:
    """What is told of a job that has failed."""
    if is_of_disk(error):
        _LOG.error(str(error))
        return CANNOT_WRITE
    if isinstance(error, ZooError):
        return str(error)
    _LOG.error("A job has failed.", exc_info=error)
    return "Something went wrong in the server; its log says what."
