"""What a server is told when it starts, and the limits that keep it within its machine."""

from dataclasses import dataclass, field
from pathlib import Path

import platformdirs


@dataclass(frozen=True)
class Limits:
    """How much is taken, so that neither memory nor disk runs full.

    Attributes:
        upload_bytes: of the files of one request together.
        film_bytes: of one film.
        json_bytes: of any other request.
        pixels: of one photo.
        frame_pixels: of a frame of a film.
        frames: of one film.
        waiting: jobs in the queue.
        photos: kept at a time.
        films: likewise.
        versions: of one film in color, done or asked for: they are large.
        previews: kept of one photo; older ones give way.
        archived: results in one archive.
        tokens: of one account.
        session_days: how long a session lasts.
        tries_of_email: log-ins, and sign-ups, for one e-mail address within `tries_seconds`.
        tries_of_address: likewise, from one address of the network.
        tries_seconds: the time that attempts count for.
        requests: answered at a time.
        arriving_bytes: of all uploads that are on their way.
        piece_seconds: that a client may take to send, or to take, the next piece.
        body_seconds: that a request may take to come, and a second more for each 64 KiB.
    """

    upload_bytes: int = 2**26
    film_bytes: int = 2**30
    json_bytes: int = 2**20
    pixels: int = 2**26
    frame_pixels: int = 2**23
    frames: int = 2**16
    waiting: int = 32
    photos: int = 1000
    films: int = 20
    versions: int = 10
    previews: int = 20
    archived: int = 100
    tokens: int = 50
    session_days: int = 14
    tries_of_email: int = 10
    tries_of_address: int = 30
    tries_seconds: int = 15 * 60
    requests: int = 128
    arriving_bytes: int = 2**32
    piece_seconds: float = 30.0
    body_seconds: float = 600.0


@dataclass(frozen=True)
class Settings:
    """What `zoo serve` is told.

    Attributes:
        data: the folder of photos, results and the database.
        models: trained folders or names that come trained; all of the latter where empty.
        host: the address that the server binds to.
        keep_days: when photos are deleted, in days after their upload.
        workers: how many photos are colored at a time.
        precision: of predictions: "float32", or "auto" for int8 where it gains.
        accounts: whether people log in; there is one person, who need not, otherwise.
        proxies: addresses or networks of proxies that are believed whom they ask for.
        limits: see `Limits`.
    """

    data: Path
    models: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    keep_days: int = 7
    workers: int = 2
    precision: str = "float32"
    accounts: bool = False
    proxies: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


def default_data() -> Path:
    """The folder of a server that is told no other."""
    return Path(platformdirs.user_data_dir("colorization-zoo")) / "serve"
