"""The server as a process of its own: it starts, is killed, goes on, and stops."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from served import make_photo

from benchmarks.serving.ends import Accepted, end_under_load, finish, require_whole
from benchmarks.serving.process import ServerProcess
from zoo.cli import main, serving
from zoo.errors import ZooError
from zoo.serve.http.addresses import address_of, bind
from zoo.serve.settings import default_data


def test_nothing_that_was_accepted_is_lost_when_it_is_killed(tmp_path):
    data = tmp_path / "data"
    with ServerProcess(data, "gray") as server:
        accepted = end_under_load(server.address, some_photos(), 20, server.kill)
        assert server.log() == ""
    assert waiting_in(data) > 0
    finish(data, "gray")
    require_whole(data, accepted)
    assert len(accepted.jobs) >= 20


@pytest.mark.parametrize("part", ["photos", "results", "scratch"])
def test_what_is_left_over_is_seen(start, settings, part):
    """The check itself."""
    server = start()
    photo = server.upload()
    job = server.wait(server.ask(photo, model="gray"))
    start(models=("gray",))
    accepted = Accepted([photo["id"]], [job["id"]])
    require_whole(settings.data, accepted)
    (settings.data / part / "x.png").write_bytes(make_photo())
    with pytest.raises(ZooError, match=r"files|left"):
        require_whole(settings.data, accepted)


def test_it_stops_when_it_is_told_and_goes_on_later(tmp_path, capsys):
    """In the midst of uploads, with jobs that wait."""
    with bind("127.0.0.1", 0) as free:
        address = address_of(free)
    accepted, told = [], []

    def interrupt() -> None:
        told.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    def crowd() -> None:
        wait_for(address)
        accepted.append(end_under_load(address, some_photos(), 20, interrupt))

    stopping = threading.Thread(target=crowd)
    stopping.start()
    port = address.rpartition(":")[2]
    data = tmp_path / "data"
    given = ("--model", "gray", "--port", port, "--data", str(data), "--keep-days", "3")
    assert call(*given) == 0
    assert time.monotonic() - told[0] < 10
    stopping.join()
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"Open {address} in a browser; Ctrl-C ends it.",
        f"Photos are kept in {data} for 3 days.",
        "Stopped; what was waiting is colored after the next start.",
    ]
    assert "Caution" not in said.err
    assert waiting_in(data) > 0
    finish(data, "gray")
    require_whole(data, accepted[0])


def wait_for(address: str) -> None:
    """Until a server answers."""
    for _ in range(400):
        with contextlib.suppress(urllib.error.URLError):
            urllib.request.urlopen(f"{address}/api/v1/health", timeout=20).close()
            return
        time.sleep(0.05)
    raise AssertionError("There is no server.")


def some_photos() -> list[bytes]:
    return [make_photo((600, 400), "JPEG", seed) for seed in range(4)]


def waiting_in(data: Path) -> int:
    """How many jobs have not ended."""
    with closing(sqlite3.connect(data / "zoo.sqlite")) as database:
        states = database.execute("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')")
        return states.fetchone()[0]


def call(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["zoo", "serve", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code or 0


def test_whoever_opens_it_to_others_is_warned(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("zoo.serve.running.run", lambda service, listening: listening.close())
    given = ("--model", "gray", "--port", "0", "--data", str(tmp_path / "data"))
    assert call(*given, "--host", "0.0.0.0") == 0
    told = capsys.readouterr().err
    assert "accounts are off" in told
    assert "everybody who reaches this address can color photos" in told


def test_accounts_and_a_proxy_are_passed_on(tmp_path, monkeypatch, capsys):
    served = []

    def run(service, listening):
        served.append(service.settings)
        listening.close()
        service.store.close()

    monkeypatch.setattr("zoo.serve.running.run", run)
    given = ("--model", "gray", "--port", "0", "--data", str(tmp_path / "data"), "--accounts")
    given += ("--proxy", "127.0.0.1", "--proxy", "10.0.0.0/8")
    assert call(*given) == 0
    assert "Caution" not in capsys.readouterr().err
    assert call(*given, "--host", "0.0.0.0") == 0
    told = capsys.readouterr().err
    assert "put a proxy with TLS before this address" in told
    assert "everybody" not in told
    assert served[0].accounts
    assert served[0].proxies == ("127.0.0.1", "10.0.0.0/8")
    assert call("--proxy", "proxy.example") == 2
    assert "--proxy takes an IP address or a network" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(tmp_path, capsys):
    taken = bind("127.0.0.1", 0)
    taken.listen()
    port = address_of(taken).rpartition(":")[2]
    assert call("--model", "gray", "--data", str(tmp_path), "--port", port) == 2
    assert capsys.readouterr().err.strip().endswith("choose others with --host and --port.")
    taken.close()
    with pytest.raises(ZooError, match=r"Cannot listen at no\.such\.host"):
        bind("no.such.host.invalid", 0)


def test_a_model_that_is_not_trained_is_told(tmp_path, capsys):
    assert call("--model", "hinted", "--data", str(tmp_path), "--port", "0") == 2
    assert "has to be trained first" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys):
    missing = lambda name: None if name == "fastapi" else object()  # noqa: E731
    monkeypatch.setattr(serving, "find_spec", missing)
    assert call() == 2
    assert '`pip install -e ".[serve]"`' in capsys.readouterr().err


def test_help_needs_no_extra():
    code = (
        "import sys\nfrom zoo.cli import main\nsys.argv = ['zoo', 'serve', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "names = ('fastapi', 'uvicorn', 'sqlalchemy', 'keras', 'starlette')\n"
        "print([name for name in names if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip().endswith("[]")


def test_the_folder_is_the_user_s_unless_another_is_named(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert default_data() == Path("/somewhere/colorization-zoo/serve")
