"""What a server does: photos and films come in, jobs are colored, both are forgotten.

What belongs to somebody is found by its id and that person together; to all others it is unknown,
and so are the methods that take a photo or a job: nobody has one that is not theirs.
"""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, BinaryIO

from zoo.errors import ZooError
from zoo.files import atomic_path, spoken_failure
from zoo.hints.marks import Hints
from zoo.hints.suggestions import Suggestion
from zoo.serve.accounts.accounts import Accounts
from zoo.serve.accounts.keys import Key
from zoo.serve.bodies import JobBody, JobRequest, PhotoBody, SuggestionsRequest
from zoo.serve.changes import Changes
from zoo.serve.coloring import QUICK_METHODS, Wish, check_transfer, color, gray_jpeg
from zoo.serve.film_formats import HEAD, film_format
from zoo.serve.films import (
    check_film,
    film_settings,
    require_films,
)
from zoo.serve.ids import new_id
from zoo.serve.intake import FILMS_TAKEN, Checked, check_photo, safe_name, too_many_bytes
from zoo.serve.queues import Queues
from zoo.serve.refusals import Refusal
from zoo.serve.served_models import ServedModels
from zoo.serve.settings import Settings
from zoo.serve.store import SUFFIXES, Photo, Store, StoredJob, result_suffix

_DAY = 24 * 60 * 60.0
#: How often photos that are too old are looked for, in seconds.
_CLEANING = 60 * 60.0


class Service:
    """Photos, jobs and the threads that color them.

    Args:
        settings: see `Settings`.
        clock: the time now, in seconds since 1970, for sessions and how often something is tried.

    Attributes:
        models: those that are offered.
        store: where everything is kept.
        changes: tells what has become of jobs.
        queues: of jobs that wait or are colored.
        accounts: of people; None where there is one alone.

    Raises:
        ZooError: if a model or the folder cannot be used.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.models = ServedModels(settings.models, settings.precision)
        self.store = Store(settings.data)
        self.accounts: Accounts | None = None
        if settings.accounts:
            key = Key.of_folder(settings.data)
            self.accounts = Accounts(self.store.engine, key, settings.limits, clock)
        self.changes = Changes()
        self.queues = Queues(settings, self.models, self.store, self.changes)
        # A decoded photo takes hundreds of megabytes: few are in memory at a time.
        self._decoding = threading.BoundedSemaphore(settings.workers)
        self._stopped = threading.Event()
        self._cleaner = threading.Thread(target=self._clean, name="cleaning", daemon=True)

    def start(self) -> None:
        """Go on with what an earlier process has left, and delete what is too old."""
        self.forget_old()
        self.queues.resume()
        self._cleaner.start()

    def end(self) -> None:
        """Let all go who wait for something: it is not begun any more."""
        self._stopped.set()
        self.queues.end()
        self.changes.end()

    def stop(self) -> None:
        """Finish photos that run; films go on after the next start, when what waits is colored."""
        self.end()
        self.queues.stop()
        self._cleaner.join()
        self.store.close()

    # ------------------------------------------------------------------ photos

    def add(self, person: str, file: Path, name: str | None) -> Photo:
        """Keep a photo or a film that somebody has uploaded.

        Args:
            person: whose it is.
            file: in the data folder; a film is moved from there.
            name: as its owner calls it.

        Raises:
            Refusal: if it is too large, neither photo nor film, or there are too many.
        """
        with file.open("rb") as opened:
            film = film_format(opened.read(HEAD))
        self._require_room(person, films=film is not None)
        with self._decoding:
            if film is not None:
                photo = self._added_film(person, file, film, name)
            else:
                photo = self._added_photo(person, file, name)
        if not self.store.add_photo(photo):  # deleted while this was on its way
            self.store.forget_photo(photo)
            raise Refusal(401, "The account has been deleted; sign up for another one.")
        return photo

    def _require_room(self, person: str, *, films: bool) -> None:
        limits = self.settings.limits
        most, kind = (limits.films, "films") if films else (limits.photos, "photos")
        if self.store.count_photos(person, films=films) >= most:
            raise Refusal(507, f"There are {most:,} {kind} already; delete some first.")

    def _added_photo(self, person: str, file: Path, name: str | None) -> Photo:
        limits = self.settings.limits
        if file.stat().st_size > limits.upload_bytes:
            raise too_many_bytes(limits.upload_bytes)
        data = file.read_bytes()
        checked = check_photo(data, limits, FILMS_TAKEN)
        photo = Photo(safe_name(name), checked.format, checked.width, checked.height, owner=person)
        with atomic_path(self.store.file_of(photo)) as temporary:
            temporary.write_bytes(data)
        return photo

    def _added_film(self, person: str, file: Path, film: str, name: str | None) -> Photo:
        require_films()
        picture = file.with_suffix(".png")
        try:
            checked = check_film(file, film, self.settings.limits, picture)
            photo = Photo(safe_name(name, "film"), film, owner=person, **checked._asdict())
            with spoken_failure(self.store.file_of(photo)), file.open("rb") as written:
                os.fsync(written.fileno())
                picture.replace(self.store.picture_of(photo))
                file.replace(self.store.file_of(photo))
        finally:
            picture.unlink(missing_ok=True)
        return photo

    def photos(self, person: str) -> list[Photo]:
        """All photos of a person, the newest first."""
        return self.store.photos(person)

    def photo(self, person: str, identifier: str) -> Photo:
        """A person's photo by its id.

        Raises:
            Refusal: if there is none; another person's is none.
        """
        found = self.store.photo(identifier)
        if found is None or found.owner != person:
            raise Refusal(404, "There is no such photo; it may have been deleted.")
        return found

    def body_of(self, photo: Photo) -> PhotoBody:
        return PhotoBody.of(photo, self.settings.keep_days * _DAY)

    def gray(self, photo: Photo, side: int) -> bytes:
        """A photo, or a film's first frame, in gray as JPEG, of at most so many px a side."""
        with self._decoding:
            data = self._read(photo)
            return gray_jpeg(data, (photo.width, photo.height), side)

    def _read(self, photo: Photo) -> bytes:
        try:
            return self.store.picture_of(photo).read_bytes()
        except FileNotFoundError as error:
            raise Refusal(404, "The photo has just been deleted.") from error

    def film(self, person: str, identifier: str) -> tuple[Path, Photo]:
        """The file of a person's film as it was uploaded, and what is known of it.

        Raises:
            Refusal: if there is none, or it is a photo.
        """
        photo = self.photo(person, identifier)
        if not photo.is_film:
            raise Refusal(404, "That is a photo, and no film; ask for its image.")
        return self.store.file_of(photo), photo

    def delete_photo(self, photo: Photo) -> None:
        """Delete a photo or a film, its jobs and results."""
        for job in self.store.delete_photo(photo):
            self.queues.cancel(job)
        self.changes.tell()

    def forget_old(self) -> None:
        """Delete photos, and sessions, that have been kept for as long as they should."""
        for photo in self.store.photos_before(time.time() - self.settings.keep_days * _DAY):
            self.delete_photo(photo)
        if self.accounts is not None:
            self.accounts.forget_old()

    def delete_person(self, person: str) -> None:
        """Delete an account and everything of it."""
        for job in self.store.delete_owner(person):
            self.queues.cancel(job)
        self.changes.tell()

    def _clean(self) -> None:
        while not self._stopped.wait(_CLEANING):
            self.forget_old()

    def suggestions(self, photo: Photo, asked: SuggestionsRequest) -> tuple[Suggestion, ...]:
        """Likely colors at a place of a photo.

        Raises:
            ZooError: as `Colorizer.suggest_colors`.
        """
        model = self.models.loaded(asked.model or self.models.default)
        hints = _hints(asked.hints, (photo.width, photo.height))
        with self._decoding:
            data = self._read(photo)
            return model.suggest_colors(data, (asked.x, asked.y), asked.count, hints=hints)

    # ------------------------------------------------------------------ jobs

    def add_job(self, photo: Photo, asked: JobRequest) -> StoredJob:
        """Put a coloring into the queue.

        Raises:
            ZooError: if what is asked for cannot be done.
            Refusal: if the queue is full, or the photo's owner has no such reference.
        """
        model = self.models.served(asked.model or self.models.default)
        options = model.checked(asked.options)
        _hints(asked.hints, (photo.width, photo.height))
        check_transfer(asked.transfer, asked.reference is not None)
        film = _film(photo, asked)
        if asked.reference is not None:
            self.photo(photo.owner, asked.reference)
        job = StoredJob(
            photo=photo.id,
            model=model.name,
            options=options,
            hints=asked.hints,
            reference=asked.reference,
            transfer=asked.transfer,
            side=asked.side,
            film=None if asked.side is not None else film,
        )
        if job.film is not None:
            self._require_version(photo)
        self.queues.require_room(job)  # old previews would give way for nothing
        for old in self.store.old_previews(photo, self.settings.limits.previews - 1):
            self.store.delete_job(old)
        self.store.add_job(job)
        try:
            self.queues.add(job)
        except Refusal:
            self.store.delete_job(job)
            raise
        return job

    def _require_version(self, film: Photo) -> None:
        most = self.settings.limits.versions
        if self.store.count_versions(film) >= most:
            raise Refusal(507, f"The film is in color {most:,} times already; delete some first.")

    def job(self, person: str, identifier: str) -> StoredJob:
        """A person's job by its id.

        Raises:
            Refusal: if there is none; one of another person's photo is none.
        """
        found = self.store.job(identifier)
        photo = None if found is None else self.store.photo(found.photo)
        if found is None or photo is None or photo.owner != person:
            raise Refusal(404, "There is no such job; it may have been deleted.")
        return found

    def body_of_job(self, person: str, identifier: str) -> JobBody:
        """A person's job, and where it stands."""
        # First: a job that ends meanwhile has no place.
        place = self.queues.place(identifier)
        run = self.queues.film_run(identifier)
        return JobBody.of(self.job(person, identifier), place, run)

    def moved(self, job: JobBody) -> JobBody | None:
        """A job that was read before, where it stands now; None if it has to be read anew.

        The database is not asked: whoever follows a job comes here at each change of any.
        """
        place = self.queues.place_of_photo(job.id)
        if place is None or job.state != ("queued" if place.position else "running"):
            return None
        return job.at(place)

    def result(self, person: str, identifier: str) -> tuple[Path, Photo]:
        """The file of a person's job that is done, and its photo.

        Raises:
            Refusal: if it is not done.
        """
        job = self.job(person, identifier)
        if job.state == "failed":
            raise Refusal(409, f"The job has failed: {job.error}")
        if job.state != "done":
            raise Refusal(409, "The job is not done yet; wait for its state to be done.")
        photo = self.photo(person, job.photo)
        return self.store.result_of(job, photo), photo

    def delete_job(self, job: StoredJob) -> None:
        """Delete a job and its result, wherever it stands."""
        self.store.delete_job(job)
        self.queues.cancel(job)
        self.changes.tell()

    # ------------------------------------------------------------------ in one request

    def color_once(
        self, photo: BinaryIO, reference: BinaryIO | None, said: Mapping[str, str | None]
    ) -> "Future[tuple[bytes, str]]":
        """Color a photo of which nothing is kept.

        Args:
            photo: the uploaded file.
            reference: likewise, or None.
            said: "model", "options" and "hints" (JSON), "transfer".

        Returns:
            The colored photo's bytes, and the suffix of such a file.

        Raises:
            ZooError: if what is asked for cannot be done.
            Refusal: if the queue is full, or a file is no photo.
        """
        model = self.models.served(said["model"] or self.models.default)
        options = model.checked(_object(said["options"], "options") or {})
        check_transfer(said["transfer"], reference is not None)
        self.queues.require_room()  # decoding takes time
        folder = self.store.scratch / new_id()
        try:
            source, checked = self._put(photo, folder)
            hints = _hints(_object(said["hints"], "hints"), (checked.width, checked.height))
            other = None if reference is None else self._put(reference, folder)[0]
            wish = Wish(model.name, options, hints, other, said["transfer"])
            target = folder / f"colored{result_suffix(checked.format)}"

            def run() -> tuple[bytes, str]:
                color(self.models, source, target, wish)
                return target.read_bytes(), target.suffix

            future = self.queues.add_unrecorded(folder.name, run)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        future.add_done_callback(lambda _: shutil.rmtree(folder, ignore_errors=True))
        return future

    def _put(self, file: BinaryIO, folder: Path) -> tuple[Path, Checked]:
        """Check a file and put it into a folder."""
        with self._decoding:
            data = file.read()
            checked = check_photo(data, self.settings.limits)
            path = folder / f"{new_id()}{SUFFIXES[checked.format]}"
            with spoken_failure(path):  # of no use to others until the request has its answer
                folder.mkdir(exist_ok=True)
                path.write_bytes(data)
        return path, checked


def _film(photo: Photo, asked: JobRequest) -> dict[str, Any] | None:
    """The settings that a film is to be colored with; None for a photo.

    Raises:
        ZooError: if they cannot be, or something is asked for that films or photos do not take.
    """
    given = {} if asked.film is None else asked.film.model_dump(exclude_none=True)
    if not photo.is_film:
        if given:
            raise ZooError("Options for films were given, and this is a photo; leave them out.")
        return None
    if asked.hints is not None:
        raise ZooError("Hints are of one photo, and no film; give it a reference instead.")
    if asked.transfer not in (None, QUICK_METHODS[0]):
        raise ZooError(
            f"Films take the colors of a reference by {QUICK_METHODS[0]} alone; leave out "
            f"{asked.transfer}."
        )
    return film_settings(given, photo.format)


def _hints(content: Any, size: tuple[int, int]) -> Hints | None:
    """Hints of a photo of this width and height.

    Raises:
        ZooError: if they are none, or of another photo.
    """
    if content is None:
        return None
    hints = Hints.from_json(content)
    hints.require_within(size[1], size[0])
    return hints


def _object(text: str | None, name: str) -> dict[str, Any] | None:
    """A JSON object in a field of a form; None for an empty one."""
    if not text:
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ZooError(f"The {name} are no valid JSON; send an object, as in {{}}.") from error
    if not isinstance(content, dict):
        raise ZooError(f"The {name} must be a JSON object, as in {{}}.")
    return content
