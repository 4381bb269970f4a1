"""Refusals: a status of HTTP and one sentence that says what to do."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException


class Refusal(HTTPException):
    """A request that is not carried out.

    FastAPI lets exceptions of this kind through where it reads bodies, and hides all others.

    Args:
        status: of HTTP, 4xx or 5xx.
        sentence: what is wrong and what to do.
        retry_after: in seconds, where trying again later may help.
    """

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        headers = None if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(status, sentence, headers)


class WrongFields(Refusal):
    """A form of which some fields do not fit.

    Args:
        fields: the sentence of each of them by its name; the first one stands for all.
        status: of HTTP.
    """

    def __init__(self, fields: Mapping[str, str], status: int = 422) -> None:
        super().__init__(status, next(iter(fields.values())))
        self.fields = dict(fields)
