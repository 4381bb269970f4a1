"""The container's file: what it says is what the package and the command line say."""

import json
import re
import shlex
import sys
from configparser import ConfigParser

import pytest
from doc_pages import DOCS

from zoo.cli import main

ROOT = DOCS.parent
LINES = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()


def said(instruction: str) -> list[str]:
    """What follows each instruction of this name."""
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{instruction} ")]


def package() -> ConfigParser:
    found = ConfigParser()
    found.read(ROOT / "setup.cfg", encoding="utf-8")
    return found


def test_python_and_the_extra_are_those_of_the_package():
    images = {line.split()[0] for line in said("FROM")}
    (image,) = images
    version = re.fullmatch(r"python:(3\.\d+)-slim", image)[1]
    assert f"Programming Language :: Python :: {version}" in package()["metadata"]["classifiers"]
    assert {"serve", "video"} <= set(package()["options.extras_require"])
    assert any("[serve,video]" in line for line in said("RUN"))


def test_the_command_is_one_of_zoo(monkeypatch):
    """It is run with a service that stops at once."""
    (line,) = said("CMD")
    command, ran = json.loads(line), []
    monkeypatch.setattr("zoo.serve.service.Service", lambda settings: ran.append(settings))
    monkeypatch.setattr("zoo.serve.running.run", lambda _, listening: listening.close())
    port = command.index("--port") + 1
    monkeypatch.setattr(sys, "argv", [*command[:port], "0", *command[port + 1 :]])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert ran[0].host == "0.0.0.0"
    assert said("VOLUME") == [str(ran[0].data)]
    assert said("EXPOSE") == [command[port]]
    assert f"127.0.0.1:{command[port]}/api/v1/health" in "".join(said("HEALTHCHECK"))


def test_it_is_not_root_and_owns_the_folder():
    users = LINES.index("USER 10001")
    assert users < next(number for number, line in enumerate(LINES) if line.startswith("CMD"))
    made = " ".join(said("RUN"))
    assert "useradd --uid 10001" in made
    assert f"--owner=zoo --group=zoo --mode=700 {said('VOLUME')[0]}" in made


def test_what_is_copied_is_there_and_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line[1:] for line in ignored if line.startswith("!")]
    copied = [name for line in said("COPY") for name in shlex.split(line)[:-1]]
    assert sorted(copied) == sorted(kept)
    for name in copied:
        assert (ROOT / name).exists()


def test_the_documentation_binds_to_this_machine_alone():
    page = (DOCS / "serve.md").read_text(encoding="utf-8")
    (run,) = re.findall(r"^docker run .*$", page, re.MULTILINE)
    assert f"-p 127.0.0.1:8000:{said('EXPOSE')[0]}" in run
    assert f":{said('VOLUME')[0]}" in run
