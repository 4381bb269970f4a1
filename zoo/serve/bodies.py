"""What requests and answers of the interface hold, as JSON."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from zoo.serve.films import FilmRun
from zoo.serve.pool import Place
from zoo.serve.served_models import Served
from zoo.serve.store import Photo, State, StoredJob

#: The long side of small versions, in px.
Side = Annotated[int, Field(ge=16, le=4096)]


class Request(BaseModel):
    """A typo in a field's name is told, not ignored."""

    model_config = ConfigDict(extra="forbid")


class FilmRequest(Request):
    """How a film is colored; see `zoo.inference.films.plan.FilmSettings`."""

    smoothing: str | None = None
    look_ahead: int | None = None
    start: Annotated[float, Field(allow_inf_nan=False)] | None = None
    end: Annotated[float, Field(allow_inf_nan=False)] | None = None
    codec: str | None = None


class JobRequest(Request):
    """A coloring that is asked for; see `zoo.serve.coloring.Wish`."""

    model: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    hints: dict[str, Any] | None = None
    reference: str | None = None
    transfer: str | None = None
    side: Side | None = None
    film: FilmRequest | None = None


class SuggestionsRequest(Request):
    """A place of a photo, in its px, where likely colors are asked for."""

    model: str | None = None
    x: float
    y: float
    count: int = 5
    hints: dict[str, Any] | None = None


class OptionBody(BaseModel):
    """A number that a model takes; see `zoo.options.Option`."""

    name: str
    default: float
    low: float
    high: float
    whole: bool
    meaning: str


class ModelBody(BaseModel):
    """A model that is offered."""

    name: str
    about: str
    distributions: bool
    options: list[OptionBody]

    @classmethod
    def of(cls, model: Served) -> "ModelBody":
        options = [
            OptionBody(
                name=one.name,
                default=model.defaults[one.name],
                low=one.low,
                high=one.high,
                whole=one.whole,
                meaning=one.meaning,
            )
            for one in model.options
        ]
        return cls(
            name=model.name, about=model.about, distributions=model.distributions, options=options
        )


class ModelsBody(BaseModel):
    """The models, and the one that is taken where a request names none."""

    default: str
    models: list[ModelBody]


class PhotoBody(BaseModel):
    """An uploaded photo or film; times are UTC, as ISO 8601 has them."""

    id: str
    kind: Literal["photo", "film"]
    name: str
    width: int
    height: int
    format: str
    frames: int | None
    seconds: float | None
    created: str
    expires: str

    @classmethod
    def of(cls, photo: Photo, kept: float) -> "PhotoBody":
        """The body of a photo that is kept for so many seconds."""
        return cls(
            id=photo.id,
            kind="film" if photo.is_film else "photo",
            frames=photo.frames,
            seconds=photo.seconds,
            name=photo.name,
            width=photo.width,
            height=photo.height,
            format=photo.format,
            created=moment(photo.created),
            expires=moment(photo.created + kept),
        )


class PhotosBody(BaseModel):
    """Photos, the newest first."""

    photos: list[PhotoBody]


class JobBody(BaseModel):
    """A coloring, and where it stands.

    `position` is 1 for the next one, `estimate` in seconds. While a film is colored, `done` is the
    number of its finished frames; `frames` is that of all, once they are counted. `notes` say what
    is not kept of it.
    """

    id: str
    photo: str
    model: str
    state: State
    position: int | None
    estimate: float | None
    done: int | None
    frames: int | None
    error: str | None
    notes: list[str]
    options: dict[str, float]
    hints: dict[str, Any] | None
    film: dict[str, Any] | None
    created: str

    @classmethod
    def of(cls, job: StoredJob, place: Place | None, run: FilmRun | None = None) -> "JobBody":
        run = run if job.state == "running" else None
        if run is not None:
            place = Place(None, run.estimate)
        body = cls(
            id=job.id,
            photo=job.photo,
            model=job.model,
            state=job.state,
            position=None,
            estimate=None,
            done=None if run is None else run.done,
            frames=None if run is None else run.frames,
            error=job.error,
            notes=job.notes or [],
            options=job.options,
            hints=job.hints,
            film=job.film,
            created=moment(job.created),
        )
        return body if place is None or job.ended else body.at(place)

    def at(self, place: Place) -> "JobBody":
        """The same job at a place."""
        estimate = None if place.estimate is None else round(place.estimate, 1)
        position = place.position if self.state == "queued" else None
        return self.model_copy(update={"position": position, "estimate": estimate})


class SuggestionBody(BaseModel):
    """A likely color; see `zoo.hints.suggestions.Suggestion`."""

    color: str
    ab: tuple[float, float]
    probability: float


class SuggestionsBody(BaseModel):
    """Likely colors, the likeliest first."""

    suggestions: list[SuggestionBody]


class HealthBody(BaseModel):
    """That the server answers, and its version."""

    status: str
    version: str


def moment(seconds: float) -> str:
    """A time in seconds since 1970, as ISO 8601 has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
