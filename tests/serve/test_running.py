"""The server as a process of its own: it starts, is killed, goes on, and stops."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from served import make_photo

from zoo.cli import main, serving
from zoo.errors import ZooError
from zoo.serve.addresses import address_of, bind
from zoo.serve.settings import default_data


def ask(address: str, path: str, data: bytes | None = None, kind: str = "application/json"):
    headers = {"X-Requested-With": "zoo", "Content-Type": kind}
    request = urllib.request.Request(address + path, data, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def upload(address: str) -> dict:
    head = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="sea.png"\r\n\r\n'
    body = head + make_photo((400, 300)) + b"\r\n--x--\r\n"
    return ask(address, "/api/v1/photos", body, "multipart/form-data; boundary=x")


def test_it_goes_on_after_it_was_killed(settings, start):
    """The first server is a process of its own, the second one is in this process."""
    command = [sys.executable, "-m", "zoo", "serve", "--port", "0", "--model", "gray"]
    command += ["--data", str(settings.data)]
    unbuffered = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=unbuffered) as process:
        try:
            address = process.stdout.readline().split()[1]
            photo = upload(address)
            jobs = f"/api/v1/photos/{photo['id']}/jobs"
            made = [ask(address, jobs, b'{"model": "gray"}') for _ in range(12)]
        finally:
            process.kill()
    server = start()
    assert [server.wait(job)["state"] for job in made] == ["done"] * len(made)
    assert server.client.get("/api/v1/photos").json()["photos"] == [photo]
    results = {path.name for path in (settings.data / "results").iterdir()}
    assert results == {f"{job['id']}.png" for job in made}


def test_it_stops_when_it_is_told(tmp_path, capsys):
    with bind("127.0.0.1", 0) as free:
        address = address_of(free)
    answers = []

    def stop() -> None:
        for _ in range(200):
            with contextlib.suppress(urllib.error.URLError):
                answers.append(ask(address, "/api/v1/health"))
                break
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    stopping = threading.Thread(target=stop)
    stopping.start()
    port = address.rpartition(":")[2]
    given = ("--model", "gray", "--port", port, "--data", str(tmp_path), "--keep-days", "3")
    assert call(*given) == 0
    stopping.join()
    assert answers[0]["status"] == "ok"
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"Open {address} in a browser; Ctrl-C ends it.",
        f"Photos are kept in {tmp_path} for 3 days.",
        "Stopped; what was waiting is colored after the next start.",
    ]
    assert "Caution" not in said.err


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
