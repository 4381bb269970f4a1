"""Receiving the file of a form into a folder: what may be a film is never in memory whole."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from zoo.files import spoken_failure
from zoo.serve.ids import new_id
from zoo.serve.refusals import Refusal

#: The field of the form that has the file.
FIELD = "photo"
#: Bytes that a part may say of itself in one line.
_LONGEST_LINE = 8192


@dataclass(frozen=True)
class Upload:
    """A file that has been received.

    Attributes:
        path: where it is; whoever receives it moves or deletes it.
        name: as its owner calls it, if that was said.
    """

    path: Path
    name: str | None


async def receive(request: Request, folder: Path) -> Upload:
    """Write the file in the field `photo` of a form into a folder while it comes.

    Raises:
        Refusal: if the form has no such file or is broken, or it is too long.
        ZooError: if it cannot be written.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    border = options.get(b"boundary")
    if kind != b"multipart/form-data" or not border:
        raise Refusal(422, f"Send a form (multipart/form-data) with the file in its field {FIELD}.")
    path = folder / new_id()
    try:
        with spoken_failure("the upload"), path.open("wb") as file:
            form = _Form(file)
            parser = MultipartParser(border, form.callbacks())
            async for chunk in request.stream():
                await run_in_threadpool(parser.write, chunk)
            if not form.ended:
                raise _broken()
            if not form.found:
                raise Refusal(422, f"The form has no file in a field {FIELD}; send one.")
            return Upload(path, form.name)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, FormParserError | ClientDisconnect):
            raise _broken() from error
        raise


def _broken() -> Refusal:
    return Refusal(400, "The form is broken off or damaged; send it again.")


class _Form:
    """Writes the wanted part of a form into a file, and drops all others."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.found, self.ended = False, False
        self.name: str | None = None
        self._field, self._value, self._said = b"", b"", b""
        self._is_wanted = False

    def callbacks(self) -> Any:
        """What the parser calls; pieces come as a buffer with a start and an end."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._said, self._is_wanted = b"", False

    def _end(self) -> None:
        self.ended = True

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field = _longer(self._field, data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value = _longer(self._value, data[start:end])

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._said = self._value
        self._field = self._value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._said)
        is_file = options.get(b"name") == FIELD.encode() and b"filename" in options
        self._is_wanted = is_file and not self.found
        if self._is_wanted:
            self.found = True
            self.name = options[b"filename"].decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_wanted:
            self._file.write(data[start:end])


def _longer(line: bytes, more: bytes) -> bytes:
    if len(line) + len(more) > _LONGEST_LINE:
        raise FormParserError("A part says too much of itself.")
    return line + more
