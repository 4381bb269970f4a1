"""The interface `/api/v1`: what each address takes and gives."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from zoo._version import __version__
from zoo.serve.account_api import account_routes
from zoo.serve.accounts.people import Person
from zoo.serve.bodies import (
    HealthBody,
    JobBody,
    JobRequest,
    ModelBody,
    ModelsBody,
    PhotoBody,
    PhotosBody,
    Side,
    SuggestionBody,
    SuggestionsBody,
    SuggestionsRequest,
)
from zoo.serve.film_formats import FILM_FORMATS
from zoo.serve.ids import new_id
from zoo.serve.refusals import Refusal
from zoo.serve.service import Service
from zoo.serve.store import Photo
from zoo.serve.uploads import FIELD, receive

#: Without news a stream says so often that it is there, in seconds.
_STILL_HERE = 15.0
_PHOTO_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".bmp": "image/bmp",
}
_FILM_TYPES = {one.suffix: one.media_type for one in FILM_FORMATS.values()}
_MEDIA_TYPES = _PHOTO_TYPES | _FILM_TYPES


def _gives(types: dict[str, str], description: str) -> dict[int | str, dict[str, Any]]:
    content: dict[str, Any] = {kind: {} for kind in types.values()}
    return {200: {"content": content, "description": description}}


_IMAGE = _gives(_PHOTO_TYPES, "The photo.")
_FILM = _gives(_FILM_TYPES, "The film, or the part of it that was asked for.")
_EITHER = _gives(_MEDIA_TYPES, "The photo or film.")
#: The form of an upload, which is written to the disk while it comes.
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
#: What has an id never changes.
_KEPT = {"Cache-Control": "private, max-age=3600"}


def routes(service: Service) -> APIRouter:
    """The interface of a service."""
    router = APIRouter(prefix="/api/v1")
    _add_general(router, service)
    _add_photos(router, service)
    _add_jobs(router, service)
    router.include_router(account_routes(service))
    return router


def _add_general(router: APIRouter, service: Service) -> None:
    @router.get("/health")
    def health() -> HealthBody:
        """Say that the server answers."""
        return HealthBody(status="ok", version=__version__)

    @router.get("/models")
    def models() -> ModelsBody:
        """The models and their options."""
        offered = [ModelBody.of(one) for one in service.models.all()]
        return ModelsBody(default=service.models.default, models=offered)

    @router.post("/colorize", response_class=Response, responses=_IMAGE)
    async def colorize(
        photo: UploadFile,
        reference: UploadFile | None = None,
        model: Annotated[str | None, Form()] = None,
        options: Annotated[str | None, Form()] = None,
        hints: Annotated[str | None, Form()] = None,
        transfer: Annotated[str | None, Form()] = None,
    ) -> Response:
        """Color a photo, in its own format and size; nothing is kept of it."""
        said = {"model": model, "options": options, "hints": hints, "transfer": transfer}
        other = None if reference is None else reference.file
        future = await run_in_threadpool(service.color_once, photo.file, other, said)
        colored, suffix = await asyncio.wrap_future(future)
        return Response(colored, media_type=_MEDIA_TYPES[suffix])

    @router.get("/archive", response_class=FileResponse)
    def archive(person: Person, jobs: str) -> FileResponse:
        """A ZIP file with the results of jobs, and with their hints where there are some."""
        file = service.store.scratch / f"{new_id()}.zip"
        try:
            _write_archive(service, person, list(dict.fromkeys(jobs.split(","))), file)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        gone = BackgroundTask(file.unlink, missing_ok=True)
        return FileResponse(
            file, media_type="application/zip", filename="colorized.zip", background=gone
        )


def _add_photos(router: APIRouter, service: Service) -> None:
    @router.post("/photos", status_code=201, openapi_extra=_FORM)
    async def add_photo(person: Person, request: Request) -> PhotoBody:
        """Keep a photo or a film for some days."""
        upload = await receive(request, service.store.scratch)
        try:
            photo = await run_in_threadpool(service.add, person, upload.path, upload.name)
        finally:
            upload.path.unlink(missing_ok=True)
        return service.body_of(photo)

    @router.get("/photos")
    def photos(person: Person) -> PhotosBody:
        """All photos and films, the newest first."""
        return PhotosBody(photos=[service.body_of(one) for one in service.photos(person)])

    @router.get("/photos/{identifier}/image", response_class=Response, responses=_IMAGE)
    def image(person: Person, identifier: str, side: Annotated[Side, Query()] = 1600) -> Response:
        """A photo, or the first frame of a film, in gray, as JPEG."""
        gray = service.gray(service.photo(person, identifier), side)
        return Response(gray, media_type="image/jpeg", headers=_KEPT)

    @router.get("/photos/{identifier}/film", response_class=FileResponse, responses=_FILM)
    def film(person: Person, identifier: str, download: bool = False) -> FileResponse:
        """A film as it was uploaded; a part of it where the request has a Range."""
        return _file(*service.film(person, identifier), download)

    @router.delete("/photos/{identifier}", status_code=204)
    def delete_photo(person: Person, identifier: str) -> None:
        """Delete a photo or a film with its jobs and results."""
        service.delete_photo(service.photo(person, identifier))

    @router.get("/photos/{identifier}/hints")
    def hints(person: Person, identifier: str, job: str) -> JSONResponse:
        """The hints of a job as a file, as `zoo colorize --hints` takes it."""
        photo, asked = service.photo(person, identifier), service.job(person, job)
        if asked.photo != photo.id or asked.hints is None:
            raise Refusal(404, "That job has no hints for this photo; name another one.")
        named = f"{Path(photo.name).stem}-hints.json"
        return JSONResponse(asked.hints, headers={"Content-Disposition": _attached(named)})

    @router.post("/photos/{identifier}/suggestions")
    def suggestions(person: Person, identifier: str, asked: SuggestionsRequest) -> SuggestionsBody:
        """Colors that a model holds for likely at a place."""
        found = service.suggestions(service.photo(person, identifier), asked)
        return SuggestionsBody(suggestions=[SuggestionBody(**vars(one)) for one in found])

    @router.post("/photos/{identifier}/jobs", status_code=202)
    def add_job(person: Person, identifier: str, asked: JobRequest) -> JobBody:
        """Put a coloring into the queue."""
        job = service.add_job(service.photo(person, identifier), asked)
        return service.body_of_job(person, job.id)


def _add_jobs(router: APIRouter, service: Service) -> None:
    @router.get("/jobs/{identifier}")
    def job(person: Person, identifier: str) -> JobBody:
        """Where a job stands."""
        return service.body_of_job(person, identifier)

    @router.get("/jobs/{identifier}/events", response_class=StreamingResponse)
    async def events(person: Person, identifier: str) -> StreamingResponse:
        """A job at each change, as server-sent events, until it is done or has failed."""
        await run_in_threadpool(service.job, person, identifier)
        return StreamingResponse(
            _events(service, person, identifier), media_type="text/event-stream"
        )

    @router.get("/jobs/{identifier}/result", response_class=FileResponse, responses=_EITHER)
    def result(person: Person, identifier: str, download: bool = False) -> FileResponse:
        """The colored photo or film; a part of it where the request has a Range."""
        return _file(*service.result(person, identifier), download)

    @router.delete("/jobs/{identifier}", status_code=204)
    def delete_job(person: Person, identifier: str) -> None:
        """Delete a job and its result."""
        service.delete_job(service.job(person, identifier))


async def _events(service: Service, person: str, identifier: str) -> AsyncIterator[str]:
    told, job = None, None
    with service.changes.listening() as happened:
        while not service.changes.ended:
            happened.clear()
            job = None if job is None else service.moved(job)
            if job is None:
                try:
                    job = await run_in_threadpool(service.body_of_job, person, identifier)
                except Refusal:  # deleted
                    return
            # An estimate changes all the time, and is told with what else does.
            news = (job.state, job.position, job.done, job.frames)
            if news != told:
                told = news
                yield f"event: job\ndata: {job.model_dump_json()}\n\n"
            if job.state in ("done", "failed"):
                return
            try:
                await asyncio.wait_for(happened.wait(), _STILL_HERE)
            except TimeoutError:
                yield ": still here\n\n"


def _write_archive(service: Service, person: str, identifiers: list[str], file: Path) -> None:
    if len(identifiers) > service.settings.limits.archived:
        raise Refusal(
            422, f"An archive holds up to {service.settings.limits.archived} results; ask for less."
        )
    names: set[str] = set()
    # Photos and films are compressed already.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        for identifier in identifiers:
            result, photo = service.result(person, identifier)
            stem = _free(Path(photo.name).stem, names)
            packed.write(result, f"{stem}{result.suffix}")
            hints = service.job(person, identifier).hints
            if hints is not None:
                packed.writestr(f"{stem}-hints.json", json.dumps(hints, indent=2) + "\n")


def _file(file: Path, photo: Photo, download: bool) -> FileResponse:
    """A file that belongs to a photo; as a download it has the photo's name."""
    named = f"{Path(photo.name).stem}{file.suffix}" if download else None
    return FileResponse(file, media_type=_MEDIA_TYPES[file.suffix], filename=named, headers=_KEPT)


def _free(stem: str, taken: set[str]) -> str:
    """A stem that is not taken yet, numbered if need be, and is from now on."""
    number, found = 1, stem
    while found in taken:
        number += 1
        found = f"{stem}-{number}"
    taken.add(found)
    return found


def _attached(name: str) -> str:
    """A Content-Disposition that saves under a name, whatever letters it has."""
    return f"attachment; filename*=utf-8''{quote(name, safe='')}"
