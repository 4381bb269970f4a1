"""The application: the interface, the page, and every mistake as one sentence."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from zoo._version import __version__
from zoo.errors import ZooError
from zoo.serve.accounts.door import Door
from zoo.serve.api import routes
from zoo.serve.disk import CANNOT_WRITE, is_of_disk
from zoo.serve.http.guard import Guard
from zoo.serve.http.throttle import Throttle
from zoo.serve.local import LocalFiles
from zoo.serve.refusals import WrongFields
from zoo.serve.service import Service

_LOG = logging.getLogger("zoo.serve")
PAGE = Path(__file__).parent / "page"
#: Letters of a sentence, which may name what somebody has sent.
_LONGEST = 500
_NO_PAGE = "The page is not installed; the interface at /api/v1 works without it.\n"
#: Asked for anew each time, and sent only if it has changed, so that updates show.
_FRESH = {"Cache-Control": "no-cache"}


def create_app(service: Service, page: Path = PAGE) -> ASGIApp:
    """Make the application of a service, which starts and stops with it.

    Args:
        service: what it does.
        page: the folder of the page's files.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Who waits for a turn to decode must keep no other request from its answer.
        current_default_thread_limiter().total_tokens = service.settings.limits.requests
        service.start()
        try:
            yield
        finally:
            service.stop()

    # The usual pages about the interface would fetch scripts from elsewhere.
    app = FastAPI(
        title="colorization-zoo",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.include_router(routes(service))
    _add_page(app, page)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(ZooError, _mistaken)
    for kind in (OSError, OperationalError):
        app.add_exception_handler(kind, _of_system)
    app.add_exception_handler(Exception, _broken)
    inside = Throttle(Door(app, service.accounts), service.settings.limits)
    return Guard(inside, service.settings)


class _PageFiles(StaticFiles):
    """The page's files; its service worker may also look after the page itself."""

    async def get_response(self, path: str, scope: dict) -> Response:  # type: ignore[override]
        response = await super().get_response(path, scope)
        response.headers.update(_FRESH)
        if path == "sw.js":
            response.headers["Service-Worker-Allowed"] = "/"
        return response


def _add_page(app: FastAPI, page: Path) -> None:
    @app.get("/", include_in_schema=False)
    def index() -> Response:
        file = page / "index.html"
        if not file.is_file():
            return PlainTextResponse(_NO_PAGE, 404)
        return FileResponse(file, headers=_FRESH)

    if page.is_dir():
        app.mount("/static", _PageFiles(directory=page))
        app.mount("/local", LocalFiles())


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if is_of_disk(error):  # while an upload came, which FastAPI calls a mistake of the client
        return _of_disk(error)
    fields = error.fields if isinstance(error, WrongFields) else None
    return _sentence(error.status_code, str(error.detail), error.headers, fields)


def _misread(_request: Request, error: Exception) -> Response:
    """Of all that does not fit, the first: where it is, and what is wrong."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    return _sentence(422, f"In the request {place} is wrong: {first['msg']}")


def _mistaken(_request: Request, error: Exception) -> Response:
    return _of_disk(error) if is_of_disk(error) else _sentence(422, str(error))


def _of_system(_request: Request, error: Exception) -> Response:
    if is_of_disk(error):
        return _of_disk(error)
    raise error


def _of_disk(error: Exception) -> Response:
    _LOG.error(str(error.__cause__ or error))  # for whoever owns the server
    return _sentence(507, CANNOT_WRITE)


def _broken(_request: Request, _error: Exception) -> Response:
    return _sentence(500, "Something went wrong in the server; its log says what")


def _sentence(
    status: int, text: str, headers: object = None, fields: dict[str, str] | None = None
) -> Response:
    given = headers if isinstance(headers, dict) else None
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    said: dict[str, object] = {"error": f"{text.rstrip('.')}."}
    if fields is not None:
        said["fields"] = fields
    return JSONResponse(said, status, headers=given)
