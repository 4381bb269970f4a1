"""The command that serves: `zoo serve`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from typer import Option, echo

from zoo.cli import options
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice

_NEEDED = ("fastapi", "uvicorn", "python_multipart", "sqlalchemy", "argon2")

_WITHOUT_ACCOUNTS = (
    "accounts are off, so everybody who reaches this address can color photos, and see and delete "
    "those that are kept; --accounts turns them on."
)
_WITH_ACCOUNTS = (
    "passwords and photos are not encrypted on their way; put a proxy with TLS before this "
    "address, and name it with --proxy."
)


def serve(
    host: Annotated[
        str, Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 for the whole network.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="0 for any free one.")] = 8000,
    data: Annotated[
        Path | None,
        Option(metavar="DIR", help="Where photos and results are kept; else in the user's data."),
    ] = None,
    keep_days: Annotated[
        int, Option(min=1, max=3650, help="Photos are deleted so many days after their upload.")
    ] = 7,
    model: Annotated[
        list[str] | None,
        Option(
            metavar="RUN",
            help="Trained folder, or a name that comes trained; repeatable; else all of those.",
        ),
    ] = None,
    workers: Annotated[
        int,
        Option(min=1, max=64, help="Photos that are colored at a time; one film is, beside them."),
    ] = 2,
    precision: options.PredictionPrecision = "float32",
    accounts: Annotated[
        bool, Option("--accounts", help="People sign up and log in; each has their own photos.")
    ] = False,
    proxy: Annotated[
        list[str] | None,
        Option(
            metavar="ADDRESS",
            help="A proxy that says whom it asks for and whether by TLS; repeatable.",
        ),
    ] = None,
) -> None:
    """Serve a web page that colors photos, and an interface for programs, until Ctrl-C.

    It listens on this machine alone unless --host says otherwise. One person uses it, without a
    password, unless --accounts is given.
    """
    _require_extra()
    valid_choice("precision", precision, options.PRECISIONS)
    from zoo.serve.http.addresses import address_of, bind, check_proxy, is_local
    from zoo.serve.settings import Settings, default_data

    for one in proxy or ():
        check_proxy(one)
    listening = bind(host, port)
    folder = data or default_data()
    start_keras()
    # They import FastAPI and Keras.
    from zoo.serve.running import run
    from zoo.serve.service import Service

    settings = Settings(
        folder,
        models=tuple(model or ()),
        host=host,
        keep_days=keep_days,
        workers=workers,
        precision=precision,
        accounts=accounts,
        proxies=tuple(proxy or ()),
    )
    service = Service(settings)
    echo(f"Open {address_of(listening)} in a browser; Ctrl-C ends it.")
    echo(f"Photos are kept in {folder} for {keep_days} days.")
    if not is_local(host):
        echo(f"Caution: {_WITH_ACCOUNTS if accounts else _WITHOUT_ACCOUNTS}", err=True)
    run(service, listening)
    echo("Stopped; what was waiting is colored after the next start.")


def _require_extra() -> None:
    """Refuse to start without the extra."""
    if any(find_spec(name) is None for name in _NEEDED):
        raise ZooError('`zoo serve` needs the extra serve; run `pip install -e ".[serve]"`.')
